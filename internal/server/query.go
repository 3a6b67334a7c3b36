package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// query reads parameters and keeps the first thing that is wrong with them.
type query struct {
	url.Values
	err error
}

func newQuery(r *http.Request) *query {
	v, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{Values: v}
	if err != nil {
		q.fail("The query is malformed")
	}
	return q
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = pay.Errorf(pay.CodeValidation, format, args...)
	}
}

// only refuses parameters that are not among the allowed, and those given twice: a
// filter that is misspelt must not be one that is left out.
func (q *query) only(allowed ...string) {
	for name, values := range q.Values {
		if !slices.Contains(allowed, name) {
			q.fail("There is no parameter %.40q here; there are %s", name, strings.Join(allowed, ", "))
		}
		if len(values) > 1 && name != "types" {
			q.fail("Give %s once", name)
		}
	}
}

// one returns a parameter that may be given only once.
func (q *query) one(name string) string {
	if len(q.Values[name]) > 1 {
		q.fail("Give %s only once", name)
	}
	return q.Get(name)
}

// text returns a parameter of at most 255 characters.
func (q *query) text(name string) string {
	s := q.one(name)
	if utf8.RuneCountInString(s) > pay.MaxText || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		q.fail("%s must be UTF-8 of at most %d characters", name, pay.MaxText)
		return ""
	}
	return s
}

// number returns a whole number within bounds, or absent when it is not there.
func (q *query) number(name string, absent, least, most int) int {
	if !q.Has(name) {
		return absent
	}
	n, err := strconv.Atoi(q.one(name))
	if err != nil || n < least || n > most {
		q.fail("%s must be a whole number from %d to %d", name, least, most)
		return absent
	}
	return n
}

// list returns the parts of a comma list, each one of the allowed. Each is there once,
// however often it was given: a database compares every row with all of them.
func (q *query) list(name string, allowed ...string) []string {
	var parts []string
	for _, s := range strings.Split(strings.Join(q.Values[name], ","), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if !slices.Contains(allowed, s) {
			q.fail("%s must be a list of %s", name, strings.Join(allowed, ", "))
			return nil
		}
		if !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	return parts
}

// choice returns a parameter that must be one of the allowed, or "".
func (q *query) choice(name string, allowed ...string) string {
	s := q.one(name)
	if s != "" && !slices.Contains(allowed, s) {
		q.fail("%s must be %s", name, strings.Join(allowed, " or "))
		return ""
	}
	return s
}

// yesNo returns true or false, or nil when the parameter is not there.
func (q *query) yesNo(name string) *bool {
	s := q.choice(name, "true", "false")
	if s == "" {
		return nil
	}
	yes := s == "true"
	return &yes
}

// network returns the name of a network, or "".
func (q *query) network(name string, known *pay.Registry) pay.NetworkName {
	n := pay.NetworkName(q.text(name))
	if n != "" && !known.Known(n) {
		q.fail("%s must be one of %v", name, known.Names())
	}
	return n
}

// moment returns a time given as epoch seconds or ISO 8601.
func (q *query) moment(name string) time.Time {
	s := q.one(name)
	if s == "" {
		return time.Time{}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 && n < 1<<40 {
		return time.Unix(n, 0).UTC()
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		q.fail("%s must be epoch seconds or a time such as 2026-01-02T15:04:05Z", name)
	}
	return t.UTC()
}

// wholeSecond is moment for the end of a range: all of that second is in it.
func (q *query) wholeSecond(name string) time.Time {
	t := q.moment(name)
	if !t.IsZero() {
		t = t.Truncate(time.Second).Add(time.Second - time.Millisecond)
	}
	return t
}

// types returns a comma list of event types and wildcards.
func (q *query) types(name string) []string { return q.list(name, pay.Filterable...) }

// page returns the cursors and the size of a page (contract 1.7).
func (q *query) page(valid func(id string) bool) billing.Page {
	p := billing.Page{After: q.text("starting_after"), Before: q.text("ending_before"), Limit: q.number("limit", 10, 1, 100)}
	if p.After != "" && p.Before != "" {
		q.fail("Give either starting_after or ending_before")
	}
	if cursor := p.After + p.Before; cursor != "" && !valid(cursor) {
		q.fail("The cursor is not the id of an object in this list")
	}
	return p
}

func (q *query) environment() pay.Environment {
	return pay.Environment(q.choice("environment", string(pay.Devnet), string(pay.Mainnet)))
}

// invoiceFilter returns the filters that lists and totals of invoices share.
func (q *query) invoiceFilter(known *pay.Registry) store.InvoiceFilter {
	statuses := make([]string, len(pay.InvoiceStatuses))
	for i, s := range pay.InvoiceStatuses {
		statuses[i] = string(s)
	}
	f := store.InvoiceFilter{
		Statuses: q.list("status", statuses...), Types: q.list("invoice_type", string(pay.Standard), string(pay.Commerce)),
		CustomerID: q.text("customer_id"), Environment: q.environment(), From: q.moment("created_gte"), To: q.wholeSecond("created_lte"),
		PayerAddr: q.text("payer_wallet_address"), PayerNet: q.network("payer_wallet_network", known),
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.From.After(f.To) {
		q.fail("created_gte must not be later than created_lte")
	}
	return f
}

// expand returns which related objects are asked for.
func (q *query) expand() view.Expand {
	parts, e := q.list("expand", "latest_payment", "payments"), view.Expand{}
	most := q.number("payments_limit", 10, 1, 100)
	if e.Latest = slices.Contains(parts, "latest_payment"); slices.Contains(parts, "payments") {
		e.Payments = most
	}
	return e
}
