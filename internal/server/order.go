package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

var orderRoutes = []route{
	{"GET /api/commerce/merchant/orders", commerceFace, byShopOrPerson((*Server).listOrders), nil},
	{"GET /api/commerce/merchant/orders/{id}", commerceFace, byShopOrPerson((*Server).getOrder), nil},
	{"POST /api/commerce/merchant/orders/{id}/cancel", commerceFace, byCommerce((*Server).cancelOrder), nil},
	{"POST /api/commerce/merchant/orders/{id}/refund-destination", commerceFace, byCommerce((*Server).setRefundDestination), nil},
	{"GET /api/commerce/merchant/payments/{id}/status", commerceFace, byCommerce((*Server).orderPayment), nil},
	{"POST /api/commerce/merchant/payments/bulk-status", commerceFace, byCommerce((*Server).bulkStatus), nil},
	{"GET /api/commerce/merchant/invoices/{id}/status", commerceFace, byShopOrPerson((*Server).invoiceOrder), nil},
}

func (s *Server) listOrders(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	f := q.orderFilter(s.Billing.Registry)
	if q.err != nil {
		return nil, q.err
	}
	os, err := s.Commerce.Orders(r.Context(), c, f)
	return view.Wrapped(view.OrderPage(os, f.Limit, f.Offset)), err
}

// orderFilter returns the filters of the list of orders.
func (q *query) orderFilter(known *pay.Registry) store.OrderFilter {
	statuses := make([]string, len(pay.OrderStatuses))
	for n, s := range pay.OrderStatuses {
		statuses[n] = string(s)
	}
	f := store.OrderFilter{
		CustomerID: q.text("customer_id"), Wallet: q.text("wallet"), WalletNet: q.network("walletNetwork", known),
		Status: pay.OrderStatus(q.choice("status", statuses...)), Retailer: q.choice("retailer", pay.Retailers...),
		From: q.moment("createdFrom"), To: q.wholeSecond("createdTo"), Limit: q.number("limit", 20, 1, 100), Offset: q.number("offset", 0, 0, maxOffset),
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.From.After(f.To) {
		q.fail("createdFrom must not be later than createdTo")
	}
	return f
}

// maxOffset is how far a list may be read by offset: rows that are left out are read too.
const maxOffset = 100_000

// orderID returns the order id in the path. What is no id names no order.
func orderID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !pay.IsUUID(id) {
		return "", pay.Errorf(pay.CodeOrderNotFound, "Order not found")
	}
	return id, nil
}

func (s *Server) getOrder(r *http.Request, c billing.Caller) (any, error) {
	id, err := orderID(r)
	if err != nil {
		return nil, err
	}
	o, err := s.Commerce.Order(r.Context(), c, id)
	return view.Wrapped(view.Order(o)), err
}

func (s *Server) cancelOrder(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.CancelOrderRequest](r, pay.CodeValidation, true)
	if err == nil && o.Key == "" {
		err = pay.Errorf(pay.CodeIdempotencyMissing, "The Idempotency-Key header is required: a new UUID (version 4) for each cancellation")
	}
	id, missing := orderID(r)
	if err = orElse(err, missing); err != nil {
		return nil, err
	}
	return s.Commerce.CancelOrder(r.Context(), c, id, in, o)
}

func (s *Server) setRefundDestination(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.RefundDestinationRequest](r, pay.CodeValidation, false)
	id, missing := orderID(r)
	if err = orElse(err, missing); err != nil {
		return nil, err
	}
	return s.Commerce.SetRefundDestination(r.Context(), c, id, in, o)
}

func (s *Server) orderPayment(r *http.Request, c billing.Caller) (any, error) {
	id, err := orderID(r)
	if err != nil {
		return nil, err
	}
	p, err := s.Commerce.Payment(r.Context(), c, id)
	return view.Wrapped(view.OrderPaymentStatus(p.Order, p.Invoice, p.By, s.Billing.Registry)), err
}

func (s *Server) bulkStatus(r *http.Request, c billing.Caller) (any, error) {
	in, _, err := body[api.BulkStatusRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	vs, err := s.Commerce.Payments(r.Context(), c, in)
	return view.Wrapped(vs), err
}

func (s *Server) invoiceOrder(r *http.Request, c billing.Caller) (any, error) {
	id, err := invoiceID(r)
	if err != nil {
		return nil, err
	}
	o, err := s.Commerce.OrderByInvoice(r.Context(), c, id)
	return view.Wrapped(view.InvoiceOrder(o)), err
}
