// Package server is the HTTP face: it decodes a request, calls one use case and
// renders the answer.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/trace"
	"github.com/pepay/pepay/internal/view"
)

// Server serves the API and the payment page.
type Server struct {
	Billing  *billing.Billing
	Commerce *commerce.Commerce
	Hub      *notify.Hub
	Guard    *notify.Guard
	Auth     *auth.Auth
	Limits   *Limits
	Proxies  []netip.Prefix // whose word about where a request comes from is taken
	Meter    *meter.Meter   // may be nil
	Trace    *trace.Tracer  // may be nil
	Log      *slog.Logger
	Now      func() time.Time
	// Ready returns what is not as it should be, by part, empty when all is well; and up to
	// which height each network is proven.
	// Warnings are for a person, and do not make us unready.
	Ready func(context.Context) (problems, warnings map[string]string, proven map[string]uint64)
	// TestWallet pays a quote from the development wallet; nil outside development.
	TestWallet func(context.Context, billing.Allocation) (txHash string, err error)
	// DashboardKey returns the API key of scope merchant that the dashboard of
	// development acts with, "" while there is none; nil for no dashboard.
	DashboardKey func() string
}

// A face is the conventions of a group of routes: how errors look.
type face int

const (
	merchantFace face = iota
	payorFace
	commerceFace
	openFace // no conventions of its own: pages, probes, upgrades
)

// A route is one line of the API: its pattern, its face, and what answers.
type route struct {
	pattern string
	face    face
	answer  func(*Server, *http.Request) (any, error)
	serve   http.HandlerFunc // instead of answer, for what is not JSON
}

// routes is every route.
func (s *Server) routes() []route {
	all := []route{}
	for _, group := range [][]route{invoiceRoutes, paymentRoutes, eventRoutes, webhookRoutes, payoutRoutes, signInRoutes, keyRoutes, mainnetRoutes, payorRoutes, formRoutes, tokenRoutes, rateRoutes, networkRoutes, verificationRoutes, commerceRoutes(), s.pageRoutes(), s.dashboardRoutes(), s.streamRoutes(), s.opsRoutes()} {
		all = append(all, group...)
	}
	return all
}

// Handler returns everything that is served.
func (s *Server) Handler() http.Handler {
	mux, byCustomer := http.NewServeMux(), http.NewServeMux()
	for _, r := range s.routes() {
		mux := mux
		if strings.Contains(r.pattern, customerPrefix) {
			mux = byCustomer
		}
		h := r.serve
		if h == nil {
			h = func(w http.ResponseWriter, req *http.Request) {
				v, err := r.answer(s, req)
				s.write(w, req, r.face, v, err)
			}
		}
		mux.HandleFunc(r.pattern, h)
	}
	mux.HandleFunc("OPTIONS /api/v1/payments/", preflight)
	mux.HandleFunc("OPTIONS /api/v1/invoice/", preflight)
	for _, m := range []*http.ServeMux{mux, byCustomer} {
		m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.unknown(m, w, r) })
	}
	return s.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, customerPrefix) {
			byCustomer.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// customerPrefix begins the one route that ServeMux cannot tell from another: is
// …/customer/status the status of an invoice, or a customer's list? It is the list.
const customerPrefix = "/api/v1/invoices/customer/"

// around does for every request what every request needs.
func (s *Server) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID(r)
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		ctx, span := s.Trace.Request(r.Context(), r.Header)
		ctx = pay.WithCause(ctx, pay.Cause{RequestID: id, IdempotencyKey: printable(r.Header.Get("Idempotency-Key")), Trace: span.Traceparent()})
		r = r.WithContext(context.WithValue(ctx, headersKey{}, h))
		rec, took := &recorder{ResponseWriter: w, status: http.StatusOK}, meter.Watch()
		w = rec
		defer func() {
			s.Meter.Request(routeOf(r), methodOf(r), rec.status, took())
			span.Answered(methodOf(r), routeOf(r), rec.status)
		}()
		defer func() {
			if p := recover(); p != nil {
				s.Log.ErrorContext(r.Context(), "request panicked", "request", id, "route", routeOf(r), "panic", p)
				s.write(w, r, merchantFace, nil, pay.Errorf(pay.CodeInternal, "Internal server error"))
			}
		}()
		if err := s.admit(r); err != nil {
			s.write(w, r, faceOf(r), nil, err)
		} else {
			next.ServeHTTP(w, r)
		}
		// The query is left out, and what a path is filled in with: a session, a ticket, a secret.
		s.Log.DebugContext(r.Context(), "request", "request", id, "method", r.Method, "route", routeOf(r), "took", took())
	})
}

// unknown answers what no route matches: 405 where another method would, else 404.
func (s *Server) unknown(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, pattern := mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	err := pay.Errorf(pay.CodeNotFound, "There is nothing at %.100s", r.URL.Path)
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		err = pay.Errorf(pay.CodeMethodNotAllowed, "Use %s here", strings.Join(allowed, " or "))
	}
	s.write(w, r, openFace, nil, err)
}

