package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var formRoutes = []route{
	{"GET /api/v1/payments/customer-email", payorFace, bySession((*Server).customerEmail), nil},
	{"POST /api/v1/payments/customer-email", payorFace, bySession((*Server).setCustomerEmail), nil},
	{"GET /api/v1/payments/invoice-questions", payorFace, bySession((*Server).invoiceQuestions), nil},
	{"POST /api/v1/payments/submit-form", payorFace, bySession((*Server).submitForm), nil},
	{"GET /api/v1/invoices/{id}/answers", merchantFace, byMerchant((*Server).invoiceAnswers), nil},
}

// once reads a body like body, and names the request by its Idempotency-Key if it
// brings one.
func once[T any](r *http.Request, bad pay.Code, optional bool) (in T, o billing.Once, err error) {
	in, raw, err := body[T](r, bad, optional)
	if err != nil {
		return in, o, err
	}
	key := r.Header.Get("Idempotency-Key")
	if key != printable(key) {
		return in, o, pay.Errorf(bad, "The Idempotency-Key header must be at most 128 printable characters without spaces")
	}
	return in, billing.Once{Key: key, Hash: hash(raw)}, nil
}

func (s *Server) customerEmail(_ *http.Request, p billing.Session) (any, error) {
	return view.CustomerEmail(p.Invoice), nil
}

func (s *Server) setCustomerEmail(r *http.Request, p billing.Session) (any, error) {
	in, o, err := once[api.CustomerEmailRequest](r, pay.CodeInvalidRequest, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetCustomerEmail(r.Context(), p, in, o)
}

func (s *Server) invoiceQuestions(_ *http.Request, p billing.Session) (any, error) {
	q, err := billing.Questions(p.Invoice)
	return view.InvoiceQuestions(q), err
}

func (s *Server) submitForm(r *http.Request, p billing.Session) (any, error) {
	in, o, err := once[api.SubmitFormRequest](r, pay.CodeInvalidRequest, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SubmitForm(r.Context(), p, in, o)
}

func (s *Server) invoiceAnswers(r *http.Request, c billing.Caller) (any, error) {
	id, err := invoiceID(r)
	if err != nil {
		return nil, err
	}
	return s.Billing.Answers(r.Context(), c, id)
}
