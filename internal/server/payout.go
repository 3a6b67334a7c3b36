package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var payoutRoutes = []route{
	{"GET /api/v1/merchant/settlement-preference", merchantFace, byDashboard((*Server).settlementPreference), nil},
	{"PUT /api/v1/merchant/settlement-preference", merchantFace, byDashboard((*Server).setPreference), nil},
	{"PUT /api/v1/merchant/settlement-token", merchantFace, byDashboard((*Server).setSettlementToken), nil},
	{"GET /api/v1/merchant/payout-addresses", merchantFace, byDashboard((*Server).payoutAddresses), nil},
	{"PUT /api/v1/merchant/payout-addresses", merchantFace, byDashboard((*Server).setPayout), nil},
}

func (s *Server) settlementPreference(_ *http.Request, c billing.Caller) (any, error) {
	return s.Billing.Settlement(c), nil
}

func (s *Server) setPreference(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.PreferenceRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetPreference(r.Context(), c, in, o)
}

func (s *Server) setSettlementToken(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.SettlementTokenRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetSettlementToken(r.Context(), c, in, o)
}

func (s *Server) payoutAddresses(r *http.Request, c billing.Caller) (any, error) {
	list, err := s.Billing.PayoutAddresses(r.Context(), c)
	return view.List(list, false), err
}

func (s *Server) setPayout(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.PayoutRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetPayout(r.Context(), c, in, o)
}
