package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/pepay/pepay/api"
)

// Orders are goods that a customer has asked for, from Checkout.Invoice until they are
// delivered or come to nothing.
type Orders struct{ c *Client }

const ordersPath = "/api/commerce/merchant/orders"

// OrderFilter selects orders. Its zero value is all of them, newest first.
type OrderFilter struct {
	Offset
	Status        string // pending_payment, processing, placed, shipped, delivered, failed, cancelled
	CustomerID    string
	Wallet        string // of a customer who is known by it
	WalletNetwork string
	Retailer      string
	From, To      time.Time // when it was made, inclusive, to the second
}

// List returns the orders that a filter selects.
func (s Orders) List(ctx context.Context, f OrderFilter) iter.Seq2[api.OrderRow, error] {
	q := url.Values{}
	for name, text := range map[string]string{
		"status": f.Status, "customer_id": f.CustomerID, "wallet": f.Wallet, "walletNetwork": f.WalletNetwork, "retailer": f.Retailer,
		"createdFrom": seconds(f.From), "createdTo": seconds(f.To),
	} {
		set(q, name, text)
	}
	return offsets(ctx, f.Offset, q, func(ctx context.Context, q url.Values) ([]api.OrderRow, error) {
		page, err := unwrapped[api.OrderPage](ctx, s.c, http.MethodGet, ordersPath, q, nil)
		return page.Orders, err
	})
}

func orderPath(id string) string { return ordersPath + "/" + url.PathEscape(id) }

// Get returns an order.
func (s Orders) Get(ctx context.Context, id string) (api.Order, error) {
	return unwrapped[api.Order](ctx, s.c, http.MethodGet, orderPath(id), nil, nil)
}

// ByInvoice returns the order that an invoice is for, in short.
func (s Orders) ByInvoice(ctx context.Context, invoice string) (api.InvoiceOrder, error) {
	return unwrapped[api.InvoiceOrder](ctx, s.c, http.MethodGet, "/api/commerce/merchant/invoices/"+url.PathEscape(invoice)+"/status", nil, nil)
}

// Cancel asks for an end of an order whose CanCancel is true. One that was not paid ends
// at once. Of one that was placed the retailer decides, which events tell; a refund needs
// an address on BSC, and RefundQuote says what it comes to.
func (s Orders) Cancel(ctx context.Context, id string, in api.CancelOrderRequest) (api.CancelOrder, error) {
	return unwrapped[api.CancelOrder](ctx, s.c, http.MethodPost, orderPath(id)+"/cancel", nil, in)
}

// SetRefundDestination says which address on BSC gets the refund of an order that is due
// one, while none is under way or after one has failed. It returns the order.
func (s Orders) SetRefundDestination(ctx context.Context, id, address string) (api.Order, error) {
	return unwrapped[api.Order](ctx, s.c, http.MethodPost, orderPath(id)+"/refund-destination", nil, api.RefundDestinationRequest{RefundDestination: &address})
}

// Payment returns whether and how an order was paid.
func (s Orders) Payment(ctx context.Context, id string) (api.OrderPaymentStatus, error) {
	return unwrapped[api.OrderPaymentStatus](ctx, s.c, http.MethodGet, "/api/commerce/merchant/payments/"+url.PathEscape(id)+"/status", nil, nil)
}

// Payments returns whether each of at most 50 orders was paid, in their order. Those
// that cannot be found have an Error of their own.
func (s Orders) Payments(ctx context.Context, ids ...string) ([]api.BulkStatus, error) {
	return unwrapped[[]api.BulkStatus](ctx, s.c, http.MethodPost, "/api/commerce/merchant/payments/bulk-status", nil, api.BulkStatusRequest{OrderIDs: ids})
}

// ended are the statuses that an order never leaves.
var ended = []string{"delivered", "failed", "cancelled"}

// WaitForStatus asks for an order every two seconds until it has one of the statuses, by
// default delivered, failed or cancelled, and returns it. When it has ended with another
// it returns it with ErrFinal. Bound the wait with ctx. A status that passes between two
// questions is not seen, so name those that may follow, too.
func (s Orders) WaitForStatus(ctx context.Context, id string, statuses ...string) (api.Order, error) {
	return waitForStatus(ctx, ended, statuses, func(ctx context.Context) (api.Order, string, error) {
		o, err := s.Get(ctx, id)
		return o, o.Status, err
	})
}

// Simulate makes something happen to an order on devnet, by the rules that hold for all:
// payment_confirmed, payment_settled, placed, shipped, delivery_confirmed, failed,
// cancelled or refunded. From then on nothing happens to it by itself. It returns the
// order as it is afterwards.
func (s Orders) Simulate(ctx context.Context, id string, in api.SimulateRequest) (api.Order, error) {
	v, err := unwrapped[api.Simulated](ctx, s.c, http.MethodPost, "/api/commerce/devnet/orders/"+url.PathEscape(id)+"/simulate", nil, in)
	return v.Order, err
}
