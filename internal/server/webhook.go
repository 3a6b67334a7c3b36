package server

import (
	"net/http"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var webhookRoutes = []route{
	{"POST /api/v1/webhooks", merchantFace, byMerchant((*Server).createEndpoint), nil},
	{"GET /api/v1/webhooks", merchantFace, byMerchant((*Server).listEndpoints), nil},
	{"DELETE /api/v1/webhooks/{id}", merchantFace, byMerchant((*Server).deleteEndpoint), nil},
}

func (s *Server) createEndpoint(r *http.Request, c billing.Caller) (any, error) {
	in, _, err := body[api.CreateEndpointRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	e, secret, err := s.Billing.AddEndpoint(r.Context(), c, in, s.Guard.Allowed)
	return view.Endpoint(e, secret), err
}

func (s *Server) listEndpoints(r *http.Request, c billing.Caller) (any, error) {
	es, err := s.Billing.Endpoints(r.Context(), c)
	vs := make([]api.Endpoint, len(es))
	for n, e := range es {
		vs[n] = view.Endpoint(e, "")
	}
	return view.List(vs, false), err
}

func (s *Server) deleteEndpoint(r *http.Request, c billing.Caller) (any, error) {
	id := r.PathValue("id")
	if !isUUID(strings.TrimPrefix(id, "we_")) { // not every text is one a database can look for
		return nil, pay.Errorf(pay.CodeNotFound, "Webhook endpoint not found")
	}
	err := s.Billing.DeleteEndpoint(r.Context(), c, id)
	return api.Deleted{ID: id, Object: "webhook_endpoint", Deleted: true}, err
}
