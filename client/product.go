package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pepay/pepay/api"
)

// Products are what retailers sell, and whether and how they can be ordered. They need
// a client with a key of scope commerce, as all of commerce does.
type Products struct{ c *Client }

// Status returns whether orders are taken now. When nobody sells at all, or the
// retailers cannot be reached, it is an *Error with status 503.
func (s Products) Status(ctx context.Context) (api.CommerceStatus, error) {
	return unwrapped[api.CommerceStatus](ctx, s.c, http.MethodGet, "/api/commerce/status", nil, nil)
}

// Info returns the retailers, limits and fees that hold for your customers.
func (s Products) Info(ctx context.Context) (api.CommerceInfo, error) {
	return unwrapped[api.CommerceInfo](ctx, s.c, http.MethodGet, "/api/commerce/info", nil, nil)
}

// ProductSearch says what to look for. Text is required.
type ProductSearch struct {
	Text        string // words, in any order; they may be begun or slightly misspelt
	Retailer    string // "" for amazon
	MinPrice    string // decimal dollars, "" for any
	MaxPrice    string
	Page, Limit int // 0 for the first page, and for the server's 20 products of it
}

// Search returns a page of the products that match, the best first.
func (s Products) Search(ctx context.Context, p ProductSearch) (api.SearchResults, error) {
	q := url.Values{"q": {p.Text}}
	for name, text := range map[string]string{"retailer": p.Retailer, "minPrice": p.MinPrice, "maxPrice": p.MaxPrice} {
		set(q, name, text)
	}
	for name, n := range map[string]int{"page": p.Page, "limit": p.Limit} {
		if n > 0 {
			q.Set(name, strconv.Itoa(n))
		}
	}
	return unwrapped[api.SearchResults](ctx, s.c, http.MethodGet, "/api/commerce/search", q, nil)
}

func productPath(id string) string { return "/api/commerce/products/" + url.PathEscape(id) }

// Get returns a product of a retailer, "" for amazon. The same id of another retailer is
// another product, or none.
func (s Products) Get(ctx context.Context, retailer, id string) (api.Product, error) {
	q := url.Values{}
	set(q, "retailer", retailer)
	return unwrapped[api.Product](ctx, s.c, http.MethodGet, productPath(id), q, nil)
}

// Offers returns what the sellers of a product ask for it, the best first; with a ZIP
// code, "" for anywhere, what sending it there costs.
func (s Products) Offers(ctx context.Context, retailer, id, zip string) (api.Offers, error) {
	q := url.Values{}
	set(q, "retailer", retailer)
	set(q, "zip_code", zip)
	return unwrapped[api.Offers](ctx, s.c, http.MethodGet, productPath(id)+"/offers", q, nil)
}
