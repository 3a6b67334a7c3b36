package pay_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

func units(n int64) money.Units { return money.NewUnits(big.NewInt(n)) }

// sane checks what holds after every Reckon: twice is once, the order of the list
// does not matter, what counts adds up to what is paid.
func sane(t *testing.T, s *scene) {
	t.Helper()
	again, ps := pay.Reckon(s.invoice, s.payments, start.Add(24*time.Hour))
	if was, is := fmt.Sprintf("%+v %+v", s.invoice, s.payments), fmt.Sprintf("%+v %+v", again, ps); was != is {
		t.Fatalf("twice is not once:\n%s\n%s", was, is)
	}
	turned := slices.Clone(s.payments)
	slices.Reverse(turned)
	if again, ps := pay.Reckon(s.invoice, turned, start); fmt.Sprintf("%+v %+v", again, ps) != fmt.Sprintf("%+v %+v", s.invoice, s.payments) {
		t.Fatalf("the order of the list matters: %+v", turned)
	}
	var sum money.USD
	for _, p := range s.payments {
		if p.Amount < 0 {
			t.Fatalf("a payment worth %d", p.Amount)
		}
		if p.Counts() {
			sum = sum.Add(p.Amount)
		}
	}
	if i := s.invoice; i.Paid != sum || i.Remaining() < 0 || i.Status == pay.Paid && i.Remaining() != 0 {
		t.Fatalf("%d is paid, the payments that count are worth %d, %d remains", i.Paid, sum, i.Remaining())
	}
	if i := s.invoice; (i.LockedTokenID != 0) != (i.LockedNetwork != "") || i.LockedTokenID != 0 && (i.Status == pay.Unpaid || i.Status == pay.Paid) {
		t.Fatalf("a %s invoice is locked to token %d of %q", i.Status, i.LockedTokenID, i.LockedNetwork)
	}
}

