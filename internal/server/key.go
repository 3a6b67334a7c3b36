package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var keyRoutes = []route{
	{"GET /api/v1/api-keys", merchantFace, byDashboard((*Server).listKeys), nil},
	{"POST /api/v1/api-keys", merchantFace, byDashboard((*Server).createKey), nil},
	{"POST /api/v1/api-keys/{id}/revoke", merchantFace, byDashboard((*Server).revokeKey), nil},
	// Older names of the same.
	{"POST /api/v1/merchant-api-keys/{id}/revoke", merchantFace, byDashboard((*Server).revokeKey), nil},
	{"GET /api/merchant-api-keys", merchantFace, byDashboard((*Server).listKeys), nil},
	{"POST /api/merchant-api-keys", merchantFace, byDashboard((*Server).createMerchantKey), nil},
	{"POST /api/merchant-api-keys/{id}/revoke", merchantFace, byDashboard((*Server).revokeKey), nil},
}

func (s *Server) listKeys(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	scope := q.choice("scope", string(pay.ScopeMerchant), string(pay.ScopeCommerce))
	if q.err != nil {
		return nil, q.err
	}
	ks, err := s.Billing.Keys(r.Context(), c.Merchant.ID)
	vs := []api.Key{}
	for _, k := range ks {
		if scope == "" || string(k.Scope) == scope {
			vs = append(vs, view.Key(k))
		}
	}
	return vs, err
}

func (s *Server) createKey(r *http.Request, c billing.Caller) (any, error) {
	return s.newKey(r, c, nil)
}

// createMerchantKey is createKey for clients that know keys of one scope only.
func (s *Server) createMerchantKey(r *http.Request, c billing.Caller) (any, error) {
	scope := string(pay.ScopeMerchant)
	return s.newKey(r, c, &scope)
}

func (s *Server) newKey(r *http.Request, c billing.Caller, scope *string) (any, error) {
	in, raw, err := body[api.CreateKeyRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	if in.Scope == nil {
		in.Scope = scope
	}
	o, err := once(r, raw, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.CreateKey(r.Context(), c, in, o)
}

func (s *Server) revokeKey(r *http.Request, c billing.Caller) (any, error) {
	in, raw, err := body[api.RevokeKeyRequest](r, pay.CodeValidation, true)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !pay.IsUUID(id) { // not every text is one a database can look for
		return nil, pay.Errorf(pay.CodeNotFound, "API key not found")
	}
	o, err := once(r, raw, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.Revoke(r.Context(), c, id, in, o)
}
