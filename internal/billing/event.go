package billing

import (
	"context"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Event returns one of the events the caller may see. The error has CodeNotFound
// when there is none of that id.
func (b *Billing) Event(ctx context.Context, c Caller, id string) (e pay.Event, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		var ok bool
		if e, ok, err = tx.Event(c.Merchant.ID, id); err == nil && (!ok || e.Type.Private() || !c.sees(e)) {
			err = pay.Errorf(pay.CodeNotFound, "Event not found")
		}
		return err
	})
	return e, err
}

// sees reports whether the caller's key opens an event: a commerce key sees orders,
// and what belongs to them, of its own environment.
func (c Caller) sees(e pay.Event) bool {
	return c.Key.Scope != pay.ScopeCommerce || e.Environment == c.Environment && e.InvoiceType == pay.Commerce
}

// Narrow restricts a filter to what a scope may see: all of the merchant's events,
// or what belongs to commerce in one environment. The error has CodeForbidden when
// the filter asks for another environment.
func Narrow(f *store.EventFilter, s pay.Scope, e pay.Environment) error {
	if s != pay.ScopeCommerce {
		return nil
	}
	if f.Environment != "" && f.Environment != e {
		return pay.Errorf(pay.CodeForbidden, "This credential is for %s; leave environment out", e)
	}
	if f.InvoiceType != "" && f.InvoiceType != pay.Commerce {
		return pay.Errorf(pay.CodeForbidden, "This credential sees commerce only; leave invoice_type out")
	}
	f.Environment, f.InvoiceType = e, pay.Commerce
	return nil
}

// Events returns a page of the caller's events, newest first, and whether there is
// more in the direction of the cursor.
func (b *Billing) Events(ctx context.Context, c Caller, f store.EventFilter, p Page) (es []pay.Event, more bool, err error) {
	f.MerchantID, f.Limit = c.Merchant.ID, p.Limit+1
	if err := Narrow(&f, c.Key.Scope, c.Environment); err != nil {
		return nil, false, err
	}
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		for id, seq := range map[string]*int64{p.After: &f.Before, p.Before: &f.After} {
			if id == "" {
				continue
			}
			e, ok, err := tx.Event(c.Merchant.ID, id)
			if err != nil || !ok || !c.sees(e) {
				return orElse(err, strayCursor(tx, c, id))
			}
			*seq = e.Seq
		}
		f.Oldest = p.Before != ""
		es, err = tx.Events(f)
		return err
	})
	if more = len(es) > p.Limit; more {
		es = es[:p.Limit] // the one too many is the farthest from the cursor
	}
	if f.Oldest {
		slices.Reverse(es)
	}
	return es, more, err
}

// strayCursor says why an id is no cursor for the caller.
func strayCursor(tx *store.Tx, c Caller, id string) error {
	if old, err := tx.Forgotten(c.Merchant.ID, id); err != nil || old {
		return orElse(err, pay.Errorf(pay.CodeValidation, "The event %.64q is older than what is kept; leave the cursor out and begin with what there is", id))
	}
	return pay.Errorf(pay.CodeValidation, "The cursor %.64q names no event of yours", id)
}

// CheckTypes returns an error with CodeValidation when a list names something that
// is not an event type or wildcard of the contract.
func CheckTypes(list []string) error {
	for _, t := range list {
		if !slices.Contains(pay.Subscribable, t) {
			return pay.Errorf(pay.CodeValidation, "%.64q is not an event type; allowed are %s", t, fmt.Sprint(pay.Subscribable))
		}
	}
	return nil
}
