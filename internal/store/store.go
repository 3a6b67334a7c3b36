// Package store is the only place that speaks SQL. It keeps the domain in SQLite
// or PostgreSQL behind one set of statements.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are the store's connections to the outside world. Its transactions are
// the only source of the current time and of new identifiers.
type Options struct {
	URL       string            // postgres://… or the path of an SQLite file
	Now       func() time.Time  // must not be nil
	Rand      io.Reader         // must be safe for concurrent use
	Committed func([]pay.Event) // called after each commit that appended events; must not block; may be nil
	Meter     *meter.Meter      // may be nil
}

// Store is a database.
type Store struct {
	Options
	dialect dialect
	reads   *sql.DB
	writes  *sql.DB
	queue   chan *unit
	closing chan struct{}
	closed  sync.Once
	workers sync.WaitGroup
	limit   time.Duration // of what it takes to commit a group
	late    atomic.Int32  // groups under way for more than a quarter of it
}

// Open connects to the database at o.URL and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{Options: o, dialect: dialectOf(o.URL), limit: migrateTime, queue: make(chan *unit), closing: make(chan struct{})}
	var err error
	if s.dialect.name == "sqlite" {
		if err := private(o.URL); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	if s.writes, err = sql.Open(s.dialect.driver, s.dialect.dsn(o.URL)); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s.writes.SetMaxOpenConns(s.dialect.writers)
	s.writes.SetMaxIdleConns(s.dialect.writers)
	if s.reads, err = sql.Open(s.dialect.driver, s.dialect.readDSN(o.URL)); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), s.writes.Close())
	}
	s.reads.SetMaxOpenConns(s.dialect.readers)
	s.reads.SetMaxIdleConns(s.dialect.readers)
	for range s.dialect.writers {
		s.workers.Go(s.write)
	}
	if err = s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate database: %w", err), s.Close())
	}
	s.limit = writeTime
	return s, nil
}

// Close waits for the units under way and releases the connections. Units that
// come later fail. Closing again changes nothing.
func (s *Store) Close() error {
	s.closed.Do(func() { close(s.closing) })
	s.workers.Wait()
	return errors.Join(s.writes.Close(), s.reads.Close())
}

// Engine is the name of the engine: "sqlite" or "postgres".
func (s *Store) Engine() string { return s.dialect.name }

// Ping reports whether the database answers, and takes what is written.
func (s *Store) Ping(ctx context.Context) error {
	if s.late.Load() > 0 {
		return errStuck
	}
	return s.reads.PingContext(ctx)
}

// Read runs f on a consistent view of the database. f must only read.
func (s *Store) Read(ctx context.Context, f func(*Tx) error) error {
	return s.reading(ctx, func(ctx context.Context, c *sql.Conn) error {
		t, err := c.BeginTx(ctx, &sql.TxOptions{ReadOnly: s.dialect.name == "postgres", Isolation: readIsolation[s.dialect.name]})
		if err != nil {
			return err
		}
		defer t.Rollback() //nolint:errcheck // nothing was written
		return f(&Tx{ctx: ctx, s: s, conn: t, now: s.moment()})
	})
}

// Look is Read for questions that need no common view: each statement sees what is
// committed when it runs. It spares the engine a transaction.
func (s *Store) Look(ctx context.Context, f func(*Tx) error) error {
	return s.reading(ctx, func(ctx context.Context, c *sql.Conn) error {
		return f(&Tx{ctx: ctx, s: s, conn: c, now: s.moment()})
	})
}

// reading waits for a connection as long as ctx lasts. What then begins is carried
// through: PostgreSQL's driver ends a statement by closing its connection, and people
// who hang up must not cost everybody a new one. Either takes 30 seconds at most: the
// connection may be dead without a word.
func (s *Store) reading(ctx context.Context, f func(context.Context, *sql.Conn) error) error {
	wait, cancel := context.WithTimeout(ctx, s.limit/2)
	defer cancel()
	c, err := s.reads.Conn(wait)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // back into the pool
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), s.limit/2)
	defer cancel()
	return f(ctx, c)
}

// One view for all statements of a read: SQLite's WAL gives it to every
// transaction, PostgreSQL from repeatable read on.
var readIsolation = map[string]sql.IsolationLevel{"postgres": sql.LevelRepeatableRead}

func (s *Store) moment() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// migrate runs the migrations this database has not seen, all in one unit.
func (s *Store) migrate(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		if s.dialect.lockSchema != "" {
			if _, err := tx.exec(s.dialect.lockSchema); err != nil {
				return err
			}
		}
		if _, err := tx.exec(`CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)`); err != nil {
			return err
		}
		names, err := fs.Glob(migrations, "migrations/*.sql")
		for _, name := range names {
			n, err := tx.exec(`INSERT INTO migrations (name) VALUES ($1) ON CONFLICT DO NOTHING`, name)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			b, err := fs.ReadFile(migrations, name)
			if err != nil {
				return err
			}
			if _, err := tx.conn.ExecContext(tx.ctx, string(b)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return err
	})
}
