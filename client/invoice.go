package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
)

// Invoices are what customers are asked to pay.
type Invoices struct{ c *Client }

// InvoiceFilter selects invoices. Its zero value is all of them, newest first.
type InvoiceFilter struct {
	Cursor
	Status        []string // unpaid, underpaid, paid, expired, canceled
	Type          []string // standard, commerce
	CustomerID    string
	Environment   string    // devnet, mainnet
	From, To      time.Time // when it was made, inclusive, to the second
	PayerWallet   string    // an address that paid
	PayerNetwork  string    // the network it paid on
	Expand        []string  // latest_payment, payments: what to include
	PaymentsLimit int       // of an expanded payments: 1 to 100; 0 for the server's 10
}

func (f InvoiceFilter) query() url.Values {
	q := url.Values{}
	for name, list := range map[string][]string{"status": f.Status, "invoice_type": f.Type, "expand": f.Expand} {
		set(q, name, strings.Join(list, ","))
	}
	for name, at := range map[string]time.Time{"created_gte": f.From, "created_lte": f.To} {
		set(q, name, seconds(at))
	}
	for name, text := range map[string]string{
		"customer_id": f.CustomerID, "environment": f.Environment, "payer_wallet_address": f.PayerWallet, "payer_wallet_network": f.PayerNetwork,
	} {
		set(q, name, text)
	}
	if f.PaymentsLimit > 0 {
		q.Set("payments_limit", strconv.Itoa(f.PaymentsLimit))
	}
	return q
}

// seconds is a moment as the API's filters take it, "" for none.
func seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// Create makes an invoice. What it returns, the address of the payment page and the
// payor's credentials, is not to be had again.
func (s Invoices) Create(ctx context.Context, in api.CreateInvoiceRequest) (api.CreatedInvoice, error) {
	return call[api.CreatedInvoice](ctx, s.c, http.MethodPost, "/api/v1/invoices", nil, in)
}

// Get returns an invoice; expand may name latest_payment and payments.
func (s Invoices) Get(ctx context.Context, id string, expand ...string) (api.Invoice, error) {
	return call[api.Invoice](ctx, s.c, http.MethodGet, invoicePath(id), InvoiceFilter{Expand: expand}.query(), nil)
}

func invoicePath(id string) string { return "/api/v1/invoices/" + url.PathEscape(id) }

// List returns the invoices that a filter selects.
func (s Invoices) List(ctx context.Context, f InvoiceFilter) iter.Seq2[api.Invoice, error] {
	return list(ctx, f.Cursor, f.query(), invoiceID, bare[api.Invoice](s.c, "/api/v1/invoices"))
}

// ByCustomer returns the invoices of one customer that a filter selects.
func (s Invoices) ByCustomer(ctx context.Context, customer string, f InvoiceFilter) iter.Seq2[api.Invoice, error] {
	f.CustomerID = ""
	return list(ctx, f.Cursor, f.query(), invoiceID, bare[api.Invoice](s.c, "/api/v1/invoices/customer/"+url.PathEscape(customer)))
}

func invoiceID(i api.Invoice) string { return i.ID }

// Totals returns the sums and counts of the invoices that a filter selects, by
// status. The filter's cursor and wallet are not looked at.
func (s Invoices) Totals(ctx context.Context, f InvoiceFilter) (api.InvoiceTotals, error) {
	return call[api.InvoiceTotals](ctx, s.c, http.MethodGet, "/api/v1/invoices/totals", InvoiceFilter{
		Status: f.Status, Type: f.Type, CustomerID: f.CustomerID, Environment: f.Environment, From: f.From, To: f.To,
	}.query(), nil)
}

// Cancel ends an invoice that nobody has paid to, and returns it.
func (s Invoices) Cancel(ctx context.Context, id string) (api.Invoice, error) {
	return call[api.Invoice](ctx, s.c, http.MethodPost, invoicePath(id)+"/cancel", nil, nil)
}

// AcceptPayment lets a payment count that is manual_retry: one on another network or in
// another token than was asked for, or one that came too late. It counts for the amount it
// shows, and the invoice may become paid by it, even when it has expired or was canceled.
// The error's code is INVALID_PAYMENT_STATE when there is nothing to accept.
func (s Invoices) AcceptPayment(ctx context.Context, invoice, payment string) (api.Payment, error) {
	return call[api.Payment](ctx, s.c, http.MethodPost, paymentPath(invoice, payment)+"/accept", nil, nil)
}

// SweepPayment has the proceeds of a payment that is manual_retry moved to you, on the
// network where they are. It credits nothing; the payment can still be accepted.
func (s Invoices) SweepPayment(ctx context.Context, invoice, payment string) (api.Payment, error) {
	return call[api.Payment](ctx, s.c, http.MethodPost, paymentPath(invoice, payment)+"/sweep", nil, nil)
}

func paymentPath(invoice, payment string) string {
	return invoicePath(invoice) + "/payments/" + url.PathEscape(payment)
}

// Status returns an invoice with its newest payment.
func (s Invoices) Status(ctx context.Context, id string) (api.InvoiceStatus, error) {
	return call[api.InvoiceStatus](ctx, s.c, http.MethodGet, invoicePath(id)+"/status", nil, nil)
}

// pollEvery is how often WaitForStatus asks.
const pollEvery = 2 * time.Second

// final are the statuses that an invoice never leaves.
var final = []string{"paid", "expired", "canceled"}

// ErrFinal is the error of WaitForStatus when the invoice, or order, has ended otherwise
// than was waited for.
var ErrFinal = errors.New("pepay: it has ended with another status")

// WaitForStatus asks for an invoice every two seconds until it has one of the
// statuses, by default paid, expired or canceled, and returns it. When it has ended
// with another it returns it with ErrFinal. Bound the wait with ctx.
func (s Invoices) WaitForStatus(ctx context.Context, id string, statuses ...string) (api.InvoiceStatus, error) {
	return waitForStatus(ctx, final, statuses, func(ctx context.Context) (api.InvoiceStatus, string, error) {
		v, err := s.Status(ctx, id)
		return v, v.Invoice.Status, err
	})
}

// waitForStatus asks until what is asked for has one of the statuses, or of those that
// are final.
func waitForStatus[T any](ctx context.Context, final, statuses []string, ask func(context.Context) (v T, status string, err error)) (T, error) {
	if len(statuses) == 0 {
		statuses = final
	}
	for {
		v, status, err := ask(ctx)
		switch {
		case err != nil || slices.Contains(statuses, status):
			return v, err
		case slices.Contains(final, status):
			return v, ErrFinal
		}
		if err := wait(ctx, pollEvery); err != nil {
			return v, err
		}
	}
}
