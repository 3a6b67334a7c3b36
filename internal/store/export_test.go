package store

import (
	"slices"
	"strings"
	"time"
)

// Row runs a statement on a unit's own connection, for tests of the engine.
func Row(tx *Tx, dest any, q string, args ...any) error {
	return tx.conn.QueryRowContext(tx.ctx, q, args...).Scan(dest)
}

// EventsPlan is how the engine would answer Events.
func (tx *Tx) EventsPlan(f EventFilter) (string, error) {
	q, args := f.query()
	return tx.plan(q, args...)
}

// InvoicesPlan is how the engine would answer Invoices.
func (tx *Tx) InvoicesPlan(f InvoiceFilter) (string, error) {
	q, args := f.page()
	return tx.plan(q, args...)
}

// OursPlan is how the engine would answer Ours of so many addresses of a shared family.
func (tx *Tx) OursPlan(n int) (string, error) {
	return tx.plan(oursAnywhere+placeholders(1, n), slices.Repeat([]any{"none"}, n)...)
}

// FinalizePlan is how the engine would answer FinalizeSweeps.
func (tx *Tx) FinalizePlan() (string, error) { return tx.plan(finalizeSweeps, "ethereum", 1) }

func (tx *Tx) plan(q string, args ...any) (string, error) {
	explain, columns := "EXPLAIN QUERY PLAN ", 4
	if tx.s.dialect.name == "postgres" {
		explain, columns = "EXPLAIN ", 1
	}
	lines, err := many(tx, func(r scanner) (s string, err error) {
		dest := []any{new(any), new(any), new(any), &s}
		return s, r.Scan(dest[4-columns:]...)
	}, explain+q, args...)
	return strings.Join(lines, "\n"), err
}

// Exec runs a statement.
func (tx *Tx) Exec(q string, args ...any) error {
	_, err := tx.exec(q, args...)
	return err
}

// ErrStuck is what Ping tells of writes that take long.
var ErrStuck = errStuck

// Limit sets how long a group may take. No unit may be under way.
func (s *Store) Limit(d time.Duration) { s.limit = d }