// Any number of deposits come, vanish, come again and become final in any order the
// chain allows, under several quotes, while the invoice may expire or be canceled.
func FuzzReckon(f *testing.F) {
	for seed := range uint64(24) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := in(pay.Unpaid)
		s.invoice.Amount = money.USD(10 + r.Int64N(1_000_000))
		var quotes []pay.Quote
		height, now := uint64(10), start
		for step := range 60 {
			before, were := s.invoice, map[string]pay.Payment{}
			for _, p := range s.payments {
				were[p.ID] = p
			}
			now = now.Add(time.Duration(r.IntN(180)) * time.Second)
			if len(quotes) == 0 || r.IntN(8) == 0 {
				quotes = append(quotes, pay.Quote{ID: fmt.Sprint("q", len(quotes)), Due: max(1, s.invoice.Remaining()), Units: units(1 + r.Int64N(1<<40))})
			}
			block := pay.Block{Height: height, Hash: fmt.Sprint("h", height), Time: now}
			ps := slices.Clone(s.payments)
			switch at := r.IntN(max(1, len(ps))); {
			case len(ps) < 12 && r.IntN(3) == 0:
				p := payment(fmt.Sprint("p", step), 0)
				p.TxHash, p.Index = fmt.Sprint("tx", step/4), -step
				p.Block, p.Network = block, pay.Networks[r.IntN(2)]
				q := quotes[r.IntN(len(quotes))]
				part := r.Int64N(4)
				p.Units = units(1 + r.Int64N(max(1, q.Units.Big().Int64()*part/2)))
				if p = p.ValuedBy(q); r.IntN(5) == 0 {
					p.QuoteID, p.QuoteUnits = "", money.Units{}
				}
				if r.IntN(6) == 0 {
					p.TokenID = 3
				}
				if r.IntN(6) == 0 {
					p.TokenID, p.Expected = 7, pay.Networks[2]
				}
				ps = append(ps, p)
			case len(ps) == 0:
			case r.IntN(6) == 0:
				accepted, err := ps[at].Accept()
				if got := err == nil; got != (ps[at].Accepted || ps[at].Status == pay.PaymentManualRetry && ps[at].Sight == pay.Final && ps[at].Priced()) {
					t.Fatalf("step %d accepts %+v: %v", step, ps[at], err)
				}
				ps[at] = accepted
			case ps[at].Sight != pay.Final && r.IntN(4) > 0:
				if ps[at].Sight = []pay.Sight{pay.Seen, pay.Doubtful, pay.Gone}[r.IntN(3)]; ps[at].Sight == pay.Seen {
					ps[at].Block = block
				}
			case !ps[at].Priced():
				ps[at] = ps[at].ValuedBy(pay.Quote{ID: "market:" + ps[at].ID, Due: pay.MaxAmount, Units: units(1 << 50)})
			case r.IntN(12) == 0:
				s.invoice = s.invoice.Expire(now)
			case r.IntN(20) == 0:
				s.invoice, _ = s.invoice.Cancel(ps)
			default: // all up to here become final, on one network
				for n := range ps {
					if ps[n].Sight == pay.Seen && ps[n].Network == ps[at].Network {
						ps[n].Sight = pay.Final
					}
				}
			}
			height += uint64(r.IntN(2))
			closed := !s.invoice.Status.Open()
			status := s.invoice.Status
			s.invoice, s.payments = pay.Reckon(s.invoice, ps, now)
			sane(t, s)
			if s.invoice.Paid < before.Paid || closed && s.invoice.Status != status && (s.invoice.Status != pay.Paid || !accepts(s.payments)) || before.Status == pay.Underpaid && s.invoice.Status == pay.Unpaid {
				t.Fatalf("step %d un-pays: %s %d, then %s %d", step, before.Status, before.Paid, s.invoice.Status, s.invoice.Paid)
			}
			for _, p := range s.payments {
				if was := were[p.ID]; was.Decided() && was.Accepted == p.Accepted && (was.Status != p.Status || was.Reason != p.Reason || was.Amount != p.Amount && was.Priced() || !was.ConfirmedAt.Equal(p.ConfirmedAt)) {
					t.Fatalf("step %d decides again: %+v, then %+v", step, was, p)
				} else if !was.Accepted && p.Accepted && (!p.Counts() || was.Amount != p.Amount || was.Reason != p.Reason) {
					t.Fatalf("step %d accepts %+v as %+v", step, was, p)
				}
				if p.Stray() && p.Counts() {
					t.Fatalf("step %d counts %+v by itself", step, p)
				}
			}
		}
	})
}

// accepts reports whether the merchant has accepted any.
func accepts(ps []pay.Payment) bool {
	return slices.ContainsFunc(ps, func(p pay.Payment) bool { return p.Accepted })
}

// Whoever pays what was asked has paid, in however many parts, under up to five
// quotes, each final in turn or all at once.
func FuzzSplit(f *testing.F) {
	f.Add(uint64(1), uint32(49_990), uint64(243108730112), uint8(6))
	f.Add(uint64(2), uint32(10), uint64(99990000), uint8(18))
	for seed := range uint64(64) {
		f.Add(seed, uint32(10+seed*104_729), 1+seed*7_919_000_000, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, amount uint32, price uint64, decimals uint8) {
		rate := money.NewRate(new(big.Int).SetUint64(price), 8)
		due := money.USD(amount)
		if !rate.Positive() || due < pay.MinAmount || due > pay.MaxAmount {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 2))
		token := pay.Token{ID: 2, Decimals: int(decimals % 19), Buffer: r.Int64N(200)}
		s := in(pay.Unpaid)
		s.invoice.Amount = due
		var quotes []pay.Quote // asked for one after the other, before any part is final
		for n := range 1 + r.IntN(5) {
			quotes = append(quotes, pay.NewQuote(fmt.Sprint("q", n), s.invoice, pay.Address{}, token, rate, start))
		}
		left := quotes[0].Units
		for n := 0; !left.IsZero(); n++ {
			p := payment(fmt.Sprint("p", n), 0)
			p.Block.Height += uint64(n)
			p = p.ValuedBy(quotes[min(n, len(quotes)-1)])
			if p.Units = left; n < 20 && r.IntN(4) > 0 {
				part := new(big.Int).Mul(left.Big(), big.NewInt(r.Int64N(1000)))
				p.Units = money.NewUnits(part.Quo(part, big.NewInt(1000)))
			}
			if p.Units.IsZero() {
				p.Units = units(1)
			}
			left, _ = left.Sub(p.Units)
			if r.IntN(2) == 0 {
				s.finalize(p)
			} else {
				p.Sight = pay.Final
				s.payments = append(s.payments, p)
			}
		}
		s.invoice, s.payments = pay.Reckon(s.invoice, s.payments, start)
		sane(t, s)
		if s.invoice.Status != pay.Paid {
			t.Errorf("%s of %s is paid with all that was asked for, in %d parts under %d quotes", s.invoice.Paid, due, len(s.payments), len(quotes))
		}
		if over := s.invoice.Paid - due; over > 0 && len(quotes) == 1 {
			t.Errorf("%d too much is credited", over)
		}
	})
}

