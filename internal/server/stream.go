package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

func (s *Server) streamRoutes() []route {
	return []route{
		{"GET /ws/payment", openFace, nil, s.paymentStream},
		{"GET /ws/merchant/events", openFace, nil, s.merchantStream},
	}
}

// upgrader keeps an idle connection small: buffers for writing are shared. Any
// origin may connect, because no cookie opens a stream; a token does.
var upgrader = websocket.Upgrader{
	ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}, HandshakeTimeout: 10 * time.Second,
	CheckOrigin: func(*http.Request) bool { return true },
}

func (s *Server) paymentStream(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r)
	t, err := s.Auth.Ticket(q.Get("token"), auth.StreamPayment, s.Now())
	sub := notify.Subscription{MerchantID: t.MerchantID, InvoiceID: t.InvoiceID, Payor: true, Since: q.since()}
	s.stream(w, r, sub, orElse(err, q.err))
}

func (s *Server) merchantStream(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r)
	sub := notify.Subscription{
		Since: q.since(), Types: q.types("types"), InvoiceID: q.text("invoice_id"), CustomerID: q.text("customer_id"), Environment: q.environment(),
	}
	if token := q.Get("token"); token != "" {
		t, err := s.Auth.Ticket(token, auth.StreamMerchant, s.Now())
		sub.MerchantID = t.MerchantID
		s.stream(w, r, sub, orElse(err, q.err))
		return
	}
	c, err := s.caller(r)
	if err == nil && c.Key.Scope != pay.ScopeMerchant {
		err = pay.Errorf(pay.CodeForbidden, "This stream needs an API key of scope merchant")
	}
	sub.MerchantID = c.Merchant.ID
	s.stream(w, r, sub, orElse(err, q.err))
}

// stream upgrades the connection and hands it to the hub.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, sub notify.Subscription, err error) {
	if err == nil && !websocket.IsWebSocketUpgrade(r) {
		err = pay.Errorf(pay.CodeValidation, "Connect with a websocket")
	}
	if err != nil {
		s.write(w, r, openFace, nil, err)
		return
	}
	if c, err := upgrader.Upgrade(w, r, nil); err == nil { // else it has answered
		s.Hub.Serve(c, sub)
	}
}

// since returns the cursor of a stream.
func (q *query) since() string {
	id := q.text("since")
	if id != "" && !isEventID(id) {
		q.fail("since must be an event id")
	}
	q.choice("format", "event_v1")
	return id
}

func (s *Server) mintTicket(r *http.Request, c billing.Caller) (any, error) {
	in, _, err := body[api.TicketRequest](r, pay.CodeValidation, true)
	if err != nil {
		return nil, err
	}
	scope, life := c.Key.Scope, billing.DefaultTicketLife
	if in.Scope != nil {
		scope = pay.Scope(*in.Scope)
	}
	if in.TTLSeconds != nil {
		n, _ := strconv.ParseInt(string(*in.TTLSeconds), 10, 32) // what is no number is zero, which is refused
		life = time.Duration(n) * time.Second
	}
	token, t, expires, err := s.Billing.MintTicket(r.Context(), c, scope, life)
	url := "ws" + s.Billing.BaseURL[len("http"):] + "/ws/" + string(t.Stream) + "/events"
	return view.Wrapped(view.Ticket(token, scope, t.MerchantID, t.Environment, expires, url)), err
}
