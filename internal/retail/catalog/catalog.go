// Package catalog is the provider of devnet: a few hundred products that nobody sells,
// so that a shop can be built and tested without buying anything. Every answer follows
// from what is embedded here, from the day, and from the name of what is asked about.
//
// Requests are kept nowhere. How a placement ends is part of its request's name, which
// Place makes of the products in it. That a cancellation was asked for is remembered in
// memory only: after a restart it is as if nobody had asked, until somebody asks again.
// That is why callers of retail.Provider ask again before each Poll.
package catalog

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// Catalog is a retail.Provider.
type Catalog struct {
	base      string
	now       func() time.Time // nil: no day passes
	cancelled *sync.Map        // the requests whose cancellation was asked for
}

var _ retail.Provider = (*Catalog)(nil)

// New returns the catalog on a day that never ends, with pictures that are paths of a
// deployment. In makes it that of a deployment.
func New() *Catalog { return &Catalog{cancelled: new(sync.Map)} }

// In returns the catalog as a deployment serves it: pictures are below its public
// address, and prices and stock move with its clock.
func (c *Catalog) In(base string, now func() time.Time) *Catalog {
	return &Catalog{base, now, c.cancelled}
}

// today returns a product as it is sold now.
func (c *Catalog) today(p pay.Product) pay.Product {
	p.Image = c.base + p.Image
	p.Images = []string{p.Image}
	if _, fixed := fixtures[p.ID]; fixed || c.now == nil {
		return p
	}
	return moved(p, c.now())
}

// Search implements retail.Provider.
func (c *Catalog) Search(_ context.Context, q retail.Query) (r retail.Results, err error) {
	shelf := stock()
	for _, n := range shelf.find(q.Text, q.Retailer) {
		p := c.today(shelf.products[n])
		if p.Price < q.Min || q.Max > 0 && p.Price > q.Max {
			continue
		}
		if r.Total++; r.Total > (q.Page-1)*q.Limit && len(r.Products) < q.Limit {
			r.Products = append(r.Products, p)
		}
	}
	return r, nil
}

// Product implements retail.Provider.
func (c *Catalog) Product(_ context.Context, retailer, id string) (pay.Product, error) {
	shelf := stock()
	n, ok := shelf.byID[id]
	if !ok || shelf.products[n].Retailer != retailer {
		return pay.Product{}, retail.ErrNotFound
	}
	return c.today(shelf.products[n]), nil
}

// Offers implements retail.Provider.
func (c *Catalog) Offers(ctx context.Context, retailer, id, zip string) ([]pay.Offer, error) {
	p, err := c.Product(ctx, retailer, id)
	if err != nil {
		return nil, err
	}
	return offers(p, zip), nil
}

// How a request ends stands in its name, before the placement's key.
const (
	asPlaced  = "catalog:"
	asSoldOut = "catalog-sold-out:"
	asDearer  = "catalog-dearer:"
	asKept    = "catalog-keep:" // placed, and not to be cancelled
)

// Place implements retail.Provider.
func (c *Catalog) Place(_ context.Context, p retail.Placement) (string, error) {
	ending := asPlaced
	for _, l := range p.Lines {
		if f, ok := fixtures[l.ProductID]; ok && f.ending != "" {
			ending = f.ending
		}
	}
	return ending + p.Key, nil
}

// Poll implements retail.Provider. Parcels move when the simulator says so, not here.
func (c *Catalog) Poll(_ context.Context, request string) (retail.Progress, error) {
	_, cancelled := c.cancelled.Load(request)
	ending, _, _ := strings.Cut(request, ":")
	switch ending + ":" {
	case asSoldOut:
		return retail.Progress{Stage: retail.Failed, Reason: "sold out"}, nil
	case asDearer:
		return retail.Progress{Stage: retail.Failed, Reason: "the price rose above what was paid"}, nil
	case asKept:
		return retail.Progress{Stage: retail.Placed, CancelRefused: cancelled}, nil
	case asPlaced:
		if cancelled {
			return retail.Progress{Stage: retail.Cancelled}, nil
		}
		return retail.Progress{Stage: retail.Placed}, nil
	}
	return retail.Progress{}, retail.ErrNotFound
}

// Cancel implements retail.Provider.
func (c *Catalog) Cancel(_ context.Context, request string) error {
	c.cancelled.Store(request, true)
	return nil
}

// Balance implements retail.Provider: it is just enough, always.
func (c *Catalog) Balance(context.Context) (money.USD, error) { return 50_00 * money.Cent, nil }
