package server

import (
	"net/http"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

func isDeliveryID(id string) bool { return strings.HasPrefix(id, "wd_") }

func (s *Server) listDeliveries(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	p := q.page(isDeliveryID)
	id, err := endpointID(r)
	if err = orElse(err, q.err); err != nil {
		return nil, err
	}
	e, ds, more, err := s.Billing.Deliveries(r.Context(), c, id, p)
	vs := make([]api.Delivery, len(ds))
	for n, d := range ds {
		vs[n] = view.Delivery(e, d.Delivery, d.Attempts)
	}
	return view.List(vs, more), err
}

func (s *Server) retryDelivery(r *http.Request, c billing.Caller) (any, error) {
	id, err := endpointID(r)
	if err != nil {
		return nil, err
	}
	o, err := once(r, nil, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.RetryDelivery(r.Context(), c, id, r.PathValue("delivery"), o)
}
