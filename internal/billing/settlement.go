package billing

import (
	"cmp"
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
		after.Settlement = change(before.Settlement)
		if err := b.announcePayment(tx, i, before, after); err != nil {
			return err
		}
	}
	return nil
}
