package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
)

// Events are the facts of an account, in the order in which they happened.
type Events struct{ c *Client }

// EventFilter selects events. Its zero value is all of them, newest first.
type EventFilter struct {
	Cursor
	Types         []string // such as invoice.updated, or invoice.* for a family
	InvoiceType   string   // standard, commerce
	InvoiceID     string
	CustomerID    string
	OrderID       string
	WalletAddress string    // of who paid
	WalletNetwork string    // the network that WalletAddress is on
	Environment   string    // devnet, mainnet
	From, To      time.Time // when it happened, inclusive, to the second
}

// query is the filter's parameters; lists and streams name that of the types differently.
func (f EventFilter) query(types string) url.Values {
	q := url.Values{}
	for name, text := range map[string]string{
		types: strings.Join(f.Types, ","), "invoice_type": f.InvoiceType, "invoice_id": f.InvoiceID, "customer_id": f.CustomerID,
		"order_id": f.OrderID, "wallet_address": f.WalletAddress, "wallet_network": f.WalletNetwork, "environment": f.Environment,
		"created[gte]": seconds(f.From), "created[lte]": seconds(f.To),
	} {
		set(q, name, text)
	}
	return q
}

// Get returns an event.
func (s Events) Get(ctx context.Context, id string) (api.Event, error) {
	return unwrapped[api.Event](ctx, s.c, http.MethodGet, "/api/v1/events/"+url.PathEscape(id), nil, nil)
}

// List returns the events that a filter selects.
func (s Events) List(ctx context.Context, f EventFilter) iter.Seq2[api.Event, error] {
	return list(ctx, f.Cursor, f.query("type"), func(e api.Event) string { return e.ID }, func(ctx context.Context, q url.Values) (api.List[api.Event], error) {
		return unwrapped[api.List[api.Event]](ctx, s.c, http.MethodGet, "/api/v1/events", q, nil)
	})
}

// RecoverSince returns what happened after an event, oldest first: for a program
// that was away. The filter's own cursor gives the limit only.
func (s Events) RecoverSince(ctx context.Context, id string, f EventFilter) iter.Seq2[api.Event, error] {
	f.Cursor = Cursor{Before: id, Limit: f.Limit}
	return s.List(ctx, f)
}

// StreamToken mints a token that opens one websocket, for a browser or an app that
// must not have the API key.
func (s Events) StreamToken(ctx context.Context, in api.TicketRequest) (api.Ticket, error) {
	return unwrapped[api.Ticket](ctx, s.c, http.MethodPost, "/api/v1/ws/token", nil, in)
}
