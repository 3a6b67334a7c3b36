package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// EventFilter selects events of one merchant; zero fields match all.
type EventFilter struct {
	MerchantID  int64
	After       int64 // sequence number; only later events
	Before      int64 // sequence number; only earlier events
	Types       []string
	Environment pay.Environment
	InvoiceID   string
	CustomerID  string
	InvoiceType pay.InvoiceType
	OrderID     string
	Wallet      string // an address; the letters of a hexadecimal one in either case
	WalletNet   pay.NetworkName
	From, To    time.Time // inclusive
	Private     bool      // also those that merchants' lists leave out
	Oldest      bool      // oldest first instead of newest first
	Limit       int
}

// Wants reports whether an event is one of those that Events selects, its place and
// time aside. A field that an event does not have is never the one asked for.
func (f *EventFilter) Wants(e pay.Event) bool {
	return (f.Private || !e.Type.Unlisted()) && e.Type.In(f.Types) &&
		(f.Environment == "" || f.Environment == e.Environment) && (f.InvoiceID == "" || f.InvoiceID == e.InvoiceID) &&
		(f.CustomerID == "" || f.CustomerID == e.CustomerID) && (f.InvoiceType == "" || f.InvoiceType == e.InvoiceType) &&
		(f.OrderID == "" || f.OrderID == e.OrderID) && (f.WalletNet == "" || f.WalletNet == e.WalletNetwork) &&
		(f.Wallet == "" || pay.WalletKey(f.Wallet) == pay.WalletKey(e.WalletAddress))
}

// Events returns the matching events. A page of them costs a page, however much else is
// kept, if the filter has an invoice, an order, a wallet, a customer, types or commerce.
func (tx *Tx) Events(f EventFilter) ([]pay.Event, error) {
	q, args := f.query()
	return many(tx, scanEvent, q, args...)
}

// query has the first of those lead: there is an index for it. The engines are not left to
// choose among them, because they do not know how often a value occurs.
func (f EventFilter) query() (string, []any) {
	q := question{args: []any{f.MerchantID, f.After}, text: `merchant_id = $1 AND seq > $2`}
	if f.Before != 0 {
		q.and(`seq < ?`, f.Before)
	}
	if !f.From.IsZero() {
		q.and(`at >= ?`, millis(f.From))
	}
	if !f.To.IsZero() {
		q.and(`at <= ?`, millis(f.To))
	}
	led := false
	for _, by := range []struct{ column, value string }{
		{"invoice_id", f.InvoiceID}, {"order_id", f.OrderID}, {"wallet_address", pay.WalletKey(f.Wallet)}, {"customer_id", f.CustomerID},
	} {
		switch {
		case by.value != "" && !led:
			q.and(by.column+` = ? AND `+by.column+` <> ''`, by.value) // the second is what the index says
			led = true
		case by.value != "":
			q.and(by.column+` || '' = ?`, by.value) // no column, so no index
		}
	}
	if f.Environment != "" {
		q.and(`environment = ?`, string(f.Environment))
	}
	if f.WalletNet != "" {
		q.and(`wallet_network = ?`, string(f.WalletNet))
	}
	types := pay.Named(f.Types)
	byType := !led && len(types) > 0 && len(types) < maxParts
	switch {
	case f.InvoiceType == pay.Commerce && !led && !byType:
		q.text += ` AND invoice_type = '` + string(pay.Commerce) + `'`
	case f.InvoiceType != "":
		q.and(`invoice_type || '' = ?`, string(f.InvoiceType))
	}
	if !f.Private {
		q.text += ` AND type NOT IN ('` + string(pay.QuoteUpdated) + `', '` + string(pay.TestPing) + `')`
	}
	if len(f.Types) > 0 && !byType {
		q.and(typeIn("?", "type"), commas(f.Types))
	}
	q.args = append(q.args, f.Limit)
	end := fmt.Sprintf(` ORDER BY seq %s LIMIT $%d`, map[bool]string{true: "ASC", false: "DESC"}[f.Oldest], len(q.args))
	if byType {
		q.text = q.ofTypes(types, end)
	}
	return `SELECT ` + eventColumns + ` FROM events WHERE ` + q.text + end, q.args
}

// maxParts bounds how many types are asked for one by one.
const maxParts = 8

// question is a condition and its arguments.
type question struct {
	text string
	args []any
}

// and adds a condition; each ? of it is the value.
func (q *question) and(condition string, value any) {
	q.args = append(q.args, value)
	q.text += ` AND ` + strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(q.args)))
}

// of adds the condition that a column has one of the values, of which there are few, if
// any is asked for.
func (q *question) of(column string, values []string) {
	if len(values) == 0 {
		return
	}
	var list []string
	for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
		q.args = append(q.args, v)
		list = append(list, fmt.Sprintf("$%d", len(q.args)))
	}
	q.text += ` AND ` + column + ` IN (` + strings.Join(list, ", ") + `)`
}

// ofTypes is the condition that an event is among the first of those that a question
// selects of each type, up to end: every type is read by itself, in order.
func (q *question) ofTypes(types []pay.EventType, end string) string {
	var parts []string
	for n, t := range types {
		one := q.text + ` AND type = '` + string(t) + `'`
		if !t.In(frequent) {
			one += ` AND type NOT IN ('` + strings.Join(frequent, `', '`) + `')` // as the index says
		}
		parts = append(parts, fmt.Sprintf(`SELECT seq FROM (SELECT seq FROM events WHERE %s) t%d`, one+end, n))
	}
	return `merchant_id = $1 AND seq IN (` + strings.Join(parts, ` UNION ALL `) + `)`
}

// frequent are the types that no index finds: there is one of each for every invoice.
var frequent = []string{string(pay.InvoiceCreated), string(pay.InvoiceUpdated), string(pay.QuoteUpdated)}

// typeIn is the condition that a list ",a,b.*," names a type, itself or by the
// wildcard of its family. The last part of every type is created, updated, disabled or ping.
func typeIn(list, column string) string {
	family := `replace(replace(replace(replace(` + column + `, '.created', '.*'), '.updated', '.*'), '.disabled', '.*'), '.ping', '.*')`
	return `(` + list + ` LIKE '%,' || ` + column + ` || ',%' OR ` + list + ` LIKE '%,' || ` + family + ` || ',%')`
}
