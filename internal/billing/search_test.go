package billing_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// vague is a chain that can only say that any of its blocks may matter, as one does whose
// nodes keep no index of addresses. It counts what it is asked.
type vague struct {
	*fake.Chain
	calls []string
	fail  func(scans int) error // asked before each scan
	scans []uint64              // after which heights
}

func (v *vague) Find(context.Context, string) (p chain.Place, ok bool, err error) {
	return p, false, nil
}

func (v *vague) Mentions(_ context.Context, _ []string, from, to uint64) (hs []uint64, err error) {
	v.calls = append(v.calls, "Mentions")
	for h := from; h <= to; h++ {
		hs = append(hs, h)
	}
	return hs, nil
}

func (v *vague) Block(ctx context.Context, height uint64) (pay.Block, error) {
	v.calls = append(v.calls, "Block")
	return v.Chain.Block(ctx, height)
}

// Scan reads at most fifty blocks, as drivers may.
func (v *vague) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (chain.Found, error) {
	v.calls, v.scans = append(v.calls, "Scan"), append(v.scans, after.Height)
	if v.fail != nil {
		if err := v.fail(len(v.scans)); err != nil {
			return chain.Found{}, err
		}
	}
	return v.Chain.Scan(ctx, after, min(to, after.Height+50), ours)
}

// eachVague runs a test with an invoice that was paid in a block that the watcher misread,
// before 300 others.
func eachVague(t *testing.T, f func(t *testing.T, x *till, v *vague)) {
	t.Helper()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		c.Add(time.Unix(1_700_000_000, 0).Sub(testkit.Epoch)) // the fake chain's time
		x := newTill(t, s, c, false)
		x.missed("0xa", 10, 10_000_000)
		x.mine(300)
		v := &vague{Chain: x.chain}
		x.Chains["ethereum"] = v
		f(t, x, v)
	})
}

// Blocks that follow each other are asked for together.
func TestVerificationReadsRuns(t *testing.T) {
	t.Parallel()
	eachVague(t, func(t *testing.T, x *till, v *vague) {
		if got := x.verify(""); got.Status != "found" || got.AttemptCount != 1 {
			t.Errorf("%+v %+v", got, got.Result)
		}
		x.paid(1, 10_000)
		if len(v.calls) > 30 {
			t.Errorf("300 blocks took %d questions", len(v.calls))
		}
	})
}

// A reading that is interrupted goes on where it stopped, however often: what came further
// was no attempt in vain.
func TestVerificationGoesOn(t *testing.T) {
	t.Parallel()
	eachVague(t, func(t *testing.T, x *till, v *vague) {
		answer, err := x.AskVerification(t.Context(), x.session, api.VerifyRequest{}, billing.Once{})
		if err != nil {
			t.Fatal(err)
		}
		id := parse[api.Wrapped[api.Verification]](t, answer).Data.ID
		for n := range 2 { // nothing was read: attempts in vain
			v.fail = func(int) error { return errors.New("busy") }
			if again, err := x.Verify(t.Context(), id); err != nil || again.IsZero() {
				t.Fatalf("in vain %d: %s %v", n, again, err)
			}
		}
		runs := 0
		for again := x.clock.Now(); !again.IsZero(); runs++ {
			if runs > 20 {
				t.Fatal("it does not end")
			}
			ctx, cancel := context.WithCancel(t.Context())
			begun := len(v.scans)
			v.fail = func(scans int) error { // time is over after each run of blocks
				if scans > begun+2 {
					cancel()
				}
				return ctx.Err()
			}
			if again, err = x.Verify(ctx, id); err != nil {
				t.Fatal(err)
			}
			cancel()
			got, err := x.Verification(t.Context(), x.session)
			if err != nil || !again.IsZero() && (got.Status != "pending" || got.AttemptCount != 2 || got.NextAttemptAt == nil || got.Error != nil) {
				t.Errorf("run %d: %+v %v", runs, got, err)
			}
			x.clock.Add(time.Minute)
		}
		if got, err := x.Verification(t.Context(), x.session); err != nil || got.Status != "found" || got.AttemptCount != 3 {
			t.Errorf("%+v %v", got, err)
		}
		x.paid(1, 10_000)
		asked := len(slices.DeleteFunc(v.calls, func(call string) bool { return call != "Mentions" }))
		read := slices.Compact(slices.Sorted(slices.Values(v.scans)))
		if runs < 3 || asked != 3 || len(v.scans) > len(read)+runs+2 { // in vain, in vain, and then once for all
			t.Errorf("%d runs asked %d times where to look and scanned after %v", runs, asked, v.scans)
		}
	})
}
