package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/pepay/pepay/internal/pay"
)

// promised is what a unit leaves to be written with those of its group, in one
// statement for all: it costs a unit nothing that the others do not pay anyway.
type promised struct {
	rows   []row
	jobs   []promise
	events []pay.Event

	flushed []pay.Event // already written
}

// row is a new row of a table that nothing else in its group depends on.
type row struct {
	table, columns string
	key            string // orders the rows, so that two groups never wait for each other
	args           []any
	once           error // what it means that the row is there already; nil for a fault
}

// ErrAnswered is what a unit gets that would answer a request which has an answer:
// nothing of it was written.
var ErrAnswered = errors.New("store: the request was answered before")

// fence is the connection as one unit of a group sees it. The unit's savepoint is set
// at its first statement, since many make none, and what it left for the end is
// written before: it may ask for it.
type fence struct {
	*prepared
	tx        *Tx
	savepoint string // the statement; "" when the unit is alone
	entered   bool
	lost      bool // the savepoint could not be set: somebody has spoilt the transaction
	err       error
}

func (f *fence) enter(ctx context.Context) error {
	if !f.entered && f.savepoint != "" {
		_, f.err = f.prepared.ExecContext(ctx, f.savepoint)
		f.lost = f.err != nil
	}
	f.entered = true
	if rows := f.tx.rows; f.err == nil && len(rows) > 0 {
		f.tx.rows = nil
		f.err = insert(ctx, f.prepared, rows)
	}
	return f.err
}

func (f *fence) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	return f.prepared.ExecContext(ctx, q, args...)
}

func (f *fence) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	return f.prepared.QueryContext(ctx, q, args...)
}

func (f *fence) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	if f.enter(ctx) != nil {
		return f.Conn.QueryRowContext(ctx, "") // an error of its own; the unit fails with the first
	}
	return f.prepared.QueryRowContext(ctx, q, args...)
}

// insert writes rows, those of a table together.
func insert(ctx context.Context, c *prepared, rows []row) error {
	return c.run(ctx, inserts(rows))
}

func inserts(rows []row) (all []statement) {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.key, b.key)) })
	for from := 0; from < len(rows); {
		first, s, to := rows[from], statement{}, from
		for to < len(rows) && to-from < maxGroup && rows[to].table == first.table {
			s.args = append(s.args, rows[to].args...)
			to++
		}
		s.query = `INSERT INTO ` + first.table + ` (` + first.columns + `) VALUES ` + placeholders(to-from, len(first.args))
		if first.once != nil {
			s.query, s.rows, s.less = s.query+` ON CONFLICT DO NOTHING`, int64(to-from), first.once
		}
		all, from = append(all, s), to
	}
	return all
}
