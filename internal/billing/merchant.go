package billing

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// AddMerchant stores a new merchant, and where its proceeds go on each family of
// networks. It cannot be paid on those it names none for. One that begins on mainnet has
// it enabled.
func (b *Billing) AddMerchant(ctx context.Context, m pay.Merchant, payouts map[pay.Family]string) (pay.Merchant, error) {
	if m.Name == "" || len(m.Name) > pay.MaxText {
		return m, pay.Errorf(pay.CodeValidation, "a merchant needs a name of at most %d characters", pay.MaxText)
	}
	canonical := map[pay.Family]string{}
	for f, address := range payouts {
		w, ok := b.Wallets[f]
		if !ok {
			return m, pay.Errorf(pay.CodeValidation, "there is no family of networks %.32q; the families are %s", f, families)
		}
		to, err := w.Canonical(address)
		if err != nil {
			return m, pay.Errorf(pay.CodeValidation, "the payout address on %s %v", f, err)
		}
		canonical[f] = to
	}
	err := b.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if m.ID, err = tx.Next("merchant"); err != nil {
			return err
		}
		m.CreatedAt, m.Mainnet = tx.Now(), m.Mainnet || m.Environment == pay.Mainnet
		for f, to := range canonical {
			if err := tx.SavePayout(pay.Payout{MerchantID: m.ID, Family: f, Address: to}); err != nil {
				return err
			}
		}
		return tx.SaveMerchant(m)
	})
	return m, err
}
