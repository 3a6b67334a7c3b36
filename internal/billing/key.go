package billing

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// AddKey draws an API key for a merchant, as the operator. The secret it returns is
// shown only now; a zero life is for ever.
func (b *Billing) AddKey(ctx context.Context, merchant int64, name string, s pay.Scope, e pay.Environment, life time.Duration) (k pay.Key, secret string, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		m, ok, err := tx.Merchant(merchant)
		if err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "There is no merchant %d", merchant))
		}
		k = pay.Key{MerchantID: merchant, Name: name, Scope: s, Environment: e}
		if life > 0 {
			k.ExpiresAt = tx.Now().Add(life)
		}
		k, secret, err = addKey(tx, m, k)
		return err
	})
	return k, secret, err
}

// addKey draws the id and the secret of a key and stores it.
func addKey(tx *store.Tx, m pay.Merchant, k pay.Key) (pay.Key, string, error) {
	if k.Environment == pay.Mainnet && !m.Mainnet {
		return k, "", pay.ErrNoMainnet
	}
	secret := auth.NewKey(k.Scope, k.Environment)
	k.ID, k.Hash, k.CreatedAt = tx.NewID(), auth.Hash(secret), tx.Now()
	return k, secret, tx.AddKey(k)
}

// Keys returns a merchant's keys, newest first.
func (b *Billing) Keys(ctx context.Context, merchant int64) (ks []pay.Key, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		ks, err = tx.Keys(merchant)
		return err
	})
	return ks, err
}

// RevokeKey revokes a key for good, as the operator.
func (b *Billing) RevokeKey(ctx context.Context, id string) error {
	return b.changeKey(ctx, id, func(tx *store.Tx) (bool, error) { return tx.RevokeKey(id, "by the operator") })
}

// SuspendKey refuses requests with a key until ResumeKey.
func (b *Billing) SuspendKey(ctx context.Context, id string) error {
	return b.changeKey(ctx, id, func(tx *store.Tx) (bool, error) { return tx.SuspendKey(id, tx.Now()) })
}

// ResumeKey lets a suspended key work again.
func (b *Billing) ResumeKey(ctx context.Context, id string) error {
	return b.changeKey(ctx, id, func(tx *store.Tx) (bool, error) { return tx.SuspendKey(id, time.Time{}) })
}

func (b *Billing) changeKey(ctx context.Context, id string, change func(*store.Tx) (bool, error)) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		ok, err := change(tx)
		if err == nil && !ok {
			err = pay.Errorf(pay.CodeNotFound, "There is no key %s in use", id)
		}
		return err
	})
}

// CreateKey draws an API key for the caller's merchant. Its secret is in the answer
// and nowhere else.
func (b *Billing) CreateKey(ctx context.Context, c Caller, r api.CreateKeyRequest, o Once) ([]byte, error) {
	k, err := keyDraft(c, r)
	if err != nil {
		return nil, err
	}
	return b.Write(ctx, c.Merchant.ID, "key.create", o, func(tx *store.Tx) (any, error) {
		if !k.Usable(tx.Now()) {
			return nil, pay.Errorf(pay.CodeValidation, "expires_at must be in the future")
		}
		m, ok, err := tx.MerchantForUpdate(c.Merchant.ID) // so that nobody else counts its keys meanwhile
		if err != nil || !ok {
			return nil, orElse(err, pay.Errorf(pay.CodeNotFound, "Merchant not found"))
		}
		have, err := tx.Keys(m.ID)
		if err != nil {
			return nil, err
		}
		active := 0
		for _, h := range have {
			if h.Scope == k.Scope && h.Usable(tx.Now()) {
				active++
			}
		}
		if active >= b.MaxKeys {
			return nil, pay.Errorf(pay.CodeForbidden, "At most %d active API keys of scope %s; revoke one first", b.MaxKeys, k.Scope)
		}
		made, secret, err := addKey(tx, m, k)
		return view.CreatedKey(made, secret), err
	})
}

// keyDraft checks a request for a key, field by field.
func keyDraft(c Caller, r api.CreateKeyRequest) (k pay.Key, err error) {
	k = pay.Key{MerchantID: c.Merchant.ID, Environment: c.Environment, CreatedBy: c.User}
	if r.Name == nil || *r.Name == "" || utf8.RuneCountInString(*r.Name) > pay.MaxText || strings.ContainsRune(*r.Name, 0) {
		return k, pay.Errorf(pay.CodeValidation, "name is required: 1 to %d characters, and no NUL", pay.MaxText)
	}
	k.Name = *r.Name
	if r.Scope == nil || *r.Scope != string(pay.ScopeMerchant) && *r.Scope != string(pay.ScopeCommerce) {
		return k, pay.Errorf(pay.CodeValidation, "scope is required: merchant or commerce")
	}
	k.Scope = pay.Scope(*r.Scope)
	if r.Environment != nil {
		if k.Environment = pay.Environment(*r.Environment); k.Environment != pay.Devnet && k.Environment != pay.Mainnet {
			return k, pay.Errorf(pay.CodeValidation, "environment must be devnet or mainnet, or left out for the current one")
		}
	}
	if present(r.ExpiresAt) {
		k.ExpiresAt, err = moment(r.ExpiresAt)
	}
	return k, err
}

// lastSecond is the last that a date-time can name.
const lastSecond = 253402300799

// moment reads a date-time (RFC 3339) or epoch seconds.
func moment(raw json.RawMessage) (t time.Time, err error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		t, err = time.Parse(time.RFC3339, text)
	} else {
		var s int64
		s, err = strconv.ParseInt(string(raw), 10, 64)
		t = time.Unix(s, 0).UTC()
	}
	if err != nil || t.Unix() <= 0 || t.Unix() > lastSecond {
		return t, pay.Errorf(pay.CodeValidation, "expires_at must be a date-time such as 2030-01-31T00:00:00Z, or null for never")
	}
	return t, nil
}

// Revoke revokes a key of the caller's merchant for good. Whoever is not an owner may
// revoke only keys that they made.
func (b *Billing) Revoke(ctx context.Context, c Caller, id string, r api.RevokeKeyRequest, o Once) ([]byte, error) {
	reason := ""
	if r.Reason != nil {
		reason = *r.Reason
	}
	if utf8.RuneCountInString(reason) > pay.MaxText || strings.ContainsRune(reason, 0) {
		return nil, pay.Errorf(pay.CodeValidation, "reason must have at most %d characters and no NUL", pay.MaxText)
	}
	return b.Write(ctx, c.Merchant.ID, "key.revoke", o, func(tx *store.Tx) (any, error) {
		k, ok, err := tx.KeyForUpdate(id)
		if err != nil || !ok || k.MerchantID != c.Merchant.ID {
			return nil, orElse(err, pay.Errorf(pay.CodeNotFound, "API key not found"))
		}
		if k.CreatedBy != c.User && c.MayManage() != nil {
			return nil, pay.Errorf(pay.CodeForbidden, "Somebody else made this key; only an owner may revoke it")
		}
		_, err = tx.RevokeKey(id, reason) // one that is revoked already stays as it is
		return api.KeyRevoked{Message: "API key revoked successfully"}, err
	})
}
