package app_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// On each of the ten networks invoices are paid over HTTP: exactly, in parts, too much, too
// late, and by what the chain takes back; and whatever came reaches the merchant. On
// PostgreSQL one network of each family does, since nothing in the store knows the others
// apart.
func TestEachNetwork(t *testing.T) {
	t.Parallel()
	for _, name := range pay.Networks {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				if strings.HasPrefix(url, "postgres") && name.Family() == pay.EVM && name != "ethereum" {
					t.Skip("told on SQLite")
				}
				n := testkit.StartNetwork(t, name, simnet.Options{Seed: 1})
				s := &networkStory{T: t, n: n, a: testkit.StartOn(t, url, n), before: map[int64]*big.Int{}, sent: map[int64]*big.Int{}}
				for _, token := range n.Tokens {
					s.before[token.ID], s.sent[token.ID] = s.holds(n.Payout, token), new(big.Int)
				}
				late := s.open(n.Tokens[0], `{"amount_usd":10,"expires_in":3000}`)
				var exact, parts []*bought
				for _, token := range n.Tokens {
					exact, parts = append(exact, s.open(token, `{"amount_usd":10}`)), append(parts, s.open(token, `{"amount_usd":30}`))
				}
				for i := range n.Tokens {
					s.pay(exact[i], exact[i].units)
					s.pay(parts[i], new(big.Int).Quo(parts[i].units, big.NewInt(3)))
				}
				for i := range n.Tokens {
					s.exact(exact[i])
					s.tooMuch(parts[i])
				}
				s.late(late)
				for i := range n.Tokens {
					s.until(parts[i], "more than the rest pays it", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "paid" })
				}
				if n.Confirmations > 1 {
					s.dropped(s.open(n.Tokens[0], `{"amount_usd":10}`))
				}
				s.settled()
			})
		})
	}
}

// bought is an invoice with the address and the amount of its first quote.
type bought struct {
	id, address string
	payor       testkit.Headers
	token       pay.Token
	units       *big.Int
}

type networkStory struct {
	*testing.T
	n        *simnet.Network
	a        *testkit.App
	invoices []*bought
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

func (s *networkStory) open(t pay.Token, body string) *bought {
	s.Helper()
	made, payor := s.a.Open(body)
	address, units := s.a.AllocateOn(payor, t)
	b := &bought{made.InvoiceID, address.TempAddress, payor, t, units.Big()}
	s.invoices = append(s.invoices, b)
	return b
}

// pay sends units to an invoice's address and remembers it.
func (s *networkStory) pay(b *bought, units *big.Int) (tx string) {
	s.Helper()
	tx, err := s.n.Pay(s.Context(), b.address, b.token, money.NewUnits(units))
	if err != nil {
		s.Fatal(err)
	}
	s.sent[b.token.ID].Add(s.sent[b.token.ID], units)
	return tx
}

func (s *networkStory) until(b *bought, what string, is func(api.InvoiceStatus) bool) (v api.InvoiceStatus) {
	s.Helper()
	testkit.Eventually(s, what+", in "+b.token.Symbol, func() bool {
		v = s.a.Status(b.id)
		return is(v)
	})
	return v
}

func (s *networkStory) exact(b *bought) {
	s.Helper()
	v := s.until(b, "an invoice is paid", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "paid" })
	if v.Invoice.AmountPaid != v.Invoice.Amount || v.LatestPayment.Network != string(b.token.Network) {
		s.Errorf("paid %+v, %+v", v.Invoice, v.LatestPayment)
	}
}

// tooMuch pays twice the rest of what was paid in part.
func (s *networkStory) tooMuch(b *bought) {
	s.Helper()
	s.until(b, "a part is seen", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "underpaid" })
	rest, units := s.a.AllocateOn(b.payor, b.token)
	if rest.TempAddress != b.address {
		s.Errorf("the address changed from %s to %s", b.address, rest.TempAddress)
	}
	s.pay(b, new(big.Int).Mul(units.Big(), big.NewInt(2)))
}

func (s *networkStory) late(b *bought) {
	s.Helper()
	s.until(b, "it has expired", func(v api.InvoiceStatus) bool { return v.Invoice.Status == "expired" })
	s.pay(b, b.units)
	v := s.until(b, "a late payment is recorded", func(v api.InvoiceStatus) bool {
		return v.LatestPayment != nil && v.LatestPayment.Status == "manual_retry"
	})
	if v.Invoice.Status != "expired" || reason(v.LatestPayment) != pay.ReasonLate {
		s.Errorf("late: %+v, %+v", v.Invoice, v.LatestPayment)
	}
}

func reason(p *api.Payment) string {
	if p.StatusReason == nil {
		return ""
	}
	return *p.StatusReason
}

// dropped pays, and the chain takes it back before it is final.
func (s *networkStory) dropped(b *bought) {
	s.Helper()
	tx := s.pay(b, b.units)
	s.until(b, "it is seen", func(v api.InvoiceStatus) bool { return v.LatestPayment != nil })
	if err := s.n.Drop(s.Context(), tx); err != nil {
		s.Logf("the chain would not take it back: %v", err) // it was nearly final already
		return
	}
	s.sent[b.token.ID].Sub(s.sent[b.token.ID], b.units)
	v := s.until(b, "it is told as gone", func(v api.InvoiceStatus) bool { return v.LatestPayment.Status == "manual_retry" })
	if v.Invoice.Status != "unpaid" || reason(v.LatestPayment) != pay.ReasonReorged {
		s.Errorf("dropped: %+v", v)
	}
}

// settled waits until all that came is with the merchant, to the last unit.
func (s *networkStory) settled() {
	s.Helper()
	for _, b := range s.invoices {
		s.until(b, "invoice "+b.id+" is settled", func(api.InvoiceStatus) bool {
			i := testkit.Ask[api.Invoice](s, "GET", s.a.URL+"/api/v1/invoices/"+b.id+"?expand=payments", "", testkit.Headers{"x-api-key", s.a.Key})
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
