package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// maxGroup bounds how many units share one commit, and so how long the first of
// them waits for the last.
const maxGroup = 64

// How long a group may take, from its beginning to its commit. It is long for what
// waits for a lock, and short for people who wait for a connection that is dead.
const (
	writeTime   = time.Minute
	migrateTime = 24 * time.Hour
)

// errStuck is what Ping tells of a group that has taken long.
var errStuck = errors.New("store: writes are stuck")

// errClosed is what a unit gets that comes after Close.
var errClosed = errors.New("store: closed")

// A unit is a function that waits to be committed.
type unit struct {
	ctx   context.Context
	f     func(*Tx) error
	alone bool
	err   error
	promised
	done chan struct{}
}

// Write runs f in a transaction and makes it durable before it returns. Units
// that wait at the same time share one commit; each stands or falls by itself.
// Write runs f again when the engine asks for it, so f must not touch the network
// and must assign, not accumulate, what it hands to its caller. Once begun, a unit
// is carried through even if ctx ends. An error means that it left nothing behind,
// unless the database did not answer to its commit: then nobody knows.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error { return s.submit(ctx, f, false) }

// WriteAlone is Write for units that take rows which other units want last, such as
// the lease of a job: where several connections write, it shares its commit with
// nobody, or two groups could each hold what the other waits for.
func (s *Store) WriteAlone(ctx context.Context, f func(*Tx) error) error {
	return s.submit(ctx, f, true)
}

