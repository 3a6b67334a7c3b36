// Package testkit builds the program's parts for tests: both database engines, a
// clock that moves only when told, a development chain that mines only when told,
// and a receiver of webhooks.
package testkit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Epoch is when every test with a Clock begins.
var Epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Clock is a clock that tests move. Its zero value stands at Epoch.
type Clock struct{ ms atomic.Int64 }

// Now returns the current test time.
func (c *Clock) Now() time.Time { return Epoch.Add(time.Duration(c.ms.Load()) * time.Millisecond) }

// Add moves the clock.
func (c *Clock) Add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

var schemas atomic.Int64

// EachDatabase runs f, in parallel subtests, with the address of an empty database
// of each engine: SQLite, and PostgreSQL when TEST_POSTGRES names a server. With
// REQUIRE_POSTGRES set, doing without is a failure.
func EachDatabase(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, filepath.Join(t.TempDir(), "test.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t))
	})
}

// Postgres returns the address of an empty schema on the server that TEST_POSTGRES
// names, dropped when the test ends. Without a server the test is skipped.
func Postgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("TEST_POSTGRES")
	if base == "" {
		if os.Getenv("REQUIRE_POSTGRES") != "" {
			t.Fatal("REQUIRE_POSTGRES is set and TEST_POSTGRES is not")
		}
		t.Skip("TEST_POSTGRES names no PostgreSQL server; make test starts one")
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	db, err := sql.Open("pgx", base)
	if err == nil {
		_, err = db.ExecContext(context.Background(), "CREATE SCHEMA "+name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = db.ExecContext(context.Background(), "DROP SCHEMA "+name+" CASCADE")
		_ = db.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// EachEngine runs f, in parallel subtests, with an empty store on each engine.
func EachEngine(t *testing.T, f func(t *testing.T, s *store.Store, c *Clock)) {
	t.Helper()
	EachDatabase(t, func(t *testing.T, url string) {
		c := new(Clock)
		f(t, OpenStore(t, store.Options{URL: url, Now: c.Now}), c)
	})
}

// OpenStore opens a store and closes it when the test ends. Without o.Rand its
// identifiers are random.
func OpenStore(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	Schema(o.URL)
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// migrated is an SQLite database as migrations leave it.
var migrated = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's folder for what is left
	file := filepath.Join(dir, "test.db")
	s, err := store.Open(context.Background(), store.Options{URL: file, Now: time.Now, Rand: rand.Reader})
	if err == nil {
		err = s.Close()
	}
	b, e := os.ReadFile(file)
	if err != nil || e != nil {
		panic(fmt.Sprint(err, e))
	}
	return b
})

// Schema puts the tables into an SQLite database that is not there yet. Whoever opens it
// would do so, for half a second of work under the race detector.
func Schema(url string) {
	if strings.HasPrefix(url, "postgres") || url == "" {
		return
	}
	if _, err := os.Stat(url); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := os.WriteFile(url, migrated(), 0o600); err != nil {
		panic(err)
	}
}

// Locked makes a source of randomness safe for concurrent use.
func Locked(r io.Reader) io.Reader { return &locked{r: r} }

type locked struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *locked) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Events returns every event of a merchant, oldest first.
func Events(t testing.TB, s *store.Store, merchant int64) (es []pay.Event) {
	t.Helper()
	if err := s.Read(context.Background(), func(tx *store.Tx) (err error) {
		es, err = tx.Events(store.EventFilter{MerchantID: merchant, Private: true, Oldest: true, Limit: 10_000})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return es
}

// Eventually waits until f returns true, looking often, and fails the test with
// what f was to show when it does not within 30 seconds. Between two looks it rests for
// longer than a look takes, so that asking does not slow down what is waited for.
func Eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		asked := time.Now()
		if f() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("did not happen within 30 s: " + what)
		}
		<-time.After(min(max(5*time.Millisecond, 3*time.Since(asked)), 100*time.Millisecond))
	}
}
