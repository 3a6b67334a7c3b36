package server_test

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// An invoice ends when its time is up, not before, and says so once.
func TestExpiryIsOnTime(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(testkit.Clock)
		d := newDesk(t, url, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		made, payor := d.Open(`{"amount_usd":1,"expires_in":60000}`)
		if made.ExpiresAt != testkit.Epoch.Unix()+60 {
			t.Errorf("expires at %d", made.ExpiresAt)
		}
		expired := func(id string) func() bool {
			return func() bool { return d.Status(id).Invoice.Status == "expired" }
		}
		clock.Add(60*time.Second - 2*time.Millisecond)
		brief, _ := d.Open(`{"amount_usd":1,"expires_in":1}`)
		clock.Add(time.Millisecond)
		testkit.Eventually(t, "the brief invoice expires", expired(brief.InvoiceID))
		v := decode[api.SessionDetails](t, d.ask(payorTargets[0], "", payor))
		if v.InvoiceStatus != "unpaid" || v.RemainingTime != 1 || v.RemainingSeconds != 0 {
			t.Errorf("a millisecond before: %+v", v)
		}
		clock.Add(time.Millisecond)
		testkit.Eventually(t, "the invoice expires", expired(made.InvoiceID))
		v = decode[api.SessionDetails](t, d.ask(payorTargets[0], "", payor))
		if v.InvoiceStatus != "expired" || v.RemainingTime != 0 || v.RemainingSeconds != 0 || v.AmountRemainingUSD != "1" {
			t.Errorf("afterwards: %+v", v)
		}
		says(t, d.ask(payorTargets[3], "", payor), `{"status":"expired","paid_at":null}`)
		refused(t, d.ask(payorTargets[2], dollars, payor), 410, "A", "INVOICE_EXPIRED")
		refused(t, d.ask("POST /api/v1/invoices/"+made.InvoiceID+"/cancel", "", d.key), 400, "B", "INVALID_INVOICE_STATE")
		told := 0
		for _, e := range testkit.Events(t, d.Store, d.Merchant.ID) {
			if e.InvoiceID == made.InvoiceID && e.Type == pay.InvoiceUpdated && string(e.Previous) == `{"status":"unpaid"}` && e.RequestID == "" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the expiry was told %d times", told)
		}
	})
}

// What expires while nothing runs is expired at the next start.
func TestExpiryAfterRestart(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock, c := new(testkit.Clock), testkit.StartChain(t)
		o := testkit.OptionsAt(url, c.URL())
		o.Now, o.Networks = clock.Now, nil
		first, err := app.Start(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		a := &testkit.App{App: first, Chain: c}
		a.Bind(t)
		a.Merchant, a.Key, _ = testkit.AddMerchant(t, first)
		made, _ := a.Open(`{"amount_usd":1,"expires_in":60000}`)
		if err := first.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		clock.Add(time.Hour)
		a.App = testkit.Run(t, o)
		testkit.Eventually(t, "the invoice expires", func() bool { return a.Status(made.InvoiceID).Invoice.Status == "expired" })
		if es := testkit.Events(t, a.Store, a.Merchant.ID); len(es) != 2 {
			t.Errorf("%d events", len(es))
		}
	})
}

// units reads a decimal amount of a token as its base units.
func units(t *testing.T, decimal string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(strings.ReplaceAll(decimal, ".", ""), 10)
	if !ok {
		t.Fatal(decimal)
	}
	return n
}

// A deposit is worth what its quote says if it is mined in time or soon after, and
// else what the market says: there the buffer is the payor's.
func TestQuotesRunOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age   time.Duration
		worth int64
	}{"fresh": {0, 25_500}, "in its grace": {12 * time.Minute, 25_500}, "run out": {20 * time.Minute, 25_627}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				clock := new(moved)
				d := newDesk(t, url, func(o *app.Options) { o.Now, o.Sources = clock.Now, []rates.Source{&faulty{eth: "2500"}} })
				clock.Add(-c.age)
				made, payor := d.Open(`{"amount_usd":25.5}`)
				a := d.Allocate(payor, testkit.Ether)
				if *a.QuoteValidUntil-*a.QuoteLastUpdatedAt != 300 {
					t.Errorf("valid for %d s", *a.QuoteValidUntil-*a.QuoteLastUpdatedAt)
				}
				clock.Add(c.age)
				d.Pay(common.Address{}, a.TempAddress, units(t, a.EstimatedTokenAmount))
				d.MineSlowly("paid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
				if p := d.Status(made.InvoiceID).LatestPayment; p.Amount != c.worth || p.Status != "confirmed" {
					t.Errorf("worth %d and %s, want %d", p.Amount, p.Status, c.worth)
				}
			})
		})
	}
}

// Quotes are rounded up, so that nobody who pays them has paid too little.
func TestQuotesAreRoundedUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Sources = []rates.Source{&faulty{eth: "3000.07"}} })
	for amount, want := range map[string]string{"1": "0.000334992183515718", "0.01": "0.000003349921835158", "1000000": "334.992183515717966581"} {
		_, payor := d.Open(`{"amount_usd":` + amount + `}`)
		if a := d.Allocate(payor, testkit.Ether); a.EstimatedTokenAmount != want || a.ExchangeRate != "3000.07" {
			t.Errorf("$%s is %s at %s, want %s", amount, a.EstimatedTokenAmount, a.ExchangeRate, want)
		}
		if a := d.Allocate(payor, testkit.Dollar); units(t, a.EstimatedTokenAmount).Cmp(units(t, fmt.Sprintf("%s.000000", amount))) != 0 && amount != "0.01" {
			t.Errorf("$%s is %s dollars", amount, a.EstimatedTokenAmount)
		}
	}
}

// Money that comes after the end is the merchant's, and the invoice stays expired.
func TestLatePayment(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(moved)
		d := newDesk(t, url, func(o *app.Options) { o.Now, o.Sources = clock.Now, []rates.Source{&faulty{eth: "2500"}} })
		clock.Add(-2 * time.Hour)
		made, payor := d.Open(`{"amount_usd":25.5,"expires_in":3600000}`)
		a := d.Allocate(payor, testkit.Ether)
		clock.Add(2 * time.Hour)
		refused(t, d.ask(payorTargets[2], dollars, payor), 410, "A", "INVOICE_EXPIRED") // recorded or not
		testkit.Eventually(t, "expired", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "expired" })
		d.Pay(common.Address{}, a.TempAddress, units(t, a.EstimatedTokenAmount))
		d.MineSlowly("settled", func() bool {
			p := d.Status(made.InvoiceID).LatestPayment
			return p != nil && p.SettlementStatus == "settled"
		})
		s := d.Status(made.InvoiceID)
		if p := s.LatestPayment; p.Status != "manual_retry" || p.StatusReason == nil || *p.StatusReason != "late" || p.Amount != 25_627 {
			t.Errorf("payment %+v", p)
		}
		if s.Invoice.Status != "expired" || s.Invoice.AmountPaid != 0 || s.Invoice.PaidAt != nil {
			t.Errorf("invoice %+v", s.Invoice)
		}
	})
}
