package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Patterns returns the pattern of every route, as the paths of openapi.yaml are written.
func Patterns(s *Server) []string {
	var ps []string
	for _, r := range s.routes() {
		ps = append(ps, strings.TrimSuffix(r.pattern, "{$}"))
	}
	return ps
}

// Ask takes a request out of the bucket of a key, and reports what is left.
func (l *Limits) Ask(key string, now time.Time) (left int, ok bool) {
	q, ok := l.key.take(key, now)
	return q.left, ok
}

// Buckets is how many keys are remembered.
func (l *Limits) Buckets() int { return len(l.key.buckets) }

// Group is a route of the table: its pattern, and who may call it without credentials.
type Group struct {
	Pattern string
	Payor   bool // a payor's session opens it
}

// Groups returns every route.
func Groups(s *Server) (all []Group) {
	for _, r := range s.routes() {
		all = append(all, Group{r.pattern, r.face == payorFace})
	}
	return all
}

// Lists returns every comma list of a list of invoices and of a list of events, as they
// are read of a request.
func Lists(r *http.Request) (all [][]string, err error) {
	q := newQuery(r)
	invoices, events := q.invoiceFilter(&pay.Registry{}), q.eventFilter("types", &pay.Registry{})
	return [][]string{invoices.Statuses, invoices.Types, events.Types}, q.err
}
