package billing

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// AddMerchant stores a new merchant. The payout address may be empty: then the
// merchant cannot be paid yet.
func (b *Billing) AddMerchant(ctx context.Context, m pay.Merchant) (pay.Merchant, error) {
	if m.Name == "" || len(m.Name) > pay.MaxText {
		return m, pay.Errorf(pay.CodeValidation, "a merchant needs a name of at most %d characters", pay.MaxText)
	}
	if m.Payout != "" {
		to, err := b.Wallets.Canonical(m.Payout)
		if err != nil {
			return m, pay.Errorf(pay.CodeValidation, "the payout address %v", err)
		}
		m.Payout = to
	}
	err := b.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if m.ID, err = tx.Next("merchant"); err != nil {
			return err
		}
		m.CreatedAt = tx.Now()
		return tx.SaveMerchant(m)
	})
	return m, err
}

// AddKey draws an API key for a merchant. The secret it returns is shown only now;
// a zero life is for ever.
func (b *Billing) AddKey(ctx context.Context, merchant int64, name string, s pay.Scope, e pay.Environment, life time.Duration) (k pay.Key, secret string, err error) {
	secret = auth.NewKey(s, e)
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		if _, ok, err := tx.Merchant(merchant); err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "There is no merchant %d", merchant))
		}
		k = pay.Key{ID: tx.NewID(), MerchantID: merchant, Name: name, Scope: s, Environment: e, Hash: auth.Hash(secret), CreatedAt: tx.Now()}
		if life > 0 {
			k.ExpiresAt = tx.Now().Add(life)
		}
		return tx.AddKey(k)
	})
	return k, secret, err
}

// Keys returns a merchant's keys, newest first.
func (b *Billing) Keys(ctx context.Context, merchant int64) (ks []pay.Key, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		ks, err = tx.Keys(merchant)
		return err
	})
	return ks, err
}

// RevokeKey revokes a key for good.
func (b *Billing) RevokeKey(ctx context.Context, id string) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		ok, err := tx.RevokeKey(id)
		if err == nil && !ok {
			err = pay.Errorf(pay.CodeNotFound, "There is no key %s in use", id)
		}
		return err
	})
}
