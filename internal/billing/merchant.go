package billing

import (
	"context"
	"maps"
	"slices"

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
	canonical, err := b.canonical(payouts)
	if err != nil {
		return m, err
	}
	err = b.Store.Write(ctx, func(tx *store.Tx) (err error) {
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

// AddPayouts says where a merchant's proceeds go on families of networks for which nobody has
// said so yet. The error has CodeValidation for one that has an address: that is changed by
// its owner, with SetPayout, and takes its time.
func (b *Billing) AddPayouts(ctx context.Context, merchant int64, payouts map[pay.Family]string) error {
	canonical, err := b.canonical(payouts)
	if err != nil {
		return err
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		m, ok, err := tx.MerchantForUpdate(merchant)
		if err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "There is no merchant %d", merchant))
		}
		for _, f := range slices.Sorted(maps.Keys(canonical)) {
			before, err := tx.Payout(m.ID, f)
			if err != nil {
				return err
			}
			if before.Address != "" {
				return pay.Errorf(pay.CodeValidation, "merchant %d has a payout address on %s; its owner changes it with PUT /api/v1/merchant/payout-addresses", m.ID, f)
			}
			if err := tx.SavePayout(pay.Payout{MerchantID: m.ID, Family: f, Address: canonical[f]}); err != nil {
				return err
			}
		}
		return nil
	})
}

// canonical returns payout addresses as they are kept.
func (b *Billing) canonical(payouts map[pay.Family]string) (map[pay.Family]string, error) {
	canonical := map[pay.Family]string{}
	for f, address := range payouts {
		w, ok := b.Wallets[f]
		if !ok {
			return nil, pay.Errorf(pay.CodeValidation, "there is no family of networks %.32q; the families are %s", f, families)
		}
		to, err := w.Canonical(address)
		if err != nil {
			return nil, pay.Errorf(pay.CodeValidation, "the payout address on %s %v", f, err)
		}
		canonical[f] = to
	}
	return canonical, nil
}
