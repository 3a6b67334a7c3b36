package server

import (
	"context"
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
	{"GET /api/v1/webhooks/{id}", merchantFace, byMerchant((*Server).getEndpoint), nil},
	{"PATCH /api/v1/webhooks/{id}", merchantFace, byMerchant((*Server).changeEndpoint), nil},
	{"DELETE /api/v1/webhooks/{id}", merchantFace, byEndpoint((*billing.Billing).DeleteEndpoint), nil},
	{"POST /api/v1/webhooks/{id}/rotate-secret", merchantFace, byEndpoint((*billing.Billing).RotateSecret), nil},
	{"POST /api/v1/webhooks/{id}/test", merchantFace, byEndpoint((*billing.Billing).TestEndpoint), nil},
	{"GET /api/v1/webhooks/{id}/deliveries", merchantFace, byMerchant((*Server).listDeliveries), nil},
	{"POST /api/v1/webhooks/{id}/deliveries/{delivery}/retry", merchantFace, byMerchant((*Server).retryDelivery), nil},
	{"POST /api/v1/webhooks/{id}/replay", merchantFace, byMerchant((*Server).startReplay), nil},
	{"GET /api/v1/webhooks/{id}/replay", merchantFace, byMerchant((*Server).getReplay), nil},
}

// endpointID returns the endpoint id in the path: not every text is one that a
// database can look for.
func endpointID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !isEndpointID(id) {
		return "", pay.Errorf(pay.CodeNotFound, "Webhook endpoint not found")
	}
	return id, nil
}

func isEndpointID(id string) bool {
	rest, ok := strings.CutPrefix(id, "we_")
	return ok && pay.IsUUID(rest)
}

// endpointBody reads a request to change something of an endpoint.
func endpointBody[T any](r *http.Request) (id string, in T, o billing.Once, err error) {
	if id, err = endpointID(r); err != nil {
		return id, in, o, err
	}
	in, raw, err := body[T](r, pay.CodeValidation, false)
	if err == nil {
		o, err = once(r, raw, pay.CodeValidation)
	}
	return id, in, o, err
}

// byEndpoint admits callers with a key of scope merchant to what needs no body.
func byEndpoint(do func(*billing.Billing, context.Context, billing.Caller, string, billing.Once) ([]byte, error)) func(*Server, *http.Request) (any, error) {
	return byMerchant(func(s *Server, r *http.Request, c billing.Caller) (any, error) {
		id, err := endpointID(r)
		if err != nil {
			return nil, err
		}
		o, err := once(r, nil, pay.CodeValidation)
		if err != nil {
			return nil, err
		}
		return do(s.Billing, r.Context(), c, id, o)
	})
}

func (s *Server) createEndpoint(r *http.Request, c billing.Caller) (any, error) {
	in, raw, err := body[api.CreateEndpointRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	o, err := once(r, raw, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.AddEndpoint(r.Context(), c, in, s.Guard.Allowed, o)
}

func (s *Server) listEndpoints(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	p := q.page(isEndpointID)
	if q.err != nil {
		return nil, q.err
	}
	es, more, err := s.Billing.EndpointPage(r.Context(), c, p)
	vs := make([]api.Endpoint, len(es))
	for n, e := range es {
		vs[n] = view.Endpoint(e, "")
	}
	return view.List(vs, more), err
}

func (s *Server) getEndpoint(r *http.Request, c billing.Caller) (any, error) {
	id, err := endpointID(r)
	if err != nil {
		return nil, err
	}
	e, err := s.Billing.Endpoint(r.Context(), c, id)
	return view.Endpoint(e, ""), err
}

func (s *Server) changeEndpoint(r *http.Request, c billing.Caller) (any, error) {
	id, in, o, err := endpointBody[api.ChangeEndpointRequest](r)
	if err != nil {
		return nil, err
	}
	return s.Billing.ChangeEndpoint(r.Context(), c, id, in, s.Guard.Allowed, o)
}
