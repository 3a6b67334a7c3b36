package billing_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// dying is a context that a test ends when the first payment is committed.
type dying struct{ end func() }

func (d *dying) committed(es []pay.Event) {
	for _, e := range es {
		if e.Type == pay.PaymentCreated && d.end != nil {
			d.end()
		}
	}
}

// onBoth runs a test on both engines in the fake chain's time, with what is told of commits.
func onBoth(t *testing.T, f func(t *testing.T, x *till, d *dying)) {
	t.Helper()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock, d := new(testkit.Clock), new(dying)
		clock.Add(time.Unix(1_700_000_000, 0).Sub(testkit.Epoch))
		f(t, newTill(t, testkit.OpenStore(t, store.Options{URL: url, Now: clock.Now, Committed: d.committed}), clock, false), d)
	})
}

// payments says what became of the invoice's payments, in the chain's order.
func (x *till) payments() string {
	x.t.Helper()
	var all []string
	if err := x.Store.Read(x.t.Context(), func(tx *store.Tx) error {
		ps, err := tx.PaymentsOf(x.session.Invoice.ID)
		for _, p := range ps {
			all = append(all, strings.TrimSpace(fmt.Sprint(p.TxHash, " ", p.Sight, " ", p.Settlement.Status)))
		}
		return err
	}); err != nil {
		x.t.Fatal(err)
	}
	return strings.Join(all, ", ")
}

func (x *till) is(what, want string) {
	x.t.Helper()
	if got := x.payments(); got != want {
		x.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// dies has the process stop after what is mined was committed in part, before the
// position was.
func (x *till) dies(d *dying) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	defer cancel()
	d.end = cancel
	if _, err := x.watcher.Step(ctx); !errors.Is(err, context.Canceled) {
		x.t.Fatalf("it did not die: %v", err)
	}
	d.end = nil
}

// A process that dies between a payment and the position leaves the payment above it. When
// the block is replaced before the next step, the chain does not have the payment, and
// nobody is credited.
func TestDeathBeforeAFork(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, d *dying) {
		x.pays("0xa", 10, 10_000_000)
		x.dies(d)
		x.is("it died", "0xa seen")
		x.chain.Fork(1, fake.Content{})
		x.mine(6)
		x.is("the chain does not have it", "0xa gone")
		x.paid(0, 0)
		x.pays("0xb", 10, 10_000_000)
		x.dies(d)
		x.mine(6) // the chain still has this one
		x.is("the chain has it", "0xa gone, 0xb final pending")
		x.paid(1, 10_000)
	})
}

// So does one that dies after a sweep was recorded: what has not moved is not settled.
func TestDeathBeforeAForkOfASweep(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, d *dying) {
		x.pays("0xa", 10, 10_000_000)
		x.mine(4)
		x.is("final", "0xa final pending")
		sweep := pay.Sweep{TxHash: "0xsweep", Index: 1, Address: x.address[10], Token: dollarAddress, Units: money.NewUnits(big.NewInt(10_000_000)), To: merchantAddress}
		native := sweep // it brings to light what then is the payment that the process dies of
		native.TxHash, native.Address, native.Token = "0xnative", x.address[11], ""
		x.chain.Mine(fake.Content{Sweeps: []pay.Sweep{sweep, native}})
		x.dies(d)
		x.chain.Fork(1, fake.Content{})
		x.mine(6)
		x.is("nothing moved", "0xa final pending, sweep:0xnative:"+x.address[11]+" gone")
		x.chain.Mine(fake.Content{Sweeps: []pay.Sweep{sweep}})
		x.mine(6)
		x.is("it moved", "0xa final settled, sweep:0xnative:"+x.address[11]+" gone")
	})
}

// frozen is a driver whose process stands still after the chain was found to be as it was
// read: what is to happen meanwhile happens, and what it then writes is of the past.
type frozen struct {
	*fake.Chain
	checks    int // until it stands still
	meanwhile func()
}

func (f *frozen) Block(ctx context.Context, height uint64) (pay.Block, error) {
	b, err := f.Chain.Block(ctx, height)
	if f.checks--; f.checks == 0 {
		f.meanwhile()
	}
	return b, err
}

// elsewhere is watch, by another process.
func (x *till) elsewhere() {
	x.t.Helper()
	w := &chain.Watcher{Driver: x.chain, Book: x.watcher.Book, Confirmations: x.watcher.Confirmations, Batch: 8, Log: x.Log, Now: x.clock.Now}
	for more := true; more; {
		var err error
		if more, err = w.Step(x.t.Context()); err != nil {
			x.t.Fatal(err)
		}
	}
}

