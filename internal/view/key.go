package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Key renders an API key without its secret.
func Key(k pay.Key) api.Key {
	return api.Key{
		KeyID: k.ID, Name: k.Name, Scope: string(k.Scope), Environment: string(k.Environment), Status: k.Status(), ExpiresAt: seconds(k.ExpiresAt),
		LastUsedAt: seconds(k.LastUsedAt), CreatedAt: k.CreatedAt.Unix(), RevokedAt: seconds(k.RevokedAt), RevokedReason: orNull(k.RevokedReason),
	}
}

// CreatedKey renders a new API key with its secret.
func CreatedKey(k pay.Key, secret string) api.CreatedKey {
	return api.CreatedKey{
		KeyID: k.ID, Name: k.Name, Scope: string(k.Scope), APIKey: secret, ExpiresAt: seconds(k.ExpiresAt), Environment: string(k.Environment),
	}
}
