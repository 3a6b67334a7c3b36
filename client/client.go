// Package client is the Go client of a Pepay deployment.
//
// # Making an invoice
//
// A Client is made once, from the address of the deployment and an API key, and
// shared. Its fields are the nouns of the API:
//
//	pepay := client.New("https://pay.example.com", os.Getenv("PEPAY_API_KEY"))
//	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{
//		AmountUSD:   new(api.Number("25.50")),
//		Description: new("Two bags of coffee"),
//	})
//
// Send the customer to made.PaymentURL. Amounts are decimal text on the way in and
// integers, thousandths of a dollar, on the way out; nothing here is a float.
//
// # Hearing that it was paid
//
// There are three ways, which tell the same events: webhooks, checked by
// VerifyWebhook; a stream over a websocket, Events.Stream, which reconnects by
// itself and gives each event once and in order; and reading, Events.RecoverSince
// for what was missed and Invoices.WaitForStatus for one invoice.
//
// # Selling goods
//
// With a key of scope commerce a Client sells what retailers stock: Products finds it,
// Carts keeps it for a customer, Checkout makes an order and the invoice that pays for
// it, and Orders follows the goods to the customer's door.
//
// # Errors
//
// What the server refuses is an *Error:
//
//	if e, ok := errors.AsType[*client.Error](err); ok && e.Status == http.StatusNotFound {
//
// Requests that were answered with 429, 500 or 503, or with nothing, are sent again,
// twice at most. That is safe: each write carries an Idempotency-Key, the same for
// every attempt. Use WithIdempotencyKey to choose it, so that a write can also be
// repeated after a crash of your own program.
//
// # Lists
//
// Lists are iterators that fetch pages as they are needed:
//
//	for invoice, err := range pepay.Invoices.List(ctx, client.InvoiceFilter{Status: []string{"paid"}}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(invoice.ID, invoice.AmountDecimal)
//	}
//
// An error ends the loop and comes last.
package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
)

// The defaults of a Client.
const (
	DefaultTimeout = 30 * time.Second
	DefaultRetries = 2
)

// Client speaks to one deployment with one API key. It may be used by any number of
// goroutines; its fields may be changed before its first use.
type Client struct {
	HTTP    *http.Client  // what sends requests; redirects are never followed, they would carry the key elsewhere
	Timeout time.Duration // of one attempt of a request
	Retries int           // how often a request is sent again; 0 is never

	Invoices Invoices
	Events   Events
	Webhooks Webhooks
	Tokens   Tokens
	Networks Networks
	Account  Account

	// Commerce: these need a key of scope commerce.
	Products  Products
	Carts     Carts
	Checkout  Checkout
	Addresses Addresses
	Orders    Orders

	base   string
	header http.Header                                                       // the credential
	dial   func(ctx context.Context, network, addr string) (net.Conn, error) // of websockets; nil for the usual
}

// New returns a client of the deployment at an http or https URL. A URL that is
// neither shows at the first request.
func New(baseURL, apiKey string) *Client {
	return newClient(baseURL, http.Header{"X-Api-Key": {apiKey}})
}

func newClient(baseURL string, credential http.Header) *Client {
	c := &Client{HTTP: http.DefaultClient, Timeout: DefaultTimeout, Retries: DefaultRetries, base: strings.TrimRight(baseURL, "/"), header: credential}
	c.Invoices, c.Events, c.Webhooks, c.Tokens, c.Networks, c.Account = Invoices{c}, Events{c}, Webhooks{c}, Tokens{c}, Networks{c}, Account{c}
	c.Products, c.Carts, c.Checkout, c.Addresses, c.Orders = Products{c}, Carts{c}, Checkout{c}, Addresses{c}, Orders{c}
	return c
}

// call sends a request and decodes the answer.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (out T, err error) {
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return out, fmt.Errorf("pepay: encode the request: %w", err)
		}
	}
	answer, err := c.do(ctx, method, path, query, body)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return out, fmt.Errorf("pepay: decode the answer to %s %s: %w", method, path, err)
	}
	return out, nil
}

// unwrapped is call for the endpoints that wrap their answer.
func unwrapped[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (T, error) {
	w, err := call[api.Wrapped[T]](ctx, c, method, path, query, in)
	return w.Data, err
}
