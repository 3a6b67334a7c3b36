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
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

func (s *Server) streamRoutes() []route {
	return []route{
		{"GET /ws/payment", openFace, nil, s.paymentStream},
		{"GET /ws/merchant/events", openFace, nil, s.merchantStream},
		{"GET /ws/commerce/events", openFace, nil, s.commerceStream},
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
	q.only("token", "format", "since")
	f := store.EventFilter{MerchantID: t.MerchantID, InvoiceID: t.InvoiceID, Types: pay.PayorTypes}
	s.stream(w, r, q, notify.Subscription{EventFilter: f, Payor: true, Holder: t.InvoiceID}, err)
}

func (s *Server) merchantStream(w http.ResponseWriter, r *http.Request) {
	s.accountStream(w, r, auth.StreamMerchant, pay.ScopeMerchant)
}

func (s *Server) commerceStream(w http.ResponseWriter, r *http.Request) {
	s.accountStream(w, r, auth.StreamCommerce, pay.ScopeCommerce)
}

// accountStream opens the stream of a scope, to a ticket if there is one, or else to
// an API key.
func (s *Server) accountStream(w http.ResponseWriter, r *http.Request, stream auth.Stream, scope pay.Scope) {
	q := newQuery(r)
	f := q.eventFilter("types", s.Billing.Registry)
	q.only("token", "format", "since", "types", "environment", "invoice_type", "invoice_id", "customer_id", "order_id", "wallet_address", "wallet_network")
	var t auth.Ticket
	var err error
	if token := q.Get("token"); token != "" {
		if t, err = s.Auth.Ticket(token, stream, s.Now()); err == nil {
			err = s.Billing.CheckTicket(r.Context(), t)
		}
	} else {
		var c billing.Caller
		if c, err = s.caller(r); err == nil && c.Key.Scope != scope {
			err = pay.Errorf(pay.CodeForbidden, "This stream needs an API key of scope %s", scope)
		}
		t = auth.Ticket{MerchantID: c.Merchant.ID, Environment: c.Key.Environment, KeyID: c.Key.ID}
	}
	if f.MerchantID = t.MerchantID; err == nil {
		err = billing.Narrow(&f, scope, t.Environment)
	}
	s.stream(w, r, q, notify.Subscription{EventFilter: f, Holder: t.KeyID}, err)
}

// stream upgrades the connection and hands it to the hub.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, q *query, sub notify.Subscription, err error) {
	sub.Since, sub.Address = q.since(), s.address(r)
	if err = orElse(err, q.err); err == nil && (!websocket.IsWebSocketUpgrade(r) || r.ContentLength != 0) {
		err = pay.Errorf(pay.CodeValidation, "Connect with a websocket, and without a body")
	}
	if err == nil && !s.Hub.Admit(sub) {
		err = refuse(pay.CodeRate, socketWait, "Too many open websockets. Close some, or ask your operator for a higher limit.")
	}
	if err != nil {
		s.write(w, r, openFace, nil, err)
		return
	}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil { // it has answered
		s.Hub.Dismiss(sub)
		return
	}
	s.Hub.Serve(c, sub)
}

// socketWait is how long to wait before asking for a websocket again.
const socketWait = 30 * time.Second

// since returns the cursor of a stream.
func (q *query) since() string {
	id := q.text("since")
	if id != "" && !isEventID(id) {
		q.fail("since must be an event id, such as evt_1765540800123-42")
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
