package chain_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

func mine(c *fake.Chain, n int) {
	for range n {
		c.Mine(fake.Content{})
	}
}

func open(confirmations uint64) (*fake.Chain, *chaintest.Book, *chain.Watcher) {
	c, b := fake.New("ethereum"), &chaintest.Book{Addresses: []string{"a"}}
	return c, b, chaintest.NewWatcher(c, b, confirmations)
}

func TestStartsWhereNothingCanBeReplaced(t *testing.T) {
	t.Parallel()
	c, b, w := open(4)
	mine(c, 9) // blocks 0 to 9
	if more, err := w.Step(t.Context()); err != nil || !more {
		t.Fatalf("first step: %v, %v", more, err)
	}
	if _, final, _ := b.Position(t.Context()); final.Height != 6 {
		t.Errorf("started at block %d", final.Height)
	}
}

func TestConfirmationsCountTheBlockOfTheDeposit(t *testing.T) {
	t.Parallel()
	c, b, w := open(3)
	chaintest.Settle(t, w)
	c.Mine(fake.Content{Deposits: []pay.Deposit{{TxHash: "tx", Address: "a", Token: "t", Units: unit}}})
	for n := range 2 {
		chaintest.Settle(t, w)
		if len(b.Seen()) != 1 || len(b.Final()) != 0 {
			t.Fatalf("with %d confirmations: seen %v, final %v", n+1, b.Seen(), b.Final())
		}
		mine(c, 1)
	}
	chaintest.Settle(t, w)
	if len(b.Seen()) != 0 || len(b.Final()) != 1 {
		t.Errorf("with 3 confirmations: seen %v, final %v", b.Seen(), b.Final())
	}
}

func TestLaggingNodeIsWaitedFor(t *testing.T) {
	t.Parallel()
	c, b, w := open(3)
	mine(c, 9)
	chaintest.Settle(t, w)
	before, _, _ := b.Position(t.Context())
	c.Break(fake.Faults{Lag: 2})
	if more, err := w.Step(t.Context()); more || err != nil {
		t.Errorf("step on a lagging node: %v, %v", more, err)
	}
	if after, _, _ := b.Position(t.Context()); !after.Is(before) {
		t.Errorf("moved from %v to %v", before, after)
	}
}

func TestDeepForkStopsTheWatcher(t *testing.T) {
	t.Parallel()
	c, b, w := open(3)
	mine(c, 9)
	chaintest.Settle(t, w)
	scanned, final, _ := b.Position(t.Context())
	c.Fork(3, fake.Content{})
	for range 3 {
		if _, err := w.Step(t.Context()); !errors.Is(err, chain.ErrDeepFork) {
			t.Fatalf("step: %v", err)
		}
	}
	if s, f, _ := b.Position(t.Context()); !s.Is(scanned) || !f.Is(final) {
		t.Errorf("moved to %v, %v", s, f)
	}
	if st := w.Status(); !errors.Is(st.Err, chain.ErrDeepFork) {
		t.Errorf("status %+v", st)
	}
}

// A scan of a chain that was replaced meanwhile is not recorded.
func TestForkDuringScan(t *testing.T) {
	t.Parallel()
	c, b, w := open(4)
	chaintest.Settle(t, w)
	mine(c, 3)
	chaintest.Settle(t, w)
	c.Mine(fake.Content{Deposits: []pay.Deposit{{TxHash: "gone", Address: "a", Token: "t", Units: unit}}})
	w.Driver = forkAfterScan{c}
	if _, err := w.Step(t.Context()); !errors.Is(err, chain.ErrFork) {
		t.Fatalf("step: %v", err)
	}
	if len(b.Seen()) != 0 {
		t.Errorf("recorded %v", b.Seen())
	}
}

type forkAfterScan struct{ *fake.Chain }

func (f forkAfterScan) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (chain.Found, error) {
	found, err := f.Chain.Scan(ctx, after, to, ours)
	f.Fork(1, fake.Content{})
	return found, err
}

func TestRunBacksOffAndLogsChangesOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, b, w := open(2)
		var out bytes.Buffer
		w.Log, w.Now = slog.New(slog.NewTextHandler(&out, nil)), time.Now
		tries := 0
		c.Break(fake.Faults{Fail: func(call string) error {
			if call == "Head" {
				tries++
			}
			return errors.New("no node")
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx, time.Second); close(done) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if tries < 10 || tries > 16 { // after 2, 4, … 60, 60 seconds
			t.Errorf("%d tries in ten minutes", tries)
		}
		c.Break(fake.Faults{})
		time.Sleep(2 * time.Minute)
		mine(c, 5)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		st := w.Status()
		if st.Err != nil || st.Scanned.Height != 5 || st.Final.Height != 4 || st.Head.Height != 5 || time.Since(st.Success) > 2*time.Second {
			t.Errorf("status %+v", st)
		}
		if s, _, _ := b.Position(t.Context()); s.Height != 5 {
			t.Errorf("scanned %d", s.Height)
		}
		cancel()
		<-done
		if log := out.String(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "watcher fails") || !strings.Contains(log, "watcher recovered") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestHangingNodeEndsWithTheStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, w := open(2)
		w.Now = time.Now
		c.Break(fake.Faults{Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx, time.Second)
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if err := w.Status().Err; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("status: %v", err)
		}
		cancel()
	})
}

// A node that lies about a block can at most stop the watcher.
func TestLiesAreNotActedOn(t *testing.T) {
	t.Parallel()
	c, b, w := open(3)
	mine(c, 9)
	chaintest.Settle(t, w)
	mine(c, 1)
	c.Break(fake.Faults{Lie: map[uint64]string{7: "0xbad"}})
	if _, err := w.Step(t.Context()); !errors.Is(err, chain.ErrDeepFork) {
		t.Fatalf("a lie about the final block: %v", err)
	}
	c.Break(fake.Faults{Lie: map[uint64]string{10: "0xbad"}})
	if _, err := w.Step(t.Context()); !errors.Is(err, chain.ErrFork) {
		t.Fatalf("a lie about the scanned block: %v", err)
	}
	c.Break(fake.Faults{})
	chaintest.Settle(t, w)
	if s, f, _ := b.Position(t.Context()); s.Height != 10 || f.Height != 8 {
		t.Errorf("after the lies: scanned %d, final %d", s.Height, f.Height)
	}
}

var unit, _ = money.ParseUnits("1")
