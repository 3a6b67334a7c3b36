// Package retail is the seam to those who sell and ship goods.
package retail

import (
	"context"
	"errors"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Provider sells goods of retailers. Its errors are ErrNotFound, ErrUnavailable or
// wrap one of them; any other error is a mistake of ours. It is safe for concurrent use.
type Provider interface {
	// Search finds products.
	Search(ctx context.Context, q Query) (Results, error)
	// Product describes a product. The error is ErrNotFound when there is none.
	Product(ctx context.Context, retailer, id string) (pay.Product, error)
	// Offers returns the offers for a product, in any order; none is no error. zip may
	// be "". The error is ErrNotFound when there is no such product.
	Offers(ctx context.Context, retailer, id, zip string) ([]pay.Offer, error)
	// Place orders goods, once for each placement's key however often it is asked:
	// asked again after an error that left the outcome unknown, it finds what the first
	// time began. It returns the provider's name for the request.
	Place(ctx context.Context, p Placement) (request string, err error)
	// Poll says what has become of a request.
	Poll(ctx context.Context, request string) (Progress, error)
	// Cancel asks for a request to be called off; asking again changes nothing. What
	// becomes of it is told by Poll. A provider need not remember for longer than the
	// process that it was asked: who waits for the end of a cancellation asks Cancel
	// again before each Poll.
	Cancel(ctx context.Context, request string) error
	// Balance is what the account that pays for orders holds.
	Balance(ctx context.Context) (money.USD, error)
}

var (
	// ErrNotFound means that the provider knows no such thing.
	ErrNotFound = errors.New("retail: there is no such thing")
	// ErrUnavailable means that the provider did not answer, or not to the question:
	// what was asked of it may have been done or not.
	ErrUnavailable = errors.New("retail: the provider is not available")
)

// Query is what to search for.
type Query struct {
	Text     string
	Retailer string
	Min, Max money.USD // of the price; 0 for no bound
	Page     int       // from 1
	Limit    int
}

// Results are a page of products.
type Results struct {
	Products []pay.Product
	Total    int // on all pages
}

// Placement is an order to a provider.
type Placement struct {
	Key      string // names it: the order's id
	Retailer string
	Lines    []pay.OrderLine
	To       pay.ShippingAddress
	MaxTotal money.USD // that the goods may cost with shipping and tax
}

// Stage is how far a request has come.
type Stage string

// The stages of a request. Those from Failed on are the last.
const (
	Working   Stage = "working" // nothing is decided yet
	Placed    Stage = "placed"  // the retailer has the order; tracking may follow
	Failed    Stage = "failed"  // nothing was bought
	Cancelled Stage = "cancelled"
)

// Progress is what a provider says of a request.
type Progress struct {
	Stage     Stage
	Reason    string // of Failed: a short text for people, without anything of the provider's
	Shipments []pay.Shipment
	Delivered bool // everything that was ordered has arrived
	// CancelRefused means that a cancellation was asked for and will not happen.
	CancelRefused bool
}
