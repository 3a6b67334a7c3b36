package server

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var payorRoutes = []route{
	{"GET /api/v1/payments/session-details", payorFace, bySession((*Server).sessionDetails), nil},
	{"GET /api/v1/payments/available-tokens", payorFace, bySession((*Server).availableTokens), nil},
	{"POST /api/v1/payments/payment-addresses", payorFace, bySession((*Server).paymentAddress), nil},
	{"GET /api/v1/payments/payment-status", payorFace, bySession((*Server).paymentStatus), nil},
}

func (s *Server) sessionDetails(r *http.Request, p billing.Session) (any, error) {
	return s.Billing.SessionDetails(r.Context(), p)
}

func (s *Server) paymentStatus(_ *http.Request, p billing.Session) (any, error) {
	return view.PaymentStatus(p.Invoice), nil
}

func (s *Server) availableTokens(r *http.Request, p billing.Session) (any, error) {
	q := r.URL.Query()
	mode, only := q.Get("mode"), q.Get("available_only")
	f := billing.TokenFilter{Network: pay.NetworkName(q.Get("network")), Unmonitored: mode == "all" || mode == "network", Available: only == "true"}
	switch {
	case mode != "" && !slices.Contains([]string{"monitored", "all", "network"}, mode):
		return nil, pay.Errorf(pay.CodeInvalidRequest, "mode must be monitored, all or network")
	case mode == "network" && f.Network == "":
		return nil, pay.Errorf(pay.CodeInvalidRequest, "mode=network needs a network")
	case f.Network != "" && !s.Billing.Registry.Known(f.Network):
		return nil, pay.Errorf(pay.CodeNetworkUnsupported, "Network %.32q does not exist; there are %v", f.Network, s.Billing.Registry.Names())
	case only != "" && only != "true" && only != "false":
		return nil, pay.Errorf(pay.CodeInvalidRequest, "available_only must be true or false")
	}
	return s.Billing.AvailableTokens(r.Context(), p, f)
}

func (s *Server) paymentAddress(r *http.Request, p billing.Session) (any, error) {
	a, err := s.allocate(r, p)
	return view.PaymentAddress(a.Invoice, a.Address, a.Token, a.Quote, a.Ticket, a.Now, a.Retry), err
}

// allocate reads which pair a payor chose and allocates its address.
func (s *Server) allocate(r *http.Request, p billing.Session) (a billing.Allocation, err error) {
	in, _, err := body[api.PaymentAddressRequest](r, pay.CodeInvalidRequest, false)
	if err != nil {
		return a, err
	}
	if in.Network == nil || *in.Network == "" {
		return a, pay.Errorf(pay.CodeInvalidRequest, "Invalid or missing network")
	}
	if in.TokenID == nil {
		return a, pay.Errorf(pay.CodeInvalidRequest, "Invalid or missing tokenId")
	}
	id, err := strconv.ParseInt(string(*in.TokenID), 10, 64)
	if err != nil || id < 1 {
		return a, pay.Errorf(pay.CodeInvalidRequest, "Invalid or missing tokenId")
	}
	return s.Billing.Allocate(r.Context(), p, pay.NetworkName(*in.Network), id)
}
