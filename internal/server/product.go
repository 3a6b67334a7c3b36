package server

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/view"
)

var productRoutes = []route{
	{"GET /api/commerce/status", commerceFace, byCommerce((*Server).commerceStatus), nil},
	{"GET /api/commerce/info", commerceFace, byCommerce((*Server).commerceInfo), nil},
	{"GET /api/commerce/search", commerceFace, byCommerce((*Server).search), nil},
	{"GET /api/commerce/products/{productId}", commerceFace, byCommerce((*Server).product), nil},
	{"GET /api/commerce/products/{productId}/offers", commerceFace, byCommerce((*Server).offers), nil},
	{"GET /catalog/images/{file}", openFace, nil, picture},
}

func (s *Server) commerceStatus(r *http.Request, c billing.Caller) (any, error) {
	balance, enough, err := s.Commerce.Balance(r.Context(), c.Environment)
	return view.Wrapped(view.CommerceStatus(s.Commerce.Terms, balance, enough)), err
}

func (s *Server) commerceInfo(_ *http.Request, c billing.Caller) (any, error) {
	return view.Wrapped(view.CommerceInfo(s.Commerce.Terms, c.Environment)), s.Commerce.Sells(c.Environment)
}

func (s *Server) search(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	ask := q.search()
	if q.err != nil {
		return nil, q.err
	}
	found, err := s.Commerce.Search(r.Context(), c.Environment, ask)
	return view.Stamped(view.SearchResults(ask.Text, ask.Retailer, found.Products, found.Total, ask.Page, ask.Limit), s.Now()), err
}

func (s *Server) product(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	retailer := q.retailer()
	if q.err != nil {
		return nil, q.err
	}
	p, err := s.Commerce.Product(r.Context(), c.Environment, retailer, r.PathValue("productId"))
	return view.Stamped(view.Product(p), s.Now()), err
}

func (s *Server) offers(r *http.Request, c billing.Caller) (any, error) {
	q, id := newQuery(r), r.PathValue("productId")
	retailer, zip := q.retailer(), q.zip()
	if q.err != nil {
		return nil, q.err
	}
	os, err := s.Commerce.Offers(r.Context(), c.Environment, retailer, id, zip)
	return view.Stamped(view.Offers(retailer, id, os), s.Now()), err
}

// search returns what to look for.
func (q *query) search() retail.Query {
	ask := retail.Query{
		Text: strings.TrimSpace(q.text("q")), Retailer: q.retailer(), Min: q.dollars("minPrice"), Max: q.dollars("maxPrice"),
		Page: q.number("page", 1, 1, 1000), Limit: q.number("limit", 20, 1, 50),
	}
	if ask.Text == "" {
		q.fail("q is required: what to search for")
	}
	if ask.Max > 0 && ask.Min > ask.Max {
		q.fail("minPrice must not be above maxPrice")
	}
	return ask
}

// retailer returns the name of a retailer, the default one when none is given.
func (q *query) retailer() string {
	if !q.Has("retailer") {
		return pay.DefaultRetailer
	}
	if q.Get("retailer") == "" {
		q.fail("retailer must be %s", strings.Join(pay.Retailers, " or "))
	}
	return q.choice("retailer", pay.Retailers...)
}

// dollars returns an amount, 0 when it is not there.
func (q *query) dollars(name string) money.USD {
	if !q.Has(name) {
		return 0
	}
	u, err := money.ParseUSD(q.one(name))
	if err != nil {
		q.fail("%s must be dollars such as 19.99", name)
	}
	return u
}

// zip returns a zip code of the United States, or "".
func (q *query) zip() string {
	name := "zip_code"
	if !q.Has(name) {
		name = "zipCode"
	}
	z := q.one(name)
	if q.Has(name) && !zipCode.MatchString(z) {
		q.fail("%s must have five digits, or nine as 12345-6789", name)
	}
	return z
}

var zipCode = regexp.MustCompile(`^[0-9]{5}(-[0-9]{4})?$`)

// picture serves the drawings of the catalog's products. Any page may show them; they
// run nothing.
func picture(w http.ResponseWriter, r *http.Request) {
	svg, ok := catalog.Picture(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(svg) // the reader is gone: nothing to be done
}
