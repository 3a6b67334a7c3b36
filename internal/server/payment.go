package server

import (
	"context"
	"net/http"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

var paymentRoutes = []route{
	{"POST /api/v1/invoices/{id}/payments/{payment}/accept", merchantFace, byMerchant((*Server).acceptPayment), nil},
	{"POST /api/v1/invoices/{id}/payments/{payment}/sweep", merchantFace, byMerchant((*Server).sweepPayment), nil},
}

func (s *Server) acceptPayment(r *http.Request, c billing.Caller) (any, error) {
	return decided(r, c, s.Billing.AcceptPayment)
}

func (s *Server) sweepPayment(r *http.Request, c billing.Caller) (any, error) {
	return decided(r, c, s.Billing.SweepPayment)
}

// decided carries out what a merchant decides about the payment in the path.
func decided(r *http.Request, c billing.Caller, decide func(ctx context.Context, c billing.Caller, invoice, id string, o billing.Once) ([]byte, error)) (any, error) {
	invoice, err := invoiceID(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("payment")
	if !pay.IsUUID(id) {
		return nil, pay.Errorf(pay.CodeValidation, "The payment id must be a UUID")
	}
	o, err := once(r, nil, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return decide(r.Context(), c, invoice, id, o)
}
