package store

import "strings"

// Row runs a statement on a unit's own connection, for tests of the engine.
func Row(tx *Tx, dest any, q string, args ...any) error {
	return tx.conn.QueryRowContext(tx.ctx, q, args...).Scan(dest)
}

// EventsPlan is how the engine would answer Events.
func (tx *Tx) EventsPlan(f EventFilter) (string, error) {
	q, args := f.query()
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
