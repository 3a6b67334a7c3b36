package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// prepared is a connection that prepares each statement once.
type prepared struct {
	*sql.Conn
	pipeline bool // the engine takes several statements before it answers the first
	stmts    map[string]*sql.Stmt
	cut      func() error // ends it under whatever it is doing; nil where the engine is in this process
}

// statement is one whose rows nobody reads.
type statement struct {
	query string
	args  []any
	rows  int64 // how many it must affect; fewer are the error less
	less  error // known only when those after it were sent: none of them may be a COMMIT
}

// run carries out statements, up to the first that fails.
func (c *prepared) run(ctx context.Context, all []statement) error {
	if c.pipeline && len(all) > 0 {
		return c.Raw(func(conn any) error { return pipe(ctx, conn.(*stdlib.Conn).Conn(), all) })
	}
	for _, s := range all {
		r, err := c.ExecContext(ctx, s.query, s.args...)
		if err != nil {
			return err
		}
		if s.less != nil {
			if n, err := r.RowsAffected(); err != nil || n < s.rows {
				return cmp.Or(err, s.less)
			}
		}
	}
	return nil
}

// errRolledBack is a COMMIT that PostgreSQL answered with a ROLLBACK, as it does when a
// statement before it failed and the unit forgave that.
var errRolledBack = errors.New("store: the transaction had failed and was rolled back")

// pipe sends statements to PostgreSQL without waiting for one before the next. After
// one that fails it carries out none.
func pipe(ctx context.Context, c *pgx.Conn, all []statement) (err error) {
	b := &pgx.Batch{}
	for _, s := range all {
		b.Queue(s.query, s.args...)
	}
	r := c.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, r.Close()) }()
	for _, s := range all {
		tag, err := r.Exec()
		switch {
		case err != nil:
			return err
		case s.query == "COMMIT" && tag.String() != "COMMIT":
			return errRolledBack
		case s.less != nil && tag.RowsAffected() < s.rows:
			return s.less
		}
	}
	return nil
}

func (c *prepared) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if st, ok := c.stmts[q]; ok {
		return st, nil
	}
	st, err := c.PrepareContext(ctx, q)
	if err == nil {
		c.stmts[q] = st
	}
	return st, err
}

func (c *prepared) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	if len(args) == 0 { // may hold several statements
		return c.Conn.ExecContext(ctx, q)
	}
	st, err := c.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

func (c *prepared) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	st, err := c.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

func (c *prepared) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	st, err := c.stmt(ctx, q)
	if err != nil {
		return c.Conn.QueryRowContext(ctx, q, args...) // the same error, in a Row
	}
	return st.QueryRowContext(ctx, args...)
}

// close ends the connection's statements, while it lives, and gives it back.
func (c *prepared) close() {
	for _, st := range c.stmts {
		_ = st.Close()
	}
	_ = c.Conn.Close()
}

// discard closes the connection for good, and with it its transaction.
func (c *prepared) discard() *prepared {
	for _, st := range c.stmts { // SQLite's are lost with the connection
		_ = st.Close()
	}
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.Conn.Close()
	return nil
}
