package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pepay/pepay/api"
)

// Payor is what the person who pays one invoice may do: for a checkout of your own
// instead of the hosted page.
type Payor struct{ c *Client }

// NewPayor returns a client with the credentials of one invoice's payor, as
// Invoices.Create returned them.
func NewPayor(baseURL string, session api.PaymentSessionHeaders) *Payor {
	return &Payor{newClient(baseURL, http.Header{"X-Session-Token": {session.SessionToken}, "X-Signature": {session.Signature}})}
}

// Details returns what is to be paid, to whom, and for how long.
func (p *Payor) Details(ctx context.Context) (api.SessionDetails, error) {
	return call[api.SessionDetails](ctx, p.c, http.MethodGet, "/api/v1/payments/session-details", nil, nil)
}

// Tokens returns what can be paid with now, on one network or, for "", on any.
func (p *Payor) Tokens(ctx context.Context, network string) ([]api.AvailableToken, error) {
	q := url.Values{}
	if set(q, "network", network); network != "" {
		q.Set("mode", "network")
	}
	return call[[]api.AvailableToken](ctx, p.c, http.MethodGet, "/api/v1/payments/available-tokens", q, nil)
}

// Address returns the address to pay to in a token, and an amount that is good for
// five minutes; call it again for a new amount. Look at QuoteStatus: there may be no
// price.
func (p *Payor) Address(ctx context.Context, network string, token int64) (api.PaymentAddress, error) {
	return call[api.PaymentAddress](ctx, p.c, http.MethodPost, "/api/v1/payments/payment-addresses", nil, api.PaymentAddressRequest{
		Network: &network, TokenID: new(api.Number(strconv.FormatInt(token, 10))),
	})
}

// Status returns the status of the invoice.
func (p *Payor) Status(ctx context.Context) (api.PaymentStatus, error) {
	return call[api.PaymentStatus](ctx, p.c, http.MethodGet, "/api/v1/payments/payment-status", nil, nil)
}

// Stream returns what happens to the invoice, as it happens, without what is the
// merchant's own: every event once, and in order. It begins with what comes after the
// event Since, or from now on when that is "", reconnects by itself, for ever, and goes
// on where it was; notice, which may be nil, is told why a connection ended. It follows
// an address that Address returned, and asks for it again when its token is too old:
// payment_quote.updated is then among the events.
//
// The sequence ends when ctx does, without an error. An error comes last and is one
// that waiting does not help against.
func (p *Payor) Stream(ctx context.Context, at api.PaymentAddress, since string, notice func(error)) iter.Seq2[api.Event, error] {
	return follow(ctx, follower{
		c: p.c, path: "/ws/payment", sub: Subscription{Since: since, Notice: notice}, ticket: at.WSConnection.Token,
		renew: func(ctx context.Context) (string, error) {
			again, err := p.Address(ctx, at.Network, at.SupportedTokenID)
			return again.WSConnection.Token, err
		},
	})
}
