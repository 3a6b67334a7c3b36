package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Tx is a unit of work. Its methods are the queries of this package, one file per
// table. It is used by one goroutine and only until its function returns.
type Tx struct {
	ctx  context.Context
	s    *Store
	conn conn
	now  time.Time
	promised
}

// conn runs statements inside one transaction.
type conn interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// Now is the moment the unit began, in UTC to the millisecond; every row it
// writes carries it.
func (tx *Tx) Now() time.Time { return tx.now }

// NewID returns a fresh random identifier (UUID version 4).
func (tx *Tx) NewID() string {
	var b [16]byte
	if _, err := io.ReadFull(tx.s.Rand, b[:]); err != nil {
		panic(fmt.Errorf("store: no randomness: %w", err)) // crypto/rand never fails on the platforms Go supports
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Skip raises a counter that Next counts up, and returns its value.
func (tx *Tx) Skip(counter string, by int64) (n int64, err error) {
	return n, tx.conn.QueryRowContext(tx.ctx, `INSERT INTO counters (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value`, counter, by).Scan(&n)
}

// Next returns the next value of a named counter, from 1.
func (tx *Tx) Next(counter string) (n int64, err error) {
	return n, tx.conn.QueryRowContext(tx.ctx, `INSERT INTO counters (name, value) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`, counter).Scan(&n)
}

func (tx *Tx) exec(q string, args ...any) (int64, error) {
	r, err := tx.conn.ExecContext(tx.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// forget drops at most n of a table's rows from before a time, by its primary key, and
// returns how many: a unit that drops all there are may hold up everybody for long. A row
// that is changed meanwhile is looked at again, and stays if it is no longer old.
func (tx *Tx) forget(table, key, at string, before time.Time, n int) (int64, error) {
	return tx.exec(`DELETE FROM `+table+` WHERE `+at+` < $1 AND (`+key+`) IN (SELECT `+key+` FROM `+table+` WHERE `+at+` < $1 ORDER BY `+at+` LIMIT $2)`, millis(before), n)
}

// scanner is a row or a set of rows.
type scanner interface{ Scan(dest ...any) error }

// and is a row whose last columns go elsewhere.
type and struct {
	scanner
	rest []any
}

func (a and) Scan(dest ...any) error { return a.scanner.Scan(append(dest, a.rest...)...) }

// of names columns of one of several tables.
func of(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

// one returns the single row of a query, or sql.ErrNoRows.
func one[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) (T, error) {
	return scan(tx.conn.QueryRowContext(tx.ctx, q, args...))
}

// maybe returns the single row of a query, or the zero T and false.
func maybe[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) (T, bool, error) {
	v, err := one(tx, scan, q, args...)
	if errors.Is(err, sql.ErrNoRows) {
		var zero T
		return zero, false, nil
	}
	return v, err == nil, err
}

// many returns every row of a query.
func many[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) ([]T, error) {
	rows, err := tx.conn.QueryContext(tx.ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // a failed close shows in rows.Err
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// text scans a single text column.
func text(r scanner) (s string, err error) { return s, r.Scan(&s) }

// number scans a single bigint column.
func number(r scanner) (n int64, err error) { return n, r.Scan(&n) }

// instant maps a time to and from a bigint of epoch milliseconds; 0 is no time.
type instant struct{ *time.Time }

func (i instant) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("instant from %T", v)
	}
	if *i.Time = (time.Time{}); n != 0 {
		*i.Time = time.UnixMilli(n).UTC()
	}
	return nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// units maps a token amount from its decimal text.
type units struct{ *money.Units }

func (u units) Scan(v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("units from %T", v)
	}
	*u.Units, err = money.ParseUnits(s)
	return err
}

// placeholders returns "($n,$n+1,…),(…)" for rows of width columns, counting from 1.
func placeholders(rows, width int) string {
	var b []byte
	n := 1
	for r := range rows {
		if r > 0 {
			b = append(b, ',')
		}
		for c := range width {
			b = append(b, "(,"[min(c, 1)], '$')
			b = fmt.Append(b, n)
			n++
		}
		b = append(b, ')')
	}
	return string(b)
}