func TestReckonStories(t *testing.T) {
	t.Parallel()
	t.Run("an accepted part is the last, whatever the number of its block", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Underpaid)
		p := s.finalize(stray(60_00 * money.Cent))
		if i := s.invoice; i.Status != pay.Underpaid || i.LockedNetwork != "ethereum" || i.Paid != 40_00*money.Cent {
			t.Errorf("%s, locked to %s, paid %s", i.Status, i.LockedNetwork, i.Paid)
		}
		if p = s.accept(p); p.Status != pay.PaymentConfirmed || s.invoice.Status != pay.Paid || s.invoice.PayerNetwork != "base" {
			t.Errorf("%s, and the invoice is %s by somebody on %s", p.Status, s.invoice.Status, s.invoice.PayerNetwork)
		}
	})
	t.Run("what is on another network locks nothing until it is accepted", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Unpaid)
		p := s.finalize(stray(60_00 * money.Cent))
		if i := s.invoice; i.LockedTokenID != 0 || i.LockedNetwork != "" || i.Paid != 0 {
			t.Errorf("locked to token %d of %q, paid %s", i.LockedTokenID, i.LockedNetwork, i.Paid)
		}
		s.accept(p)
		if i := s.invoice; i.LockedTokenID != 7 || i.LockedNetwork != "base" || i.Status != pay.Underpaid {
			t.Errorf("%s, locked to token %d of %q", i.Status, i.LockedTokenID, i.LockedNetwork)
		}
	})
	t.Run("two accepted parts bring an expired invoice back", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Expired)
		s.accept(s.finalize(stray(60_00 * money.Cent)))
		late := payment("late", 40_00*money.Cent)
		late.Block.Time = expiry.Add(time.Minute)
		late = *s.finalize(late)
		if i := s.invoice; i.Status != pay.Expired || i.Paid != 60_00*money.Cent || i.LockedTokenID != 0 {
			t.Errorf("%s, locked to token %d, paid %s", i.Status, i.LockedTokenID, i.Paid)
		}
		s.accept(&late)
		if i := s.invoice; i.Status != pay.Paid || i.Remaining() != 0 || i.PaidAt.IsZero() {
			t.Errorf("%s, %s remains", i.Status, i.Remaining())
		}
		sane(t, s)
	})
	t.Run("dust locks nothing", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Unpaid)
		s.dust()
		if i := s.invoice; i.Status != pay.Unpaid || i.LockedTokenID != 0 || i.LockedNetwork != "" {
			t.Errorf("%s, locked to token %d", i.Status, i.LockedTokenID)
		}
	})
	t.Run("the first part locks, the last unlocks for good", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Underpaid)
		if i := s.invoice; i.LockedTokenID != 2 || i.LockedNetwork != "ethereum" {
			t.Errorf("locked to token %d of %q", i.LockedTokenID, i.LockedNetwork)
		}
		s.final(60_00*money.Cent, "rest")
		s.final(5_00*money.Cent, "more")
		if i := s.invoice; i.Status != pay.Paid || i.LockedTokenID != 0 || i.Paid != 105_00*money.Cent {
			t.Errorf("%s, locked to token %d, paid %s", i.Status, i.LockedTokenID, i.Paid)
		}
		sane(t, s)
	})
	t.Run("an expired invoice keeps what was paid", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Underpaid)
		s.invoice = s.invoice.Expire(expiry)
		p := s.minedAt(expiry.Add(time.Second))
		if i := s.invoice; i.Status != pay.Expired || i.Paid != 40_00*money.Cent || p.Reason != pay.ReasonLate || p.Amount != due {
			t.Errorf("%s, paid %s, the rest %q and worth %s", i.Status, i.Paid, p.Reason, p.Amount)
		}
	})
	t.Run("more than there is", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Unpaid)
		for n := range 3 {
			p := payment(fmt.Sprint("p", n), 0)
			p.QuoteID = p.ID
			p.Units, _ = money.ParseUnits(strings.Repeat("9", 77))
			if p := s.finalize(p); p.Status != pay.PaymentConfirmed {
				t.Errorf("payment %d is %s", n, p.Status)
			}
			sane(t, s)
		}
		if i := s.invoice; i.Status != pay.Paid || i.Paid != math.MaxInt64 {
			t.Errorf("%s, paid %d", i.Status, i.Paid)
		}
	})
	t.Run("parts of one quote round once", func(t *testing.T) {
		t.Parallel()
		s, got := in(pay.Unpaid), ""
		for n := range 3 {
			p := payment(fmt.Sprint("p", n), 0)
			p.Units, p.QuoteUnits = units(1), units(3)
			got += s.finalize(p).Amount.String() + " "
		}
		if got != "33.333 33.333 33.334 " || s.invoice.Status != pay.Paid {
			t.Errorf("thirds of $100 are %s", got)
		}
	})
	t.Run("late and priced later still", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Expired)
		p := *s.finalize(unpriced(50_00 * money.Cent))
		if p = *s.reckon(p.ValuedBy(pay.Quote{ID: "m", Due: due, Units: units(int64(due) * 1000)})); p.Amount != 50_00*money.Cent || p.Reason != pay.ReasonLate {
			t.Errorf("it is worth %s, %q", p.Amount, p.Reason)
		}
	})
	t.Run("who paid is not forgotten", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Underpaid)
		p := payment("p", 60_00*money.Cent)
		p.From = ""
		s.finalize(p)
		if i := s.invoice; i.PayerAddress != "payer" || i.PayerNetwork != "ethereum" {
			t.Errorf("paid by %q on %q", i.PayerAddress, i.PayerNetwork)
		}
	})
	t.Run("another quote, asked for after the first part", func(t *testing.T) {
		t.Parallel()
		s := in(pay.Underpaid)
		q := pay.NewQuote("q2", s.invoice, pay.Address{}, pay.Token{Decimals: 6}, money.NewRate(big.NewInt(3), 0), start)
		if q.Due != 60_00*money.Cent || q.Units.String() != "20000000" || !q.ValidUntil.Equal(start.Add(pay.QuoteLife)) {
			t.Errorf("the rest is quoted as %s, %s units", q.Due, q.Units)
		}
		p := payment("p", 0).ValuedBy(q)
		p.Units = q.Units
		if p := s.finalize(p); s.invoice.Status != pay.Paid || p.Amount != 60_00*money.Cent {
			t.Errorf("%s, worth %s", s.invoice.Status, p.Amount)
		}
	})
	t.Run("worth at the market", func(t *testing.T) {
		t.Parallel()
		p := payment("p", 0).ValuedAt(pay.Token{Decimals: 6}, money.NewRate(big.NewInt(15), 1))
		p.Units = units(2_000_000)
		s := in(pay.Unpaid)
		if p := s.finalize(p); p.Amount != 3_00*money.Cent-1 { // never more than it is
			t.Errorf("two tokens at 1.50 are worth %s", p.Amount)
		}
	})
}
