package server

import (
	"net/http"
	"strconv"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

var tokenRoutes = []route{
	{"GET /api/v1/merchant/tokens", merchantFace, byMerchant((*Server).merchantTokens), nil},
	{"GET /api/v1/merchant/tokens/search", merchantFace, byMerchant((*Server).searchTokens), nil},
	{"POST /api/v1/merchant/tokens/{id}/block", merchantFace, byMerchant((*Server).blockToken), nil},
	{"PUT /api/v1/merchant/acceptance-policy", merchantFace, byMerchant((*Server).setAcceptance), nil},
}

func (s *Server) merchantTokens(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	f := billing.TokenQuery{Environment: q.environment()}
	if q.err != nil {
		return nil, q.err
	}
	v, _, err := s.Billing.MerchantTokens(r.Context(), c, f)
	return v, err
}

func (s *Server) searchTokens(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	f := billing.TokenQuery{
		Environment: q.environment(), Search: q.text("search"), Network: q.network("network", s.Billing.Registry),
		Type: pay.TokenType(q.choice("token_type", "native", "erc20", "spl", "sui", "ton", "cardano")), Active: q.yesNo("is_active"),
		Stable: q.yesNo("supports_stable_settlement"), Blocked: q.yesNo("blocked"),
		Limit: q.number("limit", 50, 1, 200), Offset: q.number("offset", 0, 0, 1<<31-1),
	}
	if q.err != nil {
		return nil, q.err
	}
	v, total, err := s.Billing.MerchantTokens(r.Context(), c, f)
	return api.FoundTokens{MerchantTokens: v, Total: total, Limit: f.Limit, Offset: f.Offset}, err
}

// tokenID returns the token id in the path.
func tokenID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, pay.Errorf(pay.CodeValidation, "The token id must be a positive whole number")
	}
	return id, nil
}

func (s *Server) blockToken(r *http.Request, c billing.Caller) (any, error) {
	id, err := tokenID(r)
	if err != nil {
		return nil, err
	}
	in, o, err := onceBody[api.BlockTokenRequest](r, pay.CodeValidation, true)
	if err != nil {
		return nil, err
	}
	return s.Billing.BlockToken(r.Context(), c, id, in, o)
}

func (s *Server) setAcceptance(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.AcceptancePolicyRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetAcceptance(r.Context(), c, in, o)
}
