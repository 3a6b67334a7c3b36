package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

var invoiceRoutes = []route{
	{"POST /api/v1/invoices", merchantFace, byMerchant((*Server).createInvoice), nil},
	{"GET /api/v1/invoices", merchantFace, byMerchant((*Server).listInvoices), nil},
	{"GET /api/v1/invoices/totals", merchantFace, byMerchant((*Server).invoiceTotals), nil},
	{"GET /api/v1/invoices/customer/{customer}", merchantFace, byMerchant((*Server).customerInvoices), nil},
	{"GET /api/v1/invoices/{id}", merchantFace, byMerchant((*Server).getInvoice), nil},
	{"GET /api/v1/invoices/{id}/status", merchantFace, byMerchant((*Server).invoiceStatus), nil},
	{"POST /api/v1/invoices/{id}/cancel", merchantFace, byMerchant((*Server).cancelInvoice), nil},
}

func (s *Server) createInvoice(r *http.Request, c billing.Caller) (any, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return nil, pay.Errorf(pay.CodeIdempotencyMissing, "The Idempotency-Key header is required: a new UUID (version 4) for each invoice")
	}
	if !isUUIDv4(key) {
		return nil, pay.Errorf(pay.CodeValidation, "The Idempotency-Key header must be a UUID of version 4")
	}
	in, raw, err := body[api.CreateInvoiceRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.Open(r.Context(), c, in, billing.Once{Key: key, Hash: hash(raw)})
}

func hash(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

func (s *Server) listInvoices(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	return s.invoices(r, c, q, q.invoiceFilter(s.Billing.Registry))
}

func (s *Server) customerInvoices(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	q.Set("customer_id", r.PathValue("customer"))
	return s.invoices(r, c, q, q.invoiceFilter(s.Billing.Registry))
}

func (s *Server) invoices(r *http.Request, c billing.Caller, q *query, f store.InvoiceFilter) (any, error) {
	p, e := q.page(pay.IsUUID), q.expand()
	if q.err != nil {
		return nil, q.err
	}
	is, more, err := s.Billing.Invoices(r.Context(), c, f, p, e != view.Expand{})
	vs := make([]api.Invoice, len(is))
	for n, i := range is {
		vs[n] = view.Expanded(i.Invoice, s.payments(i.Payments), e)
	}
	return view.List(vs, more), err
}

func (s *Server) payments(ps []pay.Payment) []api.Payment {
	vs := make([]api.Payment, len(ps))
	for n, p := range ps {
		vs[n] = view.Payment(p, s.Billing.Registry)
	}
	return vs
}

func (s *Server) invoiceTotals(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	f := q.invoiceFilter(s.Billing.Registry)
	if q.err != nil {
		return nil, q.err
	}
	ts, err := s.Billing.InvoiceTotals(r.Context(), c, f)
	return view.InvoiceTotals(ts), err
}

// invoiceID returns the invoice id in the path.
func invoiceID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !pay.IsUUID(id) {
		return "", pay.Errorf(pay.CodeValidation, "The invoice id must be a UUID")
	}
	return id, nil
}

func (s *Server) getInvoice(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	e := q.expand()
	id, err := invoiceID(r)
	if err = orElse(err, q.err); err != nil {
		return nil, err
	}
	i, ps, err := s.Billing.Invoice(r.Context(), c, id)
	return view.Expanded(i, s.payments(ps), e), err
}

func (s *Server) invoiceStatus(r *http.Request, c billing.Caller) (any, error) {
	id, err := invoiceID(r)
	if err != nil {
		return nil, err
	}
	i, ps, err := s.Billing.Invoice(r.Context(), c, id)
	return view.InvoiceStatus(i, s.payments(ps)), err
}

func (s *Server) cancelInvoice(r *http.Request, c billing.Caller) (any, error) {
	id, err := invoiceID(r)
	if err != nil {
		return nil, err
	}
	o, err := once(r, nil, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.Cancel(r.Context(), c, id, o)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
