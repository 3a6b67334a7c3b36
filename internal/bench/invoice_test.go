package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

func BenchmarkInvoices(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		cs := dial(b, a.URL)
		create := func(worker, _ int) error { return cs[worker].invoice(a) }
		at(b, clients, 1_000, create)
		commits := bare(b, engine) / 2
		const n = 16_000
		took, each := at(b, clients, n, create)
		commits += bare(b, engine) / 2 // before and after, because a disk's speed changes
		rate, share := perSecond(n, took), map[string]string{"sqlite": "≥ 0.4", "postgres": "≥ 0.25"}[engine]
		line{what: "invoices created over HTTP, 16 clients", engine: engine, figure: rate, unit: "/s", goal: "≥ 3400"}.print()
		line{what: "  against the engine's own speed", engine: engine, figure: rate, unit: "/s", versus: "commits/s of one row, 16 clients", than: commits, goal: share, ofRatio: true}.print()
		line{what: "  one request, p50", engine: engine, figure: each.ms(50), unit: "ms"}.print()
		line{what: "  one request, p99", engine: engine, figure: each.ms(99), unit: "ms", goal: "< 15"}.print()
	})
}

func BenchmarkAddresses(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		cs := dial(b, a.URL)
		rate := func(n int) float64 {
			made := open(b, a, n)
			took, _ := at(b, clients, n, func(worker, i int) error {
				_, err := cs[worker].post("/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":"ethereum","tokenId":%d}`, testkit.Dollar),
					"x-session-token", made[i].SessionToken, "x-signature", made[i].Signature)
				return err
			})
			return perSecond(n, took)
		}
		fill(b, a, 500)
		rate(500)
		few := rate(3_000)
		fill(b, a, 100_000-4_000)
		rate(500)
		many := rate(3_000)
		line{what: "addresses with quote, at 1,000 open", engine: engine, figure: few, unit: "/s", goal: "≥ 1000"}.print()
		line{what: "addresses with quote, at 100,000 open", engine: engine, figure: many, unit: "/s", goal: "≥ 1000"}.print()
		line{what: "  cost of one at 100,000", engine: engine, figure: 1e6 / many, unit: "µs", versus: "µs at 1,000", than: 1e6 / few, goal: "≤ 1.5", ofRatio: true}.print()
	})
}

// fill adds n invoices, each with an address and a quote, in large units.
func fill(b *testing.B, a *testkit.App, n int) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(4)
	rate, _ := money.ParseRate("1")
	for n > 0 {
		part := min(n, 500)
		n -= part
		g.Go(func() error {
			return a.Store.Write(context.Background(), func(tx *store.Tx) error {
				for range part {
					i := pay.Invoice{
						ID: tx.NewID(), MerchantID: a.Merchant.ID, Environment: pay.Devnet, Type: pay.Standard, Status: pay.Unpaid, Amount: 25_500,
						Metadata: "{}", SessionHash: random(32), CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(24 * time.Hour),
					}
					to := pay.Address{
						Network: pay.Devchain.Name, Address: random(20), InvoiceID: i.ID, MerchantID: i.MerchantID, TokenID: testkit.Dollar,
						Receiver: devchain.Merchant().Hex(), Salt: random(32), CreatedAt: tx.Now(),
					}
					t, _ := a.Billing.Registry.Token(testkit.Dollar)
					tx.AddInvoice(i)
					if err := tx.AddAddress(to, false); err != nil {
						return err
					}
					if err := tx.AddQuote(pay.NewQuote(tx.NewID(), i, to, t, rate, tx.Now())); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}
