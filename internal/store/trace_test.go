package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Units that share a commit each leave their own trace with what they promise, and an
// event's with the job that delivers it; one without a trace leaves none.
func TestTraceOfPromises(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		q := queue{t, s, c}
		var g sync.WaitGroup
		for n := range 64 {
			check(s.Write(ctx, func(tx *store.Tx) error {
				check(tx.SaveMerchant(pay.Merchant{ID: int64(n), Name: "m"}))
				return tx.AddEndpoint(pay.Endpoint{ID: fmt.Sprint("we_", n), MerchantID: int64(n), Secret: []byte("s")})
			}))
		}
		trace := func(n int) string { return map[bool]string{true: fmt.Sprint("trace ", n)}[n%4 > 0] }
		for n := range 64 {
			g.Go(func() {
				check(s.Write(pay.WithTrace(ctx, trace(n)), func(tx *store.Tx) error {
					tx.AppendEvent(event(int64(n), "{}"))
					tx.AddJob("k", fmt.Sprint(n), tx.Now())
					return nil
				}))
			})
		}
		g.Wait()
		var n int
		for _, j := range q.claim(200) {
			if _, err := fmt.Sscanf(j.Arg, map[bool]string{true: "%d", false: "we_%d"}[j.Kind == "k"], &n); err != nil || j.Trace != trace(n) {
				t.Errorf("%s %s has the trace %q, want %q; %v", j.Kind, j.Arg, j.Trace, trace(n), err)
			}
		}
		for n := range 64 {
			es := testkit.Events(t, s, int64(n))
			var ds []pay.Delivery
			read(t, s, func(tx *store.Tx) (err error) { ds, err = tx.DueDeliveries(fmt.Sprint("we_", n), 9); return err })
			if len(es) != 1 || es[0].Trace != trace(n) || len(ds) != 1 || ds[0].Event.Trace != trace(n) {
				t.Errorf("event %d: %+v, delivery %+v", n, es, ds)
			}
		}
	})
}

// A job has the trace of who promised it last, also while it runs, and keeps it from
// one run to the next.
func TestTraceOfAJob(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		q := queue{t, s, c}
		promise := func(trace string) {
			check(s.Write(pay.WithTrace(ctx, trace), func(tx *store.Tx) error { tx.AddJob("k", "a", tx.Now()); return nil }))
		}
		claimed := func(want string) store.Job {
			t.Helper()
			js := q.claim(9)
			if len(js) != 1 || js[0].Trace != want {
				t.Fatalf("claimed %+v, want the trace %q", js, want)
			}
			return js[0]
		}
		promise("one")
		q.retry(claimed("one"), now)
		j := claimed("one")
		promise("two")
		q.done(j)
		claimed("two")
		c.Add(2 * time.Minute) // its runner died
		j = claimed("two")
		promise("")
		q.done(j)
		claimed("")
	})
}
