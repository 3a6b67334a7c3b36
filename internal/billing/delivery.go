package billing

import (
	"context"
	"slices"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Delivered is a delivery with its attempts.
type Delivered struct {
	pay.Delivery
	Attempts []pay.Attempt
}

// Deliveries returns a page of what was to be delivered to an endpoint of the
// merchant, newest events first, and whether there is more in the direction of the
// cursor.
func (b *Billing) Deliveries(ctx context.Context, c Caller, id string, p Page) (e pay.Endpoint, page []Delivered, more bool, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if e, err = ownEndpoint(tx.Endpoint(id))(c); err != nil {
			return err
		}
		var before, after int64
		for cursor, to := range map[string]*int64{p.After: &before, p.Before: &after} {
			if cursor == "" {
				continue
			}
			if *to, err = delivery(tx, id, cursor); pay.CodeOf(err) == pay.CodeNotFound {
				err = pay.Errorf(pay.CodeValidation, "The cursor names no delivery of this endpoint")
			}
			if err != nil {
				return err
			}
		}
		ds, err := tx.Deliveries(id, before, after, p.Limit+1)
		if more = len(ds) > p.Limit; more {
			ds = ds[:p.Limit] // the one too many is the farthest from the cursor
		}
		if p.Before != "" {
			slices.Reverse(ds)
		}
		page, err = withAttempts(tx, id, ds, err)
		return err
	})
	return e, page, more, err
}

// withAttempts adds their attempts to a page of deliveries, which has no gaps.
func withAttempts(tx *store.Tx, endpoint string, ds []pay.Delivery, err error) ([]Delivered, error) {
	if err != nil || len(ds) == 0 {
		return nil, err
	}
	as, err := tx.Attempts(endpoint, ds[len(ds)-1].Event.Seq, ds[0].Event.Seq)
	page := make([]Delivered, len(ds))
	for n, d := range ds {
		page[n] = Delivered{d, as[d.Event.Seq]}
	}
	return page, err
}

// delivery returns the sequence number of the event of a delivery to an endpoint.
func delivery(tx *store.Tx, endpoint, id string) (int64, error) {
	seq, ok := view.DeliverySeq(endpoint, id)
	if ok {
		var err error
		if _, ok, err = tx.Delivery(endpoint, seq); err != nil {
			return 0, err
		}
	}
	if !ok {
		return 0, noDelivery()
	}
	return seq, nil
}

func noDelivery() error { return pay.Errorf(pay.CodeNotFound, "Webhook delivery not found") }

// RetryDelivery attempts a delivery to an endpoint of the merchant now, whatever
// became of it, with a whole schedule before it.
func (b *Billing) RetryDelivery(ctx context.Context, c Caller, endpoint, id string, o Once) ([]byte, error) {
	if _, ok := view.DeliverySeq(endpoint, id); !ok { // not every text is one a database can keep
		return nil, noDelivery()
	}
	return b.onEndpoint(ctx, c, endpoint, "webhook.retry "+id, o, func(tx *store.Tx, e pay.Endpoint) (any, error) {
		seq, err := delivery(tx, endpoint, id)
		if err != nil {
			return nil, err
		}
		if err := mustBeEnabled(e); err != nil {
			return nil, err
		}
		if err := tx.RetryDelivery(endpoint, seq); err != nil {
			return nil, err
		}
		tx.AddJob(store.JobDeliver, endpoint, tx.Now())
		d, _, err := tx.Delivery(endpoint, seq)
		page, err := withAttempts(tx, endpoint, []pay.Delivery{d}, err)
		if err != nil {
			return nil, err
		}
		return view.Delivery(e, d, page[0].Attempts), nil
	})
}