func (s *Store) submit(ctx context.Context, f func(*Tx) error, alone bool) error {
	for try := 0; ; try++ {
		u := &unit{ctx: ctx, f: f, alone: alone && s.dialect.writers > 1, done: make(chan struct{})}
		select {
		case s.queue <- u:
			<-u.done
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return errClosed
		}
		if u.err == nil || try == 8 || !retryable(u.err) {
			return u.err
		}
		select {
		case <-time.After(time.Millisecond << try):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// write carries out units, all that wait at a time in one transaction, until the
// store closes.
func (s *Store) write() {
	var c *prepared
	var next *unit
	for {
		if next == nil {
			select {
			case next = <-s.queue:
			case <-s.closing:
				if c != nil {
					c.close()
				}
				return
			}
		}
		group := []*unit{next}
		group, next = s.gather(group)
		c = s.commit(c, group)
		for _, u := range group {
			close(u.done)
		}
	}
}

// gather adds to a group the units that wait now. One that must be alone ends the
// group and is the next.
func (s *Store) gather(group []*unit) (whole []*unit, next *unit) {
	for !group[0].alone && len(group) < maxGroup {
		select {
		case u := <-s.queue:
			if u.alone {
				return group, u
			}
			group = append(group, u)
		default:
			return group, nil
		}
	}
	return group, nil
}

// commit runs a group in one transaction and sets each unit's error. When the engine
// refuses what the group wrote together, each unit is tried by itself: one that cannot
// be written must not spoil the others. It returns the connection to use next, nil
// when this one is beyond use. All this has one limit where the engine is elsewhere: a
// connection may be dead without a word, and a row held by somebody who never lets go.
func (s *Store) commit(c *prepared, group []*unit) *prepared {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(group[0].ctx), s.limit)
	defer cancel()
	var on atomic.Pointer[prepared]
	stop := context.AfterFunc(ctx, func() { // statements that look at ctx themselves would cost a goroutine each
		if c := on.Load(); c != nil && c.cut != nil {
			_ = c.cut()
		}
	})
	late := time.AfterFunc(s.limit/4, func() { s.late.Add(1) })
	defer func() {
		if !late.Stop() {
			s.late.Add(-1)
		}
	}()
	c, err := s.try(ctx, &on, c, group)
	if err != nil && len(group) > 1 && refused(err) {
		for i := range group {
			c, _ = s.try(ctx, &on, c, group[i:i+1])
		}
	}
	if !stop() && c != nil && c.cut != nil { // or it could be cut under the next group
		return c.discard()
	}
	return c
}

// try runs a group in one transaction, on what it tells on. An error is why it was rolled
// back, and the error of each of its units.
func (s *Store) try(limit context.Context, on *atomic.Pointer[prepared], c *prepared, group []*unit) (*prepared, error) {
	took := meter.Watch()
	fail := func(err error) { // what a unit saw of the others never happened, so even its own error does not stand
		for _, u := range group {
			u.err = err
		}
	}
	c, err := s.begin(limit, c)
	if on.Store(c); err == nil && limit.Err() != nil { // which may have come before there was something to cut
		c, err = c.discard(), limit.Err()
	}
	if err != nil {
		fail(err)
		return nil, err
	}
	ctx := context.WithoutCancel(limit)
	err = s.units(ctx, c, group)
	if err == nil && len(group) == 1 && group[0].err != nil {
		err = group[0].err
	}
	var events []pay.Event
	var last []statement
	if err == nil {
		events, last, err = s.finish(ctx, c, group)
	}
	if err == nil {
		err = c.run(ctx, append(last, statement{query: "COMMIT"}))
	}
	if err != nil {
		if e := limit.Err(); e != nil {
			err = fmt.Errorf("%w: %w", e, err)
		}
		fail(err)
		if _, e := c.ExecContext(ctx, "ROLLBACK"); e != nil {
			return c.discard(), err
		}
		return c, err
	}
	for _, u := range group {
		if u.err == nil {
			events = append(events, u.flushed...)
		}
	}
	s.Meter.Commit(len(group), took())
	if len(events) > 0 && s.Committed != nil {
		s.Committed(events)
	}
	return c, nil
}

// begin begins a transaction on the connection, or on a new one when there is none
// or the old one has died meanwhile: nothing was done yet, so nothing is in doubt. To
// begin takes no time, so one that does not answer soon is dead.
func (s *Store) begin(ctx context.Context, c *prepared) (*prepared, error) {
	if c != nil {
		soon, cancel := context.WithTimeout(ctx, s.limit/12)
		_, err := c.ExecContext(soon, s.dialect.begin)
		cancel()
		if err == nil {
			return c, nil
		}
		c.discard()
	}
	conn, err := s.writes.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c = &prepared{Conn: conn, pipeline: s.dialect.pipeline, stmts: map[string]*sql.Stmt{}}
	if err := conn.Raw(func(conn any) error {
		if p, ok := conn.(*stdlib.Conn); ok {
			c.cut = p.Conn().PgConn().Conn().Close // whose driver then tells the server to stop, too
		}
		return nil
	}); err != nil {
		return c.discard(), err
	}
	if s.dialect.session != "" {
		if _, err := c.ExecContext(ctx, s.dialect.session); err != nil {
			return c.discard(), err
		}
	}
	if _, err := c.ExecContext(ctx, s.dialect.begin); err != nil {
		return c.discard(), err
	}
	return c, nil
}

// units runs the functions of a group, each behind a savepoint of its own when
// there are several. An error means that the transaction as a whole is lost.
func (s *Store) units(ctx context.Context, c *prepared, group []*unit) error {
	savepoint := ""
	if len(group) > 1 {
		savepoint = "SAVEPOINT u"
	}
	for i, u := range group {
		if u.err = u.ctx.Err(); u.err != nil {
			continue
		}
		tx := &Tx{ctx: context.WithoutCancel(u.ctx), s: s, now: s.moment()}
		f := &fence{prepared: c, tx: tx, savepoint: savepoint}
		tx.conn = f
		if u.err = attempt(tx, u.f); f.err != nil {
			u.err = f.err // the first cause
		}
		if f.lost {
			return fmt.Errorf("unit %d of %d: %w", i+1, len(group), f.err)
		}
		if f.entered && savepoint != "" {
			savepoint = "RELEASE SAVEPOINT u; SAVEPOINT u"
		}
		if u.err == nil {
			u.promised = tx.promised
		} else if f.savepoint != "" && f.entered {
			if _, err := c.ExecContext(ctx, "ROLLBACK TO SAVEPOINT u"); err != nil {
				return fmt.Errorf("unit %d of %d: %w", i+1, len(group), err)
			}
		}
	}
	return nil
}

// attempt runs f and turns a panic into an error, so that one mistake costs one
// unit and not the writer of them all.
func attempt(tx *Tx, f func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: unit panicked: %v", p)
		}
	}()
	return f(tx)
}
