package api

import "encoding/json"

// CreateKeyRequest is the body of POST /api/v1/api-keys.
type CreateKeyRequest struct {
	Name        *string         `json:"name"`
	Scope       *string         `json:"scope"` // merchant, commerce
	ExpiresAt   json.RawMessage `json:"expires_at,omitempty"`
	Environment *string         `json:"environment,omitempty"` // devnet, mainnet; absent means the merchant's current one
}

// CreatedKey answers it. The key is shown only here.
type CreatedKey struct {
	KeyID       string `json:"key_id"`
	Name        string `json:"name"`
	Scope       string `json:"scope"`
	APIKey      string `json:"api_key"`
	ExpiresAt   *int64 `json:"expires_at"`
	Environment string `json:"environment"`
}

// Key is an API key without its secret.
type Key struct {
	KeyID         string  `json:"key_id"`
	Name          string  `json:"name"`
	Scope         string  `json:"scope"`
	Environment   string  `json:"environment"`
	Status        string  `json:"status"` // active, suspended, revoked
	ExpiresAt     *int64  `json:"expires_at"`
	LastUsedAt    *int64  `json:"last_used_at"`
	CreatedAt     int64   `json:"created_at"`
	RevokedAt     *int64  `json:"revoked_at"`
	RevokedReason *string `json:"revoked_reason"`
}

// RevokeKeyRequest is the body of POST /api/v1/api-keys/{keyId}/revoke, which may be
// left out.
type RevokeKeyRequest struct {
	Reason *string `json:"reason,omitempty"`
}

// KeyRevoked answers it.
type KeyRevoked struct {
	Message string `json:"message"`
}
