package billing

import (
	"context"
	"slices"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// AcceptPayment lets a payment that did not count by itself count towards its invoice, for
// what it was worth when it came, and returns it; its proceeds are settled like those of
// any other. An invoice that has expired or was canceled becomes paid by it, if it is
// enough. Accepted again it is as it is. The error has CodePaymentState when the payment
// is not manual_retry, and CodeNotFound when the invoice has none of that id.
func (b *Billing) AcceptPayment(ctx context.Context, c Caller, invoice, id string, o Once) ([]byte, error) {
	return b.decide(ctx, c, invoice, id, "payment.accept "+id, o, func(_ *store.Tx, p pay.Payment) (pay.Payment, error) { return p.Accept() })
}

// SweepPayment asks for the proceeds of a payment that did not count by itself to be moved
// to the merchant, on the network where they are, and returns it. It does not count by
// that. The errors are those of AcceptPayment.
func (b *Billing) SweepPayment(ctx context.Context, c Caller, invoice, id string, o Once) ([]byte, error) {
	return b.decide(ctx, c, invoice, id, "payment.sweep "+id, o, func(tx *store.Tx, p pay.Payment) (pay.Payment, error) {
		p, err := p.Forward(tx.Now())
		if err == nil && p.Settlement.Status == pay.SettlementPending {
			tx.AddJob(JobSettle, string(p.Network), tx.Now())
		}
		return p, err
	})
}

// Uncounted is a payment that does not count, and the invoice it came for.
type Uncounted struct {
	pay.Payment
	Invoice pay.Invoice
}

// Uncounted returns what the merchant may decide about by AcceptPayment and SweepPayment:
// what has not reached it first, the newest of it first; and whether there is more.
func (b *Billing) Uncounted(ctx context.Context, c Caller, limit int) (list []Uncounted, more bool, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		ps, err := tx.UncountedPayments(c.Merchant.ID, limit+1)
		if more = len(ps) > limit; more {
			ps = ps[:limit]
		}
		list = make([]Uncounted, len(ps))
		for n, p := range ps {
			if list[n].Payment = p; err == nil {
				list[n].Invoice, err = tx.Invoice(p.InvoiceID)
			}
		}
		return err
	})
	return list, more, err
}

// decide carries out what a merchant decides about a payment of one of its invoices.
func (b *Billing) decide(ctx context.Context, c Caller, invoice, id, operation string, o Once, change func(*store.Tx, pay.Payment) (pay.Payment, error)) ([]byte, error) {
	return b.Write(ctx, c.Merchant.ID, operation, o, func(tx *store.Tx) (any, error) {
		i, err := owned(tx.InvoiceForUpdate(invoice))(c)
		if err != nil {
			return nil, err
		}
		if _, err := b.reckonIn(tx, i, func(ps []pay.Payment) ([]pay.Payment, error) {
			n := slices.IndexFunc(ps, func(p pay.Payment) bool { return p.ID == id })
			if n < 0 {
				return nil, pay.Errorf(pay.CodeNotFound, "This invoice has no such payment")
			}
			ps[n], err = change(tx, ps[n])
			return ps, err
		}); err != nil {
			return nil, err
		}
		p, _, err := tx.Payment(id)
		return view.Payment(p, b.Registry), err
	})
}
