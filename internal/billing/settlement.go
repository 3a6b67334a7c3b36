package billing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Restate gives payments another settlement and announces it. Each is read again
// first; one that has reached the merchant meanwhile is left alone.
func (b *Billing) Restate(tx *store.Tx, ps []pay.Payment, change func(pay.Settlement) pay.Settlement) error {
	ps = slices.SortedFunc(slices.Values(ps), func(a, b pay.Payment) int { return cmp.Compare(a.InvoiceID, b.InvoiceID) })
	for _, p := range ps {
		i, err := tx.InvoiceForUpdate(p.InvoiceID)
		if err != nil {
			return err
		}
		before, ok, err := tx.Payment(p.ID)
		if err != nil {
			return err
		}
		if !ok || before.Settlement.Status == pay.SettlementSettled {
			continue
		}
		after := before
		after.Settlement = change(before.Settlement).After(before.Settlement)
		if after, err = numbered(tx, after); err != nil {
			return err
		}
		if err := b.announcePayment(tx, i, before, after); err != nil {
			return err
		}
	}
	return nil
}

// numbered gives a settlement that has begun its number, which counts up for each
// merchant.
func numbered(tx *store.Tx, p pay.Payment) (pay.Payment, error) {
	if p.Settlement.ID != 0 {
		return p, nil
	}
	n, err := tx.Next(fmt.Sprintf("settlement %d", p.MerchantID))
	p.Settlement.ID = n
	return p, err
}
