package notify_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A long replay goes piece by piece, waits while much is due, rests while the endpoint
// is disabled, and goes on with another process where it stood: each event comes once.
func TestLongReplay(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		c, sink := new(testkit.Clock), testkit.NewSink(t, nil)
		r := newRig(t, testkit.OpenStore(t, store.Options{URL: db, Now: c.Now}), c, 5*time.Second)
		b := &billing.Billing{Store: r.s, Auth: r.d.Auth}
		r.happen(1200)
		r.endpoint("we_1", sink.URL)
		caller, from := billing.Caller{Merchant: pay.Merchant{ID: merchant}}, api.Number("0")
		if _, err := b.StartReplay(t.Context(), caller, "we_1", api.ReplayRequest{From: &from}, billing.Once{}); err != nil {
			t.Fatal(err)
		}
		step := func(done int64, running bool, again time.Duration) {
			t.Helper()
			next, err := b.ContinueReplay(t.Context(), "we_1")
			if err != nil {
				t.Fatal(err)
			}
			if again < 0 != next.IsZero() || again >= 0 && next.Sub(c.Now()) != again {
				t.Errorf("again at %s", next)
			}
			if p, err := b.Replay(t.Context(), caller, "we_1"); err != nil || p.Done != done || p.Total != 1200 || p.Running() != running {
				t.Errorf("%+v, %v", p, err)
			}
		}
		step(500, true, 0)
		step(500, true, time.Second) // that many are due
		after := testkit.Events(t, r.s, merchant)[3].ID
		for body, code := range map[*api.ReplayRequest]pay.Code{{From: &from}: "", {After: &after}: pay.CodeEndpointState} {
			if _, err := b.StartReplay(t.Context(), caller, "we_1", *body, billing.Once{}); pay.CodeOf(err) != code {
				t.Errorf("another replay meanwhile: %v", err)
			}
		}
		r.deliver("we_1")
		r.change("we_1", func(e pay.Endpoint) pay.Endpoint { return e.Disable(pay.DisabledByMerchant, c.Now()) })
		step(500, true, -1)
		r.change("we_1", pay.Endpoint.Enable)
		next := newRig(t, testkit.OpenStore(t, store.Options{URL: db, Now: c.Now}), c, 5*time.Second)
		b = &billing.Billing{Store: next.s, Auth: next.d.Auth}
		step(1000, true, 0)
		next.deliver("we_1")
		step(1200, false, -1)
		step(1200, false, -1) // the job ran again
		next.deliver("we_1")
		if got := sink.Got(); len(got) != 1200 || len(ids(got)) != 1200 {
			t.Errorf("%d requests for %d events", len(got), len(ids(got)))
		}
	})
}
