package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var verificationRoutes = []route{
	{"POST /api/v1/invoice/{id}/verify", payorFace, bySession((*Server).askVerification), nil},
	{"GET /api/v1/invoice/{id}/verify", payorFace, bySession((*Server).getVerification), nil},
}

// accepted is an answer with status 202.
type accepted []byte

// ownInvoice holds the invoice in the path to that of the session.
func ownInvoice(r *http.Request, p billing.Session) error {
	if r.PathValue("id") != p.Invoice.ID {
		return pay.Errorf(pay.CodeInvoiceNotFound, "This session opens another invoice")
	}
	return nil
}

func (s *Server) askVerification(r *http.Request, p billing.Session) (any, error) {
	if err := ownInvoice(r, p); err != nil {
		return nil, err
	}
	if err := s.allow(r, s.Limits.verify, p.Invoice.ID); err != nil {
		return nil, err
	}
	in, o, err := onceBody[api.VerifyRequest](r, pay.CodeInvalidRequest, true)
	if err != nil {
		return nil, err
	}
	answer, err := s.Billing.AskVerification(r.Context(), p, in, o)
	return accepted(answer), err
}

func (s *Server) getVerification(r *http.Request, p billing.Session) (any, error) {
	if err := ownInvoice(r, p); err != nil {
		return nil, err
	}
	v, err := s.Billing.Verification(r.Context(), p)
	return view.Wrapped(v), err
}
