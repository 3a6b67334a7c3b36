package billing

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
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
		return k, "", errNoMainnet
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
