package server

import (
	"net/http"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

var eventRoutes = []route{
	{"GET /api/v1/events", merchantFace, byKey((*Server).listEvents), nil},
	{"GET /api/v1/events/{id}", merchantFace, byKey((*Server).getEvent), nil},
	{"POST /api/v1/ws/token", merchantFace, byKeyAlone((*Server).mintTicket), nil},
}

func (s *Server) listEvents(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	f := store.EventFilter{
		Types: q.types("type"), Environment: q.environment(), InvoiceID: q.text("invoice_id"), CustomerID: q.text("customer_id"),
		From: q.moment("created[gte]"), To: q.wholeSecond("created[lte]"),
	}
	p := q.page(isEventID)
	if q.err != nil {
		return nil, q.err
	}
	es, more, err := s.Billing.Events(r.Context(), c, f, p)
	vs := make([]api.Event, len(es))
	for n, e := range es {
		vs[n] = view.Event(e)
	}
	return view.Wrapped(view.List(vs, more)), err
}

func isEventID(id string) bool { return strings.HasPrefix(id, "evt_") }

func (s *Server) getEvent(r *http.Request, c billing.Caller) (any, error) {
	e, err := s.Billing.Event(r.Context(), c, r.PathValue("id"))
	return view.Wrapped(view.Event(e)), err
}