// write renders the answer of a use case, or its error.
func (s *Server) write(w http.ResponseWriter, r *http.Request, f face, v any, err error) {
	status := http.StatusOK
	if err != nil {
		status, v = s.failure(w, r, f, err)
	}
	if f == payorFace {
		w.Header().Set("Access-Control-Allow-Origin", "*") // the session pair is the credential; there are no cookies
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id")
	}
	if a, ok := v.(accepted); ok && err == nil {
		status, v = http.StatusAccepted, []byte(a)
	}
	if a, ok := v.(created); ok && err == nil {
		status, v = http.StatusCreated, []byte(a)
	}
	body, ready := v.([]byte)
	if !ready {
		body = view.JSON(v)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader is gone: nothing to be done
}

// preflight lets an embedded checkout on another site call the payor endpoints.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "content-type, x-session-token, x-signature, idempotency-key, x-request-id, traceparent, tracestate")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// byKey admits callers with an API key of either scope, and people who are signed in.
func byKey(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return admit((*Server).principal, h)
}

// byKeyAlone admits callers with an API key of either scope.
func byKeyAlone(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return admit((*Server).caller, h)
}

// byDashboard admits people who are signed in, and nobody else.
func byDashboard(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return admit((*Server).person, h)
}

// byMerchant admits callers with a key of scope merchant, and people who are signed in.
func byMerchant(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return byKey(func(s *Server, r *http.Request, c billing.Caller) (any, error) {
		if c.Key.Scope != pay.ScopeMerchant {
			return nil, pay.Errorf(pay.CodeForbidden, "This needs an API key of scope merchant; yours has scope %s", c.Key.Scope)
		}
		return h(s, r, c)
	})
}

func admit(who func(*Server, *http.Request) (billing.Caller, error), h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		c, err := who(s, r)
		if err != nil {
			return nil, err
		}
		return h(s, r, c)
	}
}

// apiKey is the API key in a request's headers, "" for none.
func apiKey(r *http.Request) string {
	if key := r.Header.Get("x-api-key"); key != "" {
		return key
	}
	return r.Header.Get("x-commerce-api-key")
}

// caller returns who an API key in the headers belongs to.
func (s *Server) caller(r *http.Request) (billing.Caller, error) {
	c, err := s.Billing.ByKey(r.Context(), apiKey(r))
	if err = s.slowed(r, err); err != nil {
		return c, err
	}
	return c, s.allow(r, s.Limits.key, c.Key.ID)
}

// slowed refuses an address that has sent too many wrong credentials: guessing is
// what is slowed down, not who shares an address with a guesser.
func (s *Server) slowed(r *http.Request, err error) error {
	if c := pay.CodeOf(err); c == pay.CodeKeyInvalid || c == pay.CodeTicketInvalid {
		return orElse(s.allow(r, s.Limits.wrongKey, s.address(r)), err)
	}
	return err
}

// principal returns who sent a request: whose API key it has, else who is signed in.
func (s *Server) principal(r *http.Request) (billing.Caller, error) {
	if apiKey(r) == "" && r.Header.Get("Authorization") != "" {
		return s.person(r)
	}
	return s.caller(r)
}

// person returns who is signed in. One who may only read is refused everything else.
func (s *Server) person(r *http.Request) (c billing.Caller, err error) {
	if r.Header.Get("Authorization") == "" && apiKey(r) != "" {
		_, err := s.caller(r)
		return c, orElse(err, pay.Errorf(pay.CodeForbidden, "API keys do not open this: sign in and send Authorization: Bearer with the access token"))
	}
	c, err = s.Billing.ByBearer(r.Context(), bearer(r.Header.Get("Authorization")), merchantID(r))
	if err = s.slowed(r, err); err != nil {
		return c, err
	}
	if err := s.allow(r, s.Limits.key, c.User.String()); err != nil {
		return c, err
	}
	if r.Method != http.MethodGet {
		err = c.MayWrite()
	}
	return c, err
}

// bearer returns the token of an Authorization header, "" for none.
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// merchantID returns which merchant a person wants to act for: 0 for the first, and
// one that is nobody's for what is no id.
func merchantID(r *http.Request) int64 {
	h := r.Header.Get("X-Merchant-Id")
	if h == "" {
		return 0
	}
	n, err := strconv.ParseInt(h, 10, 64)
	if err != nil || n < 1 {
		return -1
	}
	return n
}

// bySession admits payors with a session pair.
func bySession(h func(*Server, *http.Request, billing.Session) (any, error)) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		session, err := s.Billing.BySession(r.Context(), r.Header.Get("x-session-token"), r.Header.Get("x-signature"))
		if err != nil {
			return nil, err
		}
		if err := s.allow(r, s.Limits.session, session.Invoice.ID); err != nil {
			return nil, err
		}
		return h(s, r, session)
	}
}
