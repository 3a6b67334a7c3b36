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
	return c.Key.Scope != pay.ScopeCommerce || e.Environment == c.Environment && (e.Type == pay.OrderCreated || e.Type == pay.OrderUpdated)
}

// Events returns a page of the caller's events, newest first, and whether there is
// more in the direction of the cursor.
func (b *Billing) Events(ctx context.Context, c Caller, f store.EventFilter, p Page) (es []pay.Event, more bool, err error) {
	f.MerchantID, f.Limit = c.Merchant.ID, p.Limit+1
	if c.Key.Scope == pay.ScopeCommerce {
		f.Environment = c.Environment
		if f.Types = intersect(f.Types, []string{string(pay.OrderCreated), string(pay.OrderUpdated)}); len(f.Types) == 0 {
			return nil, false, nil
		}
	}
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		for id, seq := range map[string]*int64{p.After: &f.Before, p.Before: &f.After} {
			if id == "" {
				continue
			}
			e, ok, err := tx.Event(c.Merchant.ID, id)
			if err != nil || !ok {
				return orElse(err, pay.Errorf(pay.CodeValidation, "The cursor %.64q names no event of yours", id))
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

// intersect returns the allowed types that a list of types and wildcards names.
func intersect(list, allowed []string) (both []string) {
	for _, t := range allowed {
		if pay.EventType(t).In(list) {
			both = append(both, t)
		}
	}
	return both
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
