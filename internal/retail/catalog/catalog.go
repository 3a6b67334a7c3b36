// Package catalog is the provider of devnet: products that nobody sells, always the
// same, so that a shop can be built and tested without buying anything.
package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// Catalog is a retail.Provider. It keeps nothing: what it says of a request follows
// from the request's name.
type Catalog struct{ products []pay.Product }

var _ retail.Provider = (*Catalog)(nil)

// New returns the catalog.
func New() *Catalog {
	return &Catalog{products: []pay.Product{
		{ID: "B0B844T634", Retailer: "amazon", Title: "Ceramic pour-over coffee dripper", Price: 9_99 * money.Cent, Available: true},
		{ID: "B08N5WRWNW", Retailer: "amazon", Title: "Round smart speaker", Price: 29_99 * money.Cent, Available: true},
		{ID: "B0USED0001", Retailer: "amazon", Title: "Film camera, used", Price: 80_00 * money.Cent, Available: true},
		{ID: "B0FAIL0001", Retailer: "amazon", Title: "The last one of its kind", Price: 15_00 * money.Cent, Available: true},
		{ID: "B0KEEP0001", Retailer: "amazon", Title: "Engraved pen", Price: 25_00 * money.Cent, Available: true},
	}}
}

func (c *Catalog) find(retailer, id string) (pay.Product, error) {
	n := slices.IndexFunc(c.products, func(p pay.Product) bool { return p.ID == id && p.Retailer == retailer })
	if n < 0 {
		return pay.Product{}, retail.ErrNotFound
	}
	return c.products[n], nil
}

// Search implements retail.Provider.
func (c *Catalog) Search(_ context.Context, _ retail.Query) (retail.Results, error) {
	return retail.Results{Products: c.products, Total: len(c.products)}, nil
}

// Product implements retail.Provider.
func (c *Catalog) Product(_ context.Context, retailer, id string) (pay.Product, error) {
	return c.find(retailer, id)
}

// Offers implements retail.Provider.
func (c *Catalog) Offers(_ context.Context, retailer, id, _ string) ([]pay.Offer, error) {
	p, err := c.find(retailer, id)
	if err != nil {
		return nil, err
	}
	o := pay.Offer{
		ID: "offer_" + id, SellerID: "ATVPDKIKX0DER", SellerName: "Amazon.com", Price: p.Price, Prime: true, Fulfilled: true, Condition: pay.New,
		HandlingMax: 2, DeliveryDays: 4, Available: true,
	}
	if strings.HasPrefix(id, "B0USED") {
		o.Condition = "Used - Good"
	}
	return []pay.Offer{o}, nil
}

// Place implements retail.Provider.
func (c *Catalog) Place(_ context.Context, p retail.Placement) (string, error) {
	request := "catalog:" + p.Key
	for _, l := range p.Lines {
		switch {
		case strings.HasPrefix(l.ProductID, "B0FAIL"):
			request = "catalog-sold-out:" + p.Key
		case strings.HasPrefix(l.ProductID, "B0KEEP"):
			request = "catalog-keep:" + p.Key
		}
	}
	return request, nil
}

// Poll implements retail.Provider.
func (c *Catalog) Poll(_ context.Context, request string) (retail.Progress, error) {
	if strings.HasPrefix(request, "catalog-sold-out:") {
		return retail.Progress{Stage: retail.Failed, Reason: "sold out"}, nil
	}
	return retail.Progress{Stage: retail.Placed}, nil
}

// Cancel implements retail.Provider.
func (c *Catalog) Cancel(context.Context, string) error { return nil }

// Balance implements retail.Provider.
func (c *Catalog) Balance(context.Context) (money.USD, error) { return 50_00 * money.Cent, nil }
