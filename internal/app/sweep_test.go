package app_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Native coin that came unseen and left with the sweep of what was seen is a payment
// too: once, however often the sweep is read, and gone when the sweep is.
func TestSweepBringsToLight(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, func(o *app.Options) { o.Networks[0].Poll, o.Networks[0].Relayer = time.Hour, nil })
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Ether).TempAddress
		book := &billing.Book{Billing: a.Billing, Network: a.Networks[0].Network}
		first := rests(t, a, book)
		at := func(n uint64) pay.Block {
			return pay.Block{Height: first.Height + n, Hash: fmt.Sprint("block ", n), Time: time.Now().Truncate(time.Second)}
		}
		ether := func(tenths int64) money.Units { return money.NewUnits(big.NewInt(tenths * 1e17)) }
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		payments := func() (s string) {
			must(a.Store.Read(t.Context(), func(tx *store.Tx) error {
				ps, err := tx.PaymentsAt(book.Network.Name, to, "")
				s = ""
				for _, p := range ps {
					s += fmt.Sprint(p.Units, " ", p.Sight, " ", p.Settlement.Status == pay.SettlementSettled, "; ")
				}
				return err
			}))
			return s
		}
		is := func(what, want string) {
			t.Helper()
			if got := payments(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		seen := pay.Deposit{Network: book.Network.Name, TxHash: "0x01", Index: pay.IndexValue, Block: at(1), Address: to, Units: ether(10)}
		must(book.See(t.Context(), chain.Found{Last: at(1), Blocks: 1, Deposits: []pay.Deposit{seen}}))
		must(book.Finalize(t.Context(), at(1)))
		sweep := chain.Found{Last: at(2), Blocks: 1, Sweeps: []pay.Sweep{{
			Network: book.Network.Name, TxHash: "0x02", Block: at(2), Address: to, Units: ether(15), To: devchain.Merchant().Hex(),
		}}}
		must(book.See(t.Context(), sweep))
		must(book.See(t.Context(), sweep))
		is("seen twice", "1000000000000000000 final false; 500000000000000000 seen false; ")
		must(book.Rewind(t.Context()))
		must(book.See(t.Context(), chain.Found{Last: at(2), Blocks: 1}))
		is("the sweep never was", "1000000000000000000 final false; 500000000000000000 gone false; ")
		must(book.Rewind(t.Context()))
		must(book.See(t.Context(), sweep))
		must(book.Finalize(t.Context(), at(2)))
		is("final", "1000000000000000000 final true; 500000000000000000 final true; ")
		// In one step: a sweep of what nobody saw, a payment after it, and its sweep.
		paid, third := seen, sweep.Sweeps[0]
		paid.TxHash, paid.Block = "0x04", at(4)
		second := third
		second.TxHash, second.Block, second.Units = "0x03", at(3), ether(2)
		third.TxHash, third.Block, third.Units = "0x05", at(5), ether(10)
		step := chain.Found{Last: at(5), Blocks: 3, Deposits: []pay.Deposit{paid}, Sweeps: []pay.Sweep{second, third}}
		must(book.See(t.Context(), step))
		must(book.See(t.Context(), step))
		must(book.Finalize(t.Context(), at(5)))
		is("several sweeps in a step", "1000000000000000000 final true; 500000000000000000 final true; 200000000000000000 final true; 1000000000000000000 final true; ")
		if i := a.Status(made.InvoiceID).Invoice; i.Status != "paid" {
			t.Errorf("the invoice is %s", i.Status)
		}
	})
}

// rests waits until a watcher that polls once an hour has read the chain, and returns the
// newest block: from then on a test may stand in for it.
func rests(t *testing.T, a *testkit.App, book *billing.Book) (at pay.Block) {
	t.Helper()
	head, err := a.Chain.Client().BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the watcher rests", func() bool {
		at, _, err = book.Position(t.Context())
		return err == nil && at.Hash != "" && at.Height == head
	})
	return at
}
