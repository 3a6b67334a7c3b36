package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

var errMine = errors.New("mine")

func event(merchant int64, object string) pay.Event {
	return pay.Event{MerchantID: merchant, Type: pay.InvoiceUpdated, Environment: pay.Devnet, Object: []byte(object), Previous: []byte("{}")}
}

// Of many units that share commits each stands or falls alone: those that fail or
// panic leave nothing behind, and the hook hears of exactly what was committed.
func TestUnitsStandAlone(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c, heard, mu := new(testkit.Clock), map[string]int{}, sync.Mutex{}
		s := testkit.OpenStore(t, store.Options{URL: url, Now: c.Now, Committed: func(es []pay.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range es {
				heard[string(e.Object)]++
				if e.Seq == 0 || e.ID != store.EventID(e.Seq, e.CreatedAt) {
					t.Errorf("%+v has no name", e)
				}
			}
		}})
		const units = 64
		ended, end := context.WithCancel(ctx)
		end()
		errs := make([]error, units)
		gate := make(chan struct{})
		var g sync.WaitGroup
		for n := range units {
			g.Go(func() {
				<-gate
				with := ctx
				if n%8 == 5 {
					with = ended
				}
				errs[n] = s.Write(with, func(tx *store.Tx) error {
					tx.AppendEvent(event(1, fmt.Sprint(n)))
					check(tx.SaveMerchant(pay.Merchant{ID: int64(n), Name: "m"}))
					switch n % 8 {
					case 1:
						return errMine
					case 2:
						panic("oops")
					case 3: // on PostgreSQL a failed statement spoils the transaction
						return tx.AddKey(pay.Key{ID: "k", MerchantID: -1})
					case 4: // as does one that the unit forgives itself
						_ = tx.AddKey(pay.Key{ID: "k", MerchantID: -1})
						return errMine
					}
					return nil
				})
			})
		}
		close(gate)
		g.Wait()
		want := map[string]int{}
		for n := range units {
			switch err := errs[n]; n % 8 {
			case 1, 4:
				same(t, fmt.Sprint("error of unit ", n), errors.Is(err, errMine), true)
			case 2:
				same(t, fmt.Sprint("error of unit ", n), err != nil && strings.Contains(err.Error(), "oops"), true)
			case 3:
				same(t, fmt.Sprint("error of unit ", n), err != nil, true)
			case 5:
				same(t, fmt.Sprint("error of unit ", n), errors.Is(err, context.Canceled), true)
			default:
				same(t, fmt.Sprint("error of unit ", n), err, nil)
				want[fmt.Sprint(n)] = 1
			}
			read(t, s, func(tx *store.Tx) error {
				_, ok, err := tx.Merchant(int64(n))
				same(t, fmt.Sprint("unit ", n, " left something"), ok, errs[n] == nil)
				return err
			})
		}
		mu.Lock()
		defer mu.Unlock()
		same(t, "the hook heard", heard, want)
		var stored []string
		for n, e := range testkit.Events(t, s, 1) {
			stored = append(stored, string(e.Object))
			same(t, "sequence", e.Seq, int64(n+1))
		}
		slices.Sort(stored)
		same(t, "stored", len(slices.Compact(stored)), len(want))
	})
}

// A unit that forgives a statement that failed either stands whole or fails: on
// PostgreSQL, whose transaction such a statement spoils, it must not seem to stand.
func TestForgiven(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		errs := make([]error, 40)
		var g sync.WaitGroup
		for n := range errs {
			g.Go(func() {
				errs[n] = s.Write(ctx, func(tx *store.Tx) error {
					check(tx.SaveMerchant(pay.Merchant{ID: int64(n), Name: "m"}))
					if n%4 == 0 {
						_ = tx.AddKey(pay.Key{ID: "k", MerchantID: -1})
					}
					return nil
				})
			})
		}
		g.Wait()
		for n, err := range errs {
			read(t, s, func(tx *store.Tx) error {
				_, ok, e := tx.Merchant(int64(n))
				same(t, fmt.Sprint("unit ", n, " left something"), ok, err == nil)
				return e
			})
			if err != nil && (n%4 != 0 || s.Engine() == "sqlite") {
				t.Errorf("unit %d: %v", n, err)
			}
		}
	})
}

// A unit that has begun is carried through, whatever becomes of its context.
func TestContextEndsInside(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		ctx, end := context.WithCancel(pay.WithCause(ctx, pay.Cause{RequestID: "r", IdempotencyKey: "k"}))
		if err := s.Write(ctx, func(tx *store.Tx) error {
			end()
			tx.AppendEvent(event(1, "{}"))
			return tx.SaveMerchant(pay.Merchant{ID: 1})
		}); err != nil {
			t.Fatal(err)
		}
		es := testkit.Events(t, s, 1)
		if len(es) != 1 || es[0].RequestID != "r" || es[0].RequestKey != "k" {
			t.Errorf("%+v", es)
		}
		called := false
		if err := s.Write(ctx, func(*store.Tx) error { called = true; return nil }); !errors.Is(err, context.Canceled) || called {
			t.Errorf("after its end: %v, called: %v", err, called)
		}
		if err := s.Read(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("a read after its end: %v", err)
		}
	})
}

