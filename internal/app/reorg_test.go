package app_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/testkit"
)

// dollars is so many DUSDC in base units.
func dollars(n int64) *big.Int { return big.NewInt(n * 1e6) }

// A deposit in sight is dropped by a reorganisation and never comes back: it stops
// counting, the merchant hears of it, the invoice can still be paid.
func TestReorgDropsADeposit(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Dollar).TempAddress
		a.Mine(3)
		parent := head(t, a)
		lost := a.Pay(contracts.TestDollar, to, dollars(10))
		a.Mine(1)
		latest(t, a, made.InvoiceID, "it is seen", func(p api.Payment) bool { return p.Status == "pending" })
		replace(t, a, parent, lost)
		latest(t, a, made.InvoiceID, "it is dropped", func(p api.Payment) bool {
			return p.Status == "manual_retry" && p.StatusReason != nil && *p.StatusReason == "reorged"
		})
		if s := a.Status(made.InvoiceID).Invoice; s.Status != "unpaid" || s.AmountPaid != 0 {
			t.Errorf("the invoice is %s with %d paid", s.Status, s.AmountPaid)
		}
		a.Pay(contracts.TestDollar, to, dollars(10))
		a.Mine(3)
		testkit.Eventually(t, "the invoice is paid", func() bool { return a.Status(made.InvoiceID).Invoice.Status == "paid" })
		if s := a.Status(made.InvoiceID).Invoice; s.AmountPaid != 10_000 {
			t.Errorf("%d paid of 10000", s.AmountPaid)
		}
	})
}

// A reorganisation moves a deposit to another block: it is the same payment, and
// counts once.
func TestReorgMovesADeposit(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Dollar).TempAddress
		a.Mine(3)
		parent := head(t, a)
		paid := a.Pay(contracts.TestDollar, to, dollars(10))
		a.Mine(1)
		first := latest(t, a, made.InvoiceID, "it is seen", func(p api.Payment) bool { return p.Status == "pending" })
		if err := a.Chain.Fork(parent); err != nil {
			t.Fatal(err)
		}
		// The node puts the transaction of the lost block into another.
		a.MineSlowly("the invoice is paid", func() bool { return a.Status(made.InvoiceID).Invoice.Status == "paid" })
		s := a.Status(made.InvoiceID)
		if s.Invoice.AmountPaid != 10_000 || s.LatestPayment.ID != first.ID || s.LatestPayment.TxHash != paid.Hex() {
			t.Errorf("%d paid by %s in %s, want once by %s in %s", s.Invoice.AmountPaid, s.LatestPayment.ID, s.LatestPayment.TxHash, first.ID, paid.Hex())
		}
		list := testkit.Ask[api.Invoice](t, "GET", a.URL+"/api/v1/invoices/"+made.InvoiceID+"?expand=payments", "", testkit.Headers{"x-api-key", a.Key})
		if n := len(list.Payments.Data); n != 1 {
			t.Errorf("%d payments", n)
		}
	})
}

func head(t *testing.T, a *testkit.App) common.Hash {
	t.Helper()
	h, err := a.Chain.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return h.Hash()
}

// replace forks the chain after parent so that a transaction of the dropped blocks
// can never be mined again: another of its sender's takes its nonce.
func replace(t *testing.T, a *testkit.App, parent common.Hash, lost common.Hash) {
	t.Helper()
	tx, _, err := a.Chain.Client().TransactionByHash(t.Context(), lost)
	if err == nil {
		err = a.Chain.Fork(parent)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Replace(tx)
	a.Mine(3)
}

func latest(t *testing.T, a *testkit.App, invoice, what string, f func(api.Payment) bool) (p api.Payment) {
	t.Helper()
	testkit.Eventually(t, what, func() bool {
		s := a.Status(invoice)
		if s.LatestPayment == nil {
			return false
		}
		p = *s.LatestPayment
		return f(p)
	})
	return p
}
