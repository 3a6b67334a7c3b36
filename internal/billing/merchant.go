package billing

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// AddMerchant stores a new merchant. The payout address may be empty: then the
// merchant cannot be paid yet. One that begins on mainnet has it enabled.
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
		m.CreatedAt, m.Mainnet = tx.Now(), m.Mainnet || m.Environment == pay.Mainnet
		return tx.SaveMerchant(m)
	})
	return m, err
}
