package bench_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// ledger plays the watcher of a chain whose blocks it makes up.
type ledger struct {
	*billing.Book
	last pay.Block
}

func newLedger(b *testing.B, a *testkit.App) *ledger {
	b.Helper()
	l := &ledger{Book: &billing.Book{Billing: a.Billing, Network: a.Networks[0].Network}}
	head, err := a.Chain.Client().BlockNumber(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	testkit.Eventually(b, "the watcher reaches the head and rests", func() bool {
		l.last, _, _ = l.Position(context.Background())
		return l.last.Hash != "" && l.last.Height == head
	})
	return l
}

// mine sees a block in which every allocation is paid, and returns it.
func (l *ledger) mine(b *testing.B, as ...billing.Allocation) pay.Block {
	b.Helper()
	l.last = pay.Block{Height: l.last.Height + 1, Hash: random(32), Time: time.Now().Truncate(time.Second)}
	found := chain.Found{Last: l.last, Blocks: 1}
	for n, a := range as {
		found.Deposits = append(found.Deposits, pay.Deposit{
			Network: l.Network.Name, TxHash: random(32), Index: n, Block: l.last, Address: a.Address.Address,
			Token: contracts.TestDollar.Hex(), Units: a.Quote.Units, From: random(20),
		})
	}
	if err := l.See(context.Background(), found); err != nil {
		b.Fatal(err)
	}
	return l.last
}

func BenchmarkCredit(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		l := newLedger(b, a)
		const n = 1_000
		as := allocate(b, a, open(b, a, n))
		start := time.Now()
		block := l.mine(b, as...)
		seen := time.Since(start)
		if err := l.Finalize(context.Background(), block); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		t := testkit.Ask[api.InvoiceTotals](b, "GET", a.URL+"/api/v1/invoices/totals", "", testkit.Headers{"x-api-key", a.Key})
		if paid := t.Totals["paid"].Count; paid != n {
			b.Fatalf("%d invoices are paid, not %d", paid, n)
		}
		line{what: "1,000 deposits of one block, seen and credited", engine: engine, figure: took.Seconds(), unit: "s", versus: "s of it until seen", than: seen.Seconds(), goal: "< 2"}.print()
	})
}

func BenchmarkConfirm(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		l := newLedger(b, a)
		const n = 200
		var each durations
		as := allocate(b, a, open(b, a, n))
		since := latest(b, a) // so that the server says when it listens
		for _, allocation := range as {
			s := testkit.Dial(b, a.URL+"/ws/payment?format=event_v1&since="+since+"&token="+allocation.Ticket, nil)
			for s.Next().Type != "replay_complete" {
			}
			block := l.mine(b, allocation)
			start := time.Now()
			if err := l.Finalize(context.Background(), block); err != nil {
				b.Fatal(err)
			}
			s.Until(func(e api.Event) bool {
				var i api.Invoice
				return e.Type == string(pay.InvoiceUpdated) && json.Unmarshal(e.Data.Object, &i) == nil && i.Status == string(pay.Paid)
			})
			each = append(each, time.Since(start))
			s.Close()
		}
		each.sorted()
		line{what: "confirming block → payor's frame, p50", engine: engine, figure: each.ms(50), unit: "ms"}.print()
		line{what: "confirming block → payor's frame, p99", engine: engine, figure: each.ms(99), unit: "ms", goal: "< 50"}.print()
	})
}
