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

// onceBody reads a body like body, and names the request by its Idempotency-Key if it
// brings one.
func onceBody[T any](r *http.Request, bad pay.Code, optional bool) (in T, o billing.Once, err error) {
	in, raw, err := body[T](r, bad, optional)
	if err == nil {
		o, err = once(r, raw, bad)
	}
	return in, o, err
}

func (s *Server) customerEmail(_ *http.Request, p billing.Session) (any, error) {
	return view.CustomerEmail(p.Invoice), nil
}

func (s *Server) setCustomerEmail(r *http.Request, p billing.Session) (any, error) {
	in, o, err := onceBody[api.CustomerEmailRequest](r, pay.CodeInvalidRequest, false)
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
	in, o, err := onceBody[api.SubmitFormRequest](r, pay.CodeInvalidRequest, false)
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
