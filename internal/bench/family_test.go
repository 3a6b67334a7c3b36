package bench_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// BenchmarkFamilies measures, on a network of each family, how fast blocks are caught up
// with, and what 100,000 watched addresses cost: in the time from a block until its deposit
// is seen, and in memory. The network of the EVM family is go-ethereum, in this process too;
// the others are simulated.
func BenchmarkFamilies(b *testing.B) {
	for _, name := range []pay.NetworkName{"ethereum", "solana", "ton", "cardano", "sui"} {
		b.Run(string(name), func(b *testing.B) { family(b, name) })
	}
}

func family(b *testing.B, name pay.NetworkName) {
	const blocks, watched, rounds = 1_000, 100_000, 20
	ctx, past := context.Background(), time.Now().Add(-time.Hour)
	n, err := simnet.Start(ctx, name, simnet.Options{Now: func() time.Time { return past }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Close() })
	o := testkit.SimulatedOptions(b, filepath.Join(b.TempDir(), "bench.db"), n)
	o.Networks[0].Poll = 20 * time.Millisecond
	if name.Family() == pay.EVM { // its blocks are a second apart by their own clock, and its relayer has coin
		o.Now, o.Networks[0].Relayer = ahead, nil
		o.Sources[0].(*rates.Static).Now = ahead
	}
	a, err := app.Start(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	first := &testkit.App{App: a}
	first.Bind(b)
	if first.Merchant, err = a.Billing.AddMerchant(ctx, pay.Merchant{Name: "M", Environment: pay.Devnet}, map[pay.Family]string{name.Family(): n.Payout}); err != nil {
		b.Fatal(err)
	}
	if _, first.Key, err = a.Billing.AddKey(ctx, first.Merchant.ID, "k", pay.ScopeMerchant, pay.Devnet, 0); err != nil {
		b.Fatal(err)
	}
	_, payor := first.Open(`{"amount_usd":1000}`)
	to, units := first.AllocateOn(payor, n.Tokens[0])
	if err := a.Stop(ctx); err != nil {
		b.Fatal(err)
	}
	for i := range blocks {
		if i%10 == 0 {
			if _, err := n.Pay(ctx, to.TempAddress, n.Tokens[0], units); err != nil {
				b.Fatal(err)
			}
		}
		n.Mine()
	}
	start := time.Now()
	a = testkit.Run(b, o)
	count := func() (seen int) {
		if err := a.Store.Read(ctx, func(tx *store.Tx) error {
			ps, err := tx.PaymentsAt(name, to.TempAddress, n.Tokens[0].Address)
			seen = len(ps)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		return seen
	}
	for count() < blocks/10 {
		time.Sleep(time.Millisecond)
	}
	line{what: fmt.Sprintf("%s: blocks back-filled, one in ten with a deposit", name), engine: "sqlite", figure: perSecond(blocks, time.Since(start)), unit: "/s"}.print()
	lag := func() float64 {
		var all durations
		for range rounds {
			before := count()
			if _, err := n.Pay(ctx, to.TempAddress, n.Tokens[0], units); err != nil {
				b.Fatal(err)
			}
			n.Mine()
			at := time.Now()
			for count() == before {
				time.Sleep(200 * time.Microsecond)
			}
			all = append(all, time.Since(at))
		}
		return all.sorted().ms(50)
	}
	few := lag()
	debug.FreeOSMemory()
	before := heap()
	watch(b, a, n, watched)
	many := lag()
	debug.FreeOSMemory()
	line{what: "  block → deposit seen, at 100,000 watched addresses, p50", engine: "sqlite", figure: many, unit: "ms", versus: "ms at one", than: few, goal: "≤ 1.5", ofRatio: true}.print()
	line{what: "  memory of 100,000 watched addresses", engine: "sqlite", figure: float64(max(0, heap()-before)) / 1e6, unit: "MB", goal: "< 10"}.print()
}

func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// watch adds addresses that are given out and not paid.
func watch(b *testing.B, a *app.App, n *simnet.Network, count int) {
	b.Helper()
	size := 32
	if n.Name.Family() == pay.EVM {
		size = 20
	}
	for done := 0; done < count; done += 500 {
		if err := a.Store.Write(context.Background(), func(tx *store.Tx) error {
			for range 500 {
				i := pay.Invoice{
					ID: tx.NewID(), MerchantID: 1, Environment: pay.Devnet, Type: pay.Standard, Status: pay.Unpaid, Amount: 25_500, Metadata: "{}",
					SessionHash: random(32), CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(24 * time.Hour),
				}
				tx.AddInvoice(i)
				if err := tx.AddAddress(pay.Address{
					Network: n.Name, Address: random(size), InvoiceID: i.ID, MerchantID: 1, TokenID: n.Tokens[0].ID, Receiver: n.Payout, Salt: "1", CreatedAt: tx.Now(),
				}, false); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}
