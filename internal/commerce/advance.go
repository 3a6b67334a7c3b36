package commerce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/store"
)

// Advance takes an order as far as it will go: it takes over what has become of the
// money, then asks the provider for what is to be done or was done. It says when to look
// again; the zero time when there is nothing to wait for. Dying anywhere and doing it
// again changes nothing: facts are taken from rows and from the provider, to whom an
// order's id names its placement.
func (c *Commerce) Advance(ctx context.Context, id string) (again time.Time, err error) {
	o := pay.Order{ID: id}
	if err := c.change(ctx, &o, c.money); err != nil {
		return again, fmt.Errorf("advance order %s: %w", id, err)
	}
	if !c.atProvider(o) {
		return again, nil
	}
	at, err := c.ask(ctx, &o)
	if err != nil {
		return again, fmt.Errorf("advance order %s: %w", id, err)
	}
	if c.atProvider(o) {
		again = o.NextLook(at)
	}
	return again, nil
}

// money is what has become of an order's invoice and its payments.
func (c *Commerce) money(tx *store.Tx, o *pay.Order) (changed bool, err error) {
	i, err := tx.Invoice(o.InvoiceID)
	if err != nil {
		return false, err
	}
	ps, err := tx.PaymentsOf(o.InvoiceID)
	if err != nil {
		return false, err
	}
	return apply(o, pay.MoneyFacts(i, ps), tx.Now())
}

// apply makes facts true of an order. One that does not fit is known already.
func apply(o *pay.Order, fs []pay.Fact, now time.Time) (changed bool, err error) {
	for _, f := range fs {
		next, err := o.Next(f, now)
		if pay.CodeOf(err) == pay.CodeTransition {
			continue
		}
		if err != nil {
			return changed, err
		}
		*o, changed = next, true
	}
	return changed, nil
}

// atProvider reports whether an order is the provider's turn: to be placed, or placed
// and not delivered.
func (c *Commerce) atProvider(o pay.Order) bool {
	return !o.Simulated && (o.Status == pay.OrderProcessing && o.Payment.Settled || o.Status == pay.OrderPlaced || o.Status == pay.OrderShipped)
}

// ask puts an order to the provider, or asks what has become of it, and takes over the
// answer. It says when it did.
func (c *Commerce) ask(ctx context.Context, o *pay.Order) (at time.Time, err error) {
	p, err := c.provider(o.Environment)
	if err != nil {
		return at, err
	}
	if o.Request == "" {
		request, err := p.Place(ctx, retail.Placement{Key: o.ID, Retailer: o.Retailer, Lines: o.Lines, To: o.ShipTo, MaxTotal: o.MaxTotal()})
		if err == nil && request == "" {
			err = errors.New("the provider gave it no name")
		}
		if err != nil {
			return at, fmt.Errorf("place: %w", err)
		}
		// Written down before anything else is asked: what is placed can be found again
		// by its key, but not cheaply. Who was slower to ask keeps to the first name.
		err = c.change(ctx, o, func(_ *store.Tx, o *pay.Order) (bool, error) {
			o.Request = cmp.Or(o.Request, request)
			return true, nil
		})
		if err != nil || !c.atProvider(*o) {
			return at, err
		}
	}
	var unasked error // a cancellation that cannot be asked for does not keep us from the news
	if o.Cancellation == pay.CancelRequested {
		if err := p.Cancel(ctx, o.Request); err != nil && !errors.Is(err, retail.ErrNotFound) {
			unasked = fmt.Errorf("cancel: %w", err)
		}
	}
	g, err := p.Poll(ctx, o.Request)
	if err != nil {
		return at, errors.Join(unasked, fmt.Errorf("poll: %w", err))
	}
	err = c.change(ctx, o, func(tx *store.Tx, o *pay.Order) (bool, error) {
		at = tx.Now()
		return apply(o, factsOf(g), at)
	})
	return at, errors.Join(unasked, err)
}

// factsOf says in facts what a provider said, in the order in which they came true.
func factsOf(g retail.Progress) (fs []pay.Fact) {
	switch g.Stage {
	case retail.Failed: // one that was placed before was not bought in the end
		return []pay.Fact{{Kind: pay.FactFailed, Reason: g.Reason}, {Kind: pay.FactCancelled}}
	case retail.Placed:
		fs = append(fs, pay.Fact{Kind: pay.FactPlaced})
		if g.CancelRefused {
			fs = append(fs, pay.Fact{Kind: pay.FactCancelRefused})
		}
		if len(g.Shipments) > 0 {
			fs = append(fs, pay.Fact{Kind: pay.FactTracked, Shipments: g.Shipments})
		}
		if g.Delivered {
			fs = append(fs, pay.Fact{Kind: pay.FactDelivered, Shipments: g.Shipments})
		}
	case retail.Cancelled: // by whomever
		return []pay.Fact{{Kind: pay.FactFailed, Reason: "the retailer cancelled it"}, {Kind: pay.FactCancelled}}
	case retail.Working:
	}
	return fs
}

// change applies a change to an order in a unit, reads the order into o, and announces
// what is new. An order in the hands of the simulator is only read.
func (c *Commerce) change(ctx context.Context, o *pay.Order, f func(*store.Tx, *pay.Order) (bool, error)) error {
	id := o.ID // o is overwritten, and this may run twice
	return c.Store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.OrderForUpdate(id)
		if *o = before; err != nil || before.Simulated {
			return err
		}
		changed, err := f(tx, o)
		if err != nil || !changed {
			return err
		}
		if err := c.oweIn(tx, before, o); err != nil {
			return err
		}
		return announce(tx, before, *o)
	})
}

// Heard promises to look at the orders that a message of a provider's may be about.
// Nothing else in it counts, since anybody could have sent it.
func (c *Commerce) Heard(ctx context.Context, body []byte) error {
	if c.Hint == nil {
		return nil
	}
	requests, named := c.Hint(body)
	return c.Store.Write(ctx, func(tx *store.Tx) error {
		orders := slices.Clone(named)
		for _, r := range requests {
			o, err := tx.OrderByRequest(r)
			if err == nil {
				orders = append(orders, o.ID)
			} else if pay.CodeOf(err) != pay.CodeOrderNotFound {
				return err
			}
		}
		for _, id := range orders {
			if _, err := tx.Order(id); err == nil {
				tx.AddJob(billing.JobOrder, id, tx.Now())
			} else if pay.CodeOf(err) != pay.CodeOrderNotFound {
				return err
			}
		}
		return nil
	})
}
