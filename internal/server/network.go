package server

import (
	"net/http"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/view"
)

var networkRoutes = []route{
	{"GET /api/v1/networks", merchantFace, byMerchant((*Server).listNetworks), nil},
}

func (s *Server) listNetworks(r *http.Request, _ billing.Caller) (any, error) {
	vs, err := s.Billing.Networks(r.Context())
	return view.List(vs, false), err
}
