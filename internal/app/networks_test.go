package app_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// On each of the ten networks invoices are paid over HTTP: exactly, in parts, too much, too
// late, and by what the chain takes back; and whatever came reaches the merchant.
func TestEachNetwork(t *testing.T) {
	t.Parallel()
	for _, name := range pay.Networks {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				n := testkit.StartNetwork(t, name, simnet.Options{Seed: 1})
				s := &networkStory{T: t, n: n, a: testkit.StartOn(t, url, n), before: map[int64]*big.Int{}, sent: map[int64]*big.Int{}}
				for _, token := range n.Tokens {
					s.before[token.ID], s.sent[token.ID] = s.holds(n.Payout, token), new(big.Int)
					s.exact(token)
					s.parts(token)
				}
				s.late(n.Tokens[0])
				if n.Confirmations > 1 {
					s.dropped(n.Tokens[0])
				}
				s.settled()
			})
		})
	}
}

type networkStory struct {
	*testing.T
	n        *simnet.Network
	a        *testkit.App
	invoices []string
	before   map[int64]*big.Int // what the merchant had, by token
	sent     map[int64]*big.Int // what payors sent and the chain kept
}

func (s *networkStory) holds(address string, t pay.Token) *big.Int {
	s.Helper()
	n, err := s.n.Holds(s.Context(), address, t)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *networkStory) open(body string) (string, testkit.Headers) {
	s.Helper()
	made, payor := s.a.Open(body)
	s.invoices = append(s.invoices, made.InvoiceID)
	return made.InvoiceID, payor
}

// pay sends units to an address and remembers it.
func (s *networkStory) pay(to string, t pay.Token, units *big.Int) (tx string) {
	s.Helper()
	tx, err := s.n.Pay(s.Context(), to, t, money.NewUnits(units))
	if err != nil {
		s.Fatal(err)
	}
	s.sent[t.ID].Add(s.sent[t.ID], units)
	return tx
}

func (s *networkStory) until(invoice, what string, is func(api.InvoiceStatus) bool) (v api.InvoiceStatus) {
	s.Helper()
	testkit.Eventually(s, what, func() bool {
		v = s.a.Status(invoice)
		return is(v)
	})
	return v
}

func (s *networkStory) exact(t pay.Token) {
	s.Helper()
	id, payor := s.open(`{"amount_usd":10}`)
	address, units := s.a.AllocateOn(payor, t)
	s.pay(address.TempAddress, t, units.Big())
	v := s.until(id, fmt.Sprintf("an invoice in %s is paid", t.Symbol), func(v api.InvoiceStatus) bool { return v.Invoice.Status == "paid" })
	if v.Invoice.AmountPaid != v.Invoice.Amount || v.LatestPayment.Network != string(t.Network) {
		s.Errorf("paid %+v, %+v", v.Invoice, v.LatestPayment)
	}
}

// parts pays a third, and then more than the rest.
func (s *networkStory) parts(t pay.Token) {
	s.Helper()
	id, payor := s.open(`{"amount_usd":30}`)
	address, units := s.a.AllocateOn(payor, t)
	s.pay(address.TempAddress, t, new(big.Int).Quo(units.Big(), big.NewInt(3)))
	s.until(id, "a part is seen", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "underpaid" })
	rest, units := s.a.AllocateOn(payor, t)
	if rest.TempAddress != address.TempAddress {
		s.Errorf("the address changed from %s to %s", address.TempAddress, rest.TempAddress)
	}
	s.pay(address.TempAddress, t, new(big.Int).Mul(units.Big(), big.NewInt(2)))
	s.until(id, "more than the rest pays it", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "paid" })
}

func reason(p *api.Payment) string {
	if p.StatusReason == nil {
		return ""
	}
	return *p.StatusReason
}

func (s *networkStory) late(t pay.Token) {
	s.Helper()
	id, payor := s.open(`{"amount_usd":10,"expires_in":3000}`)
	address, units := s.a.AllocateOn(payor, t)
	s.until(id, "it has expired", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "expired" })
	s.pay(address.TempAddress, t, units.Big())
	v := s.until(id, "a late payment is recorded", func(v api.InvoiceStatus) bool {
		return v.LatestPayment != nil && v.LatestPayment.Status == "manual_retry"
	})
	if v.Invoice.Status != "expired" || reason(v.LatestPayment) != pay.ReasonLate {
		s.Errorf("late: %+v, %+v", v.Invoice, v.LatestPayment)
	}
}

// dropped pays, and the chain takes it back before it is final.
func (s *networkStory) dropped(t pay.Token) {
	s.Helper()
	id, payor := s.open(`{"amount_usd":10}`)
	address, units := s.a.AllocateOn(payor, t)
	tx := s.pay(address.TempAddress, t, units.Big())
	s.until(id, "it is seen", func(v api.InvoiceStatus) bool { return v.LatestPayment != nil })
	if err := s.n.Drop(s.Context(), tx); err != nil {
		s.Logf("the chain would not take it back: %v", err) // it was final already
		return
	}
	s.sent[t.ID].Sub(s.sent[t.ID], units.Big())
	v := s.until(id, "it is told as gone", func(v api.InvoiceStatus) bool { return v.LatestPayment.Status == "manual_retry" })
	if v.Invoice.Status != "unpaid" {
		s.Errorf("dropped: %+v", v)
	}
}

// settled waits until all that came is with the merchant, to the last unit.
func (s *networkStory) settled() {
	s.Helper()
	for _, id := range s.invoices {
		s.until(id, "invoice "+id+" is settled", func(v api.InvoiceStatus) bool {
			i := testkit.Ask[api.Invoice](s, "GET", s.a.URL+"/api/v1/invoices/"+id+"?expand=payments", "", testkit.Headers{"x-api-key", s.a.Key})
			for _, p := range i.Payments.Data {
				if p.SettlementStatus != "settled" && reason(&p) != pay.ReasonReorged {
					return false
				}
			}
			return true
		})
	}
	for _, t := range s.n.Tokens {
		got := new(big.Int).Sub(s.holds(s.n.Payout, t), s.before[t.ID])
		if t.Network == "ton" && t.Type == pay.Native { // a deposit wallet pays nanotons of rent between two transactions
			got.Add(got, big.NewInt(1000))
		}
		more := got.Cmp(s.sent[t.ID]) > 0 && t.Type == pay.Native && (t.Network == "ton" || t.Network == "cardano") // what must lie beside a token, and what is left of a fee, come along
		if got.Cmp(s.sent[t.ID]) != 0 && !more {
			s.Errorf("the merchant got %s of %s %s", got, s.sent[t.ID], t.Symbol)
		}
	}
}
