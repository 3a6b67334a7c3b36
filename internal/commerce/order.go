package commerce

import (
	"bytes"
	"context"
	"errors"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

var errNoOrder = pay.Errorf(pay.CodeOrderNotFound, "Order not found")

// orderOf hides orders that are not of the caller and its environment: to it there are
// none.
func orderOf(o pay.Order, err error) func(billing.Caller) (pay.Order, error) {
	return func(by billing.Caller) (pay.Order, error) {
		if err == nil && (o.MerchantID != by.Merchant.ID || o.Environment != by.Environment) {
			err = errNoOrder
		}
		return o, err
	}
}

// announce appends what happened to an order and saves it, unless nothing did.
func announce(tx *store.Tx, before, after pay.Order) error {
	was, is := view.Order(before), view.Order(after)
	was.UpdatedAt = is.UpdatedAt // a change of that alone is none
	if !bytes.Equal(view.JSON(was), view.JSON(is)) {
		was.UpdatedAt = before.UpdatedAt.Unix()
		tx.AppendEvent(pay.OrderEventOf(after, pay.OrderUpdated, view.JSON(is), view.Changed(was, is)))
	}
	return tx.SaveOrder(after)
}

// Order returns one of the merchant's orders.
func (c *Commerce) Order(ctx context.Context, by billing.Caller, id string) (o pay.Order, err error) {
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		o, err = orderOf(tx.Order(id))(by)
		return err
	})
	return o, err
}

// Orders returns a page of the merchant's orders, newest first.
func (c *Commerce) Orders(ctx context.Context, by billing.Caller, f store.OrderFilter) (os []pay.Order, err error) {
	if f.Wallet != "" {
		if f.WalletNet == "" {
			return nil, pay.Errorf(pay.CodeWalletNetwork, "walletNetwork is required with wallet")
		}
		if f.Wallet, err = c.wallet(f.WalletNet, f.Wallet); err != nil {
			return nil, pay.Errorf(pay.CodeWalletAddress, "wallet %v", err)
		}
	}
	f.MerchantID, f.Environment = by.Merchant.ID, by.Environment
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		os, err = tx.Orders(f)
		return err
	})
	return os, err
}

// OrderByInvoice returns the order that one of the merchant's invoices is for.
func (c *Commerce) OrderByInvoice(ctx context.Context, by billing.Caller, invoice string) (o pay.Order, err error) {
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		if o, err = orderOf(tx.OrderByInvoice(invoice))(by); pay.CodeOf(err) == pay.CodeOrderNotFound {
			err = pay.Errorf(pay.CodeInvoiceNotFound, "No order of yours has this invoice")
		}
		return err
	})
	return o, err
}

// CancelOrder asks for an order to be cancelled. One that nobody has paid is cancelled
// at once, with its invoice; of one that was placed the retailer decides.
func (c *Commerce) CancelOrder(ctx context.Context, by billing.Caller, id string, in api.CancelOrderRequest, o billing.Once) ([]byte, error) {
	to, err := c.refundTo(ctx, in.RefundDestination)
	if err != nil {
		return nil, err
	}
	return c.write(ctx, by, "cancel", o, func(tx *store.Tx) (any, error) {
		before, err := orderOf(tx.OrderForUpdate(id))(by)
		if err != nil {
			return nil, err
		}
		after, err := before.Next(pay.Fact{Kind: pay.FactCancelAsked, Wallet: to}, tx.Now())
		if err != nil {
			return nil, err
		}
		if err := c.callOff(tx, before); err != nil {
			return nil, err
		}
		tx.AddJob(billing.JobOrder, id, tx.Now())
		return view.Wrapped(view.CancelOrder(after)), announce(tx, before, after)
	})
}

// callOff cancels the invoice of an order that waits for its payment.
func (c *Commerce) callOff(tx *store.Tx, o pay.Order) error {
	if o.Status != pay.OrderPending {
		return nil
	}
	i, err := tx.InvoiceForUpdate(o.InvoiceID)
	if err != nil {
		return err
	}
	_, err = c.Billing.CancelIn(tx, i)
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeInvoiceState {
		return pay.Errorf(pay.CodeCancellation, "The order cannot be cancelled: %s", e.Message)
	}
	return err
}

// Paying is an order with its invoice and the payment that completed that.
type Paying struct {
	Order   pay.Order
	Invoice pay.Invoice
	By      pay.Payment // zero while there is none
}

// Payment returns how the payment of one of the merchant's orders stands.
func (c *Commerce) Payment(ctx context.Context, by billing.Caller, id string) (p Paying, err error) {
	err = c.Store.Read(ctx, func(tx *store.Tx) error {
		p, err = paying(tx, by, id)
		return err
	})
	return p, err
}

func paying(tx *store.Tx, by billing.Caller, id string) (p Paying, err error) {
	if p.Order, err = orderOf(tx.Order(id))(by); err != nil {
		return p, err
	}
	if p.Invoice, err = tx.Invoice(p.Order.InvoiceID); err != nil {
		return p, err
	}
	ps, err := tx.PaymentsOf(p.Order.InvoiceID)
	p.By, _ = p.Invoice.CompletedBy(ps, pay.Payment.Counts)
	return p, err
}

// Payments answers, for each of many orders in turn, how its payment stands. An order
// that is not the merchant's is an answer of its own, no error.
func (c *Commerce) Payments(ctx context.Context, by billing.Caller, in api.BulkStatusRequest) (vs []api.BulkStatus, err error) {
	if n := len(in.OrderIDs); n == 0 || n > pay.MaxBulk {
		return nil, pay.Errorf(pay.CodeValidation, "orderIds must be a list of 1 to %d order ids", pay.MaxBulk)
	}
	for _, id := range in.OrderIDs {
		if !pay.IsUUID(id) {
			return nil, pay.Errorf(pay.CodeValidation, "orderIds must be UUIDs; %.64q is none", id)
		}
	}
	err = c.Store.Read(ctx, func(tx *store.Tx) error {
		vs = nil
		for _, id := range in.OrderIDs {
			p, err := paying(tx, by, id)
			e, known := errors.AsType[*pay.Error](err)
			if err != nil && !known {
				return err
			}
			v := api.BulkStatus{OrderID: id}
			if known {
				v.Error = &e.Message
			} else {
				word := view.PaymentWord(p.Order, p.Invoice)
				v.Status = &word
			}
			vs = append(vs, v)
		}
		return nil
	})
	return vs, err
}