// A process that stood still while another took its duty writes nothing of a branch that
// the chain has left meanwhile, however far the other has come.
func TestFrozenWatcher(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"at the same height": 0, "further": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, x *till, _ *dying) {
				x.pays("0xa", 10, 10_000_000)
				f := &frozen{Chain: x.chain, checks: 4} // of the final block, the scanned one, the one to finalize, the newest
				f.meanwhile = func() {
					x.chain.Fork(1, fake.Content{})
					for range after {
						x.chain.Mine(fake.Content{})
					}
					x.elsewhere()
				}
				x.watcher.Driver = f
				if _, err := x.watcher.Step(t.Context()); err == nil {
					t.Error("it has recorded what it read")
				}
				if f.checks > 0 {
					t.Fatal("it did not stand still")
				}
				x.mine(8)
				x.is("the chain does not have it", "")
				x.paid(0, 0)
			})
		})
	}
}

// Nor does one that stood still when it had begun to write.
func TestFrozenWriter(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		scanned, err := x.scanned()
		if err != nil {
			t.Fatal(err)
		}
		found, err := x.chain.Scan(t.Context(), scanned, x.ether("0xa").Height, x.watcher.Book.Ours)
		if err != nil || len(found.Deposits) != 1 {
			t.Fatal(found, err)
		}
		found.After = scanned
		x.Rates.Now = func() time.Time { // asked for the worth, when the findings are about to be written
			x.Rates.Now = x.clock.Now
			x.chain.Fork(1, fake.Content{})
			x.elsewhere()
			return x.clock.Now()
		}
		if err := x.watcher.Book.See(t.Context(), found); err == nil {
			t.Error("it has recorded what it read")
		}
		x.is("it has left nothing", "")
	})
}

// ether mines a payment in a token that no quote covers.
func (x *till) ether(hash string) pay.Block {
	return x.chain.Mine(fake.Content{Deposits: []pay.Deposit{{
		TxHash: hash, Index: pay.IndexValue, Address: x.address[10], Units: money.NewUnits(big.NewInt(1e18)), From: "payer",
	}}})
}

// Nor does it move the final block, or make final what another is reading again.
func TestFrozenFinality(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		book := x.watcher.Book
		_, was, err := book.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x.pays("0xa", 10, 10_000_000)
		x.watch()
		at := x.chain.Mine(fake.Content{})
		if err := book.Rewind(t.Context()); err != nil { // by another process
			t.Fatal(err)
		}
		if err := book.Finalize(t.Context(), at); err == nil {
			t.Error("a block above the scanned one is final")
		}
		x.is("in doubt", "0xa doubtful")
		x.mine(6)
		_, now, _ := book.Position(t.Context())
		if err := book.Finalize(t.Context(), was); err == nil || !now.Is(x.final()) {
			t.Errorf("the final block moved back from %v to %v: %v", now, x.final(), err)
		}
		x.paid(1, 10_000)
	})
}

func (x *till) final() pay.Block {
	_, final, err := x.watcher.Book.Position(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	return final
}

// A late writer that comes through after another has begun makes the other begin again.
func TestLateWriter(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, d *dying) {
		scanned, err := x.scanned()
		if err != nil {
			t.Fatal(err)
		}
		found := func(branch, hash string) chain.Found {
			at := pay.Block{Height: scanned.Height + 1, Hash: branch, Time: scanned.Time.Add(time.Second)}
			return chain.Found{After: scanned, Last: at, Blocks: 1, Deposits: []pay.Deposit{{ // of a token that no quote covers
				Network: "ethereum", TxHash: hash, Index: pay.IndexValue, Block: at, Address: x.address[10], Units: money.NewUnits(big.NewInt(1e18)), From: "payer",
			}}}
		}
		x.Rates.Now = func() time.Time { // asked for the worth, when the findings are about to be written
			x.Rates.Now = x.clock.Now
			ctx, cancel := context.WithCancel(t.Context())
			d.end = cancel
			if err := x.watcher.Book.See(ctx, found("0xdead", "0xlate")); !errors.Is(err, context.Canceled) {
				t.Errorf("the late one did not die: %v", err)
			}
			d.end = nil
			return x.clock.Now()
		}
		if err := x.watcher.Book.See(t.Context(), found("0xlive", "0xa")); err == nil {
			t.Error("it has not noticed the other")
		}
		if now, err := x.scanned(); err != nil || !now.Is(scanned) {
			t.Errorf("moved to %v: %v", now, err)
		}
		if err := x.watcher.Book.See(t.Context(), found("0xlive", "0xa")); err != nil {
			t.Fatal(err)
		}
		x.is("the other's is gone", "0xa seen, 0xlate gone")
	})
}

func (x *till) scanned() (pay.Block, error) {
	scanned, _, err := x.watcher.Book.Position(x.t.Context())
	return scanned, err
}
