package server

import (
	"net/http"
	"regexp"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
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
	f := q.eventFilter("type", s.Billing.Registry)
	f.From, f.To = q.moment("created[gte]"), q.wholeSecond("created[lte]")
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

// eventFilter returns the filters that the list and the streams share.
func (q *query) eventFilter(types string, known *pay.Registry) store.EventFilter {
	f := store.EventFilter{
		Types: q.types(types), Environment: q.environment(), InvoiceID: q.text("invoice_id"), CustomerID: q.text("customer_id"),
		OrderID: q.text("order_id"), Wallet: q.text("wallet_address"), WalletNet: q.network("wallet_network", known),
	}
	if kinds := q.list("invoice_type", string(pay.Standard), string(pay.Commerce)); len(kinds) == 1 {
		f.InvoiceType = pay.InvoiceType(kinds[0])
	}
	return f
}

// isEventID reports whether a text has the form of an event's id.
func isEventID(id string) bool { return eventID.MatchString(id) }

var eventID = regexp.MustCompile(`^evt_[0-9]{1,19}-[0-9]{1,19}$`)

func (s *Server) getEvent(r *http.Request, c billing.Caller) (any, error) {
	e, err := s.Billing.Event(r.Context(), c, r.PathValue("id"))
	return view.Wrapped(view.Event(e)), err
}
