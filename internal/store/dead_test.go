package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// wire is a network between a store and PostgreSQL.
type wire struct {
	url string // of the database, through it
	cut atomic.Int64
	mu  sync.Mutex
	all []net.Conn
}

// silence makes it forget the connections that there are, without a word to either end.
func (w *wire) silence() { w.cut.Add(1) }

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	server := must(pgx.ParseConfig(to))
	l := must(new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"))
	through := must(url.Parse(to))
	q := through.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	through.Host, through.RawQuery = l.Addr().String(), q.Encode()
	w := &wire{url: through.String()}
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range w.all {
			_ = c.Close()
		}
	})
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			network, at := pgconnAddress(server.Host, server.Port)
			b := must(new(net.Dialer).DialContext(ctx, network, at))
			w.mu.Lock()
			w.all = append(w.all, a, b)
			w.mu.Unlock()
			since := w.cut.Load()
			go w.carry(since, a, b)
			go w.carry(since, b, a)
		}
	}()
	return w
}

// carry hands on what one end says, its end too, until the wire falls silent.
func (w *wire) carry(since int64, from, to net.Conn) {
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if w.cut.Load() > since {
			return
		}
		if _, e := to.Write(b[:n]); err != nil || e != nil {
			_ = to.Close()
			return
		}
	}
}

func pgconnAddress(host string, port uint16) (network, address string) {
	if filepath.IsAbs(host) {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", host, port)
	}
	return "tcp", net.JoinHostPort(host, fmt.Sprint(port))
}

// count writes, and returns what a counter shows then.
func count(s *store.Store, then func(tx *store.Tx)) (n int64, err error) {
	err = s.Write(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Next("x")
		then(tx)
		return err
	})
	return n, err
}

// soon is count that must come to its end, whatever it is.
func soon(t *testing.T, what string, s *store.Store, then func(tx *store.Tx)) (n int64, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() { n, err = count(s, then); close(done) }()
	testkit.Eventually(t, what+" ends", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	return n, err
}

func noMore(*store.Tx) {}

// A network that forgets connections costs nobody a unit that had not begun, and one that
// had an error. Whoever else wants its rows gets them, and a node that waits says so.
func TestSilence(t *testing.T) {
	t.Parallel()
	address := testkit.Postgres(t)
	w := newWire(t, address)
	other := testkit.OpenStore(t, store.Options{URL: address, Now: time.Now})
	s := testkit.OpenStore(t, store.Options{URL: w.url, Now: time.Now})
	s.Limit(2 * time.Second)
	var both, done sync.WaitGroup // writers have a connection
	both.Add(2)
	for n := range 2 {
		done.Go(func() {
			if err := s.WriteAlone(ctx, func(tx *store.Tx) error {
				_, err := tx.Next(fmt.Sprint(n))
				both.Done()
				both.Wait()
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	read(t, s, func(*store.Tx) error { return nil }) // and so do readers

	w.silence()
	for n := range 2 {
		got, err := soon(t, "a unit that finds its connection dead", s, noMore)
		same(t, "written on another", []any{got, err}, []any{n + 1, nil})
	}
	held := make(chan struct{})
	stuck := make(chan struct{})
	go func() {
		<-held
		ended, end := context.WithCancel(ctx) // who asks takes no connection
		end()
		for !errors.Is(s.Ping(ended), store.ErrStuck) {
			<-time.After(10 * time.Millisecond)
		}
		close(stuck)
	}()
	_, err := soon(t, "a unit whose connection dies meanwhile", s, func(tx *store.Tx) {
		check(tx.Exec("SET LOCAL idle_in_transaction_session_timeout = 500")) // as TestSession holds, it is longer
		w.silence()
		close(held)
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody knows whether it was written, and it is told %v", err)
	}
	<-stuck // a node that waits is not ready
	got, err := soon(t, "another node", other, noMore)
	same(t, "another node goes on", []any{got, err}, []any{3, nil})
	got, err = soon(t, "the next unit", s, noMore)
	same(t, "and so does this one", []any{got, err}, []any{4, nil})
	testkit.Eventually(t, "it reads", func() bool { return s.Look(ctx, func(*store.Tx) error { return nil }) == nil })
	same(t, "ready", s.Ping(ctx), nil)
}

// What writes lets go of its rows by itself when nobody is there any more, and waits for
// nobody for ever.
func TestSession(t *testing.T) {
	t.Parallel()
	s := testkit.OpenStore(t, store.Options{URL: testkit.Postgres(t), Now: time.Now})
	write(t, s, func(tx *store.Tx) error {
		for name, want := range map[string]string{"idle_in_transaction_session_timeout": "10s", "lock_timeout": "30s"} {
			var got string
			check(store.Row(tx, &got, "SHOW "+name))
			same(t, name, got, want)
		}
		return nil
	})
}

// A unit that never ends does, and nothing of it is left; the next is written.
func TestEndlessUnit(t *testing.T) {
	t.Parallel()
	s := testkit.OpenStore(t, store.Options{URL: testkit.Postgres(t), Now: time.Now})
	s.Limit(time.Second)
	_, err := soon(t, "an endless unit", s, func(tx *store.Tx) {
		var n int64
		if err := store.Row(tx, &n, `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 0 FROM c) SELECT count(*) FROM c`); err == nil {
			t.Error("it has an end")
		}
	})
	same(t, "it failed", errors.Is(err, context.DeadlineExceeded), true)
	s.Limit(time.Minute)
	n, err := soon(t, "the next", s, noMore)
	same(t, "the next", []any{n, err}, []any{1, nil})
	testkit.Eventually(t, "the server has given it up too", func() bool {
		var running int
		read(t, s, func(tx *store.Tx) error {
			return store.Row(tx, &running, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%RECURSIVE c(x)%' AND state = 'active' AND pid <> pg_backend_pid()`)
		})
		return running == 0
	})
	same(t, "ready", s.Ping(ctx), nil)
}