// Close lets what is under way end, and refuses what comes later; nobody hangs.
func TestClose(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		o := store.Options{URL: url, Now: new(testkit.Clock).Now, Rand: testkit.Locked(strings.NewReader(""))}
		s, err := store.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		var g sync.WaitGroup
		began, errs := make(chan struct{}, 1), make([]error, 32)
		for n := range errs {
			g.Go(func() {
				errs[n] = s.Write(ctx, func(tx *store.Tx) error {
					select {
					case began <- struct{}{}:
					default:
					}
					return tx.SaveMerchant(pay.Merchant{ID: int64(n + 1)})
				})
			})
		}
		<-began
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		g.Wait()
		if err := s.Write(ctx, func(*store.Tx) error { return nil }); err == nil {
			t.Error("a closed store writes")
		}
		again := testkit.OpenStore(t, store.Options{URL: url, Now: o.Now})
		for n, err := range errs {
			read(t, again, func(tx *store.Tx) error {
				_, ok, readErr := tx.Merchant(int64(n + 1))
				same(t, fmt.Sprintf("unit %d ended with %v, and is there", n, err), ok, err == nil)
				return readErr
			})
		}
	})
}

// Two processes on one database: each waits for the other's commit, deadlocks are
// tried again, and no increment is lost.
func TestTwoNodesContend(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		o := store.Options{URL: url, Now: new(testkit.Clock).Now}
		nodes := []*store.Store{testkit.OpenStore(t, o), testkit.OpenStore(t, o)}
		const each, rounds = 2, 2 // PostgreSQL takes a second to see a deadlock
		var g sync.WaitGroup
		for n, s := range nodes {
			for k := range each {
				g.Go(func() {
					for range rounds {
						names := []string{"a", "b"}
						if (n+k)%2 == 1 {
							slices.Reverse(names) // in the other order: a deadlock, sooner or later
						}
						if err := s.Write(ctx, func(tx *store.Tx) error {
							for _, name := range names {
								if _, err := tx.Next(name); err != nil {
									return err
								}
							}
							return nil
						}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		g.Wait()
		write(t, nodes[0], func(tx *store.Tx) error {
			same(t, "counted", must(tx.Next("a")), int64(len(nodes)*each*rounds+1))
			return nil
		})
	})
}

// Money is on disk when a commit returns: the settings are read back through the
// connection that writes.
func TestDurability(t *testing.T) {
	t.Parallel()
	s := testkit.OpenStore(t, store.Options{URL: filepath.Join(t.TempDir(), "test.db"), Now: new(testkit.Clock).Now})
	write(t, s, func(tx *store.Tx) error {
		for name, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "10000"} {
			var got string
			check(store.Row(tx, &got, "PRAGMA "+name))
			same(t, name, got, want)
		}
		return nil
	})
	if err := s.Read(ctx, func(tx *store.Tx) error { return tx.SaveMerchant(pay.Merchant{ID: 1}) }); err == nil {
		t.Error("a read may write")
	}
}

// A database lives in the file it was given, whatever is special in its name.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "a?b.db", "a#b.db", "a%41.db", "a&mode=memory.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := testkit.OpenStore(t, store.Options{URL: path, Now: new(testkit.Clock).Now})
		write(t, s, func(tx *store.Tx) error { return tx.SaveMerchant(pay.Merchant{ID: 1, CreatedAt: time.Now()}) })
		read(t, s, func(tx *store.Tx) error {
			_, ok, err := tx.Merchant(1)
			same(t, name, ok, true)
			return err
		})
		if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.db")); !slices.Equal(found, []string{path}) {
			t.Errorf("%s became %v", name, found)
		}
	}
}

// Statements bind $n by number, not by the order in which they appear.
func TestParametersBindByNumber(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		for range 2 { // the second time it is prepared
			write(t, s, func(tx *store.Tx) error {
				var got string
				check(store.Row(tx, &got, `SELECT $2 || $1 || $2 || $3`, "a", "b", "c"))
				same(t, "bound", got, "babc")
				return nil
			})
		}
		if e := s.Engine(); (e == "postgres") != strings.HasPrefix(s.URL, "postgres") || s.Ping(ctx) != nil {
			t.Errorf("engine %q", e)
		}
	})
}

// Opening is idempotent, also by several processes at once.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		var g sync.WaitGroup
		for range 4 {
			g.Go(func() {
				s, err := store.Open(ctx, store.Options{URL: url, Now: new(testkit.Clock).Now})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
	})
}
