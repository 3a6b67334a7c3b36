package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

var simulatorRoutes = []route{
	{"POST /api/commerce/devnet/orders/{id}/simulate", commerceFace, byCommerce((*Server).simulate), nil},
}

func (s *Server) simulate(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.SimulateRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	id, err := orderID(r)
	if err != nil {
		return nil, err
	}
	return s.Commerce.Simulate(r.Context(), c, id, in, o)
}
