package pay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Whatever is swept, no more is settled than was, in the order it came, and what
// was settled stays so.
func FuzzSettle(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		var ps []pay.Payment
		var sweeps []pay.Sweep
		var held, swept money.Units
		for step := range 40 {
			if r.IntN(3) > 0 {
				p := payment(fmt.Sprint("p", step), 0)
				p.Units, p.Settlement = units(1+r.Int64N(100)), pay.Settlement{ID: int64(step), Status: pay.SettlementPending, Reason: "why"}
				if p.Sight = pay.Final; r.IntN(6) == 0 {
					p.Sight = pay.Seen
				} else {
					held = held.Add(p.Units)
				}
				ps = append(ps, p)
			} else if !held.IsZero() {
				all := held
				if r.IntN(3) == 0 { // as no sweep of ours does: a part
					all = units(1 + r.Int64N(held.Big().Int64()))
				}
				held, _ = held.Sub(all)
				swept = swept.Add(all)
				sweeps = append(sweeps, pay.Sweep{TxHash: fmt.Sprint("s", step), Units: all})
			}
			at := start.Add(time.Duration(step) * time.Second)
			for _, c := range pay.Settle(ps, sweeps, at) {
				n := slices.IndexFunc(ps, func(p pay.Payment) bool { return p.ID == c.ID })
				if was := ps[n].Settlement; was.Status == pay.SettlementSettled || c.Settlement.Status != pay.SettlementSettled ||
					c.Settlement.ID != was.ID || c.Settlement.TxHash == "" || c.Settlement.Reason != "" || !c.Settlement.At.Equal(at) {
					t.Fatalf("%+v became %+v", was, c.Settlement)
				}
				ps[n] = c
			}
			var settled, due money.Units
			open := false
			for _, p := range ps {
				if p.Sight != pay.Final {
					if p.Settlement.Status == pay.SettlementSettled {
						t.Fatal("a payment settled before it was final")
					}
					continue
				}
				due = due.Add(p.Units)
				if p.Settlement.Status != pay.SettlementSettled {
					if open = true; due.Cmp(swept) <= 0 {
						t.Fatalf("%s is swept and a payment within is %s", swept, p.Settlement.Status)
					}
				} else if settled = settled.Add(p.Units); open {
					t.Fatal("a payment settled before an earlier one")
				}
			}
			if settled.Cmp(swept) > 0 {
				t.Fatalf("%s settled of %s swept", settled, swept)
			}
			if again := pay.Settle(ps, sweeps, at); len(again) > 0 {
				t.Fatalf("settling twice changes %d payments", len(again))
			}
		}
	})
}

func TestSettleNamesTheSweep(t *testing.T) {
	t.Parallel()
	a, b := payment("a", 0), payment("b", 0)
	a.Units, b.Units, a.Sight, b.Sight = units(10), units(5), pay.Final, pay.Final
	got := pay.Settle([]pay.Payment{a, b}, []pay.Sweep{{TxHash: "s1", Units: units(4)}, {TxHash: "s2", Units: units(8)}, {TxHash: "s3", Units: units(3)}}, start)
	if len(got) != 2 || got[0].Settlement.TxHash != "s2" || got[1].Settlement.TxHash != "s3" {
		t.Errorf("settled by %+v", got)
	}
	if got := pay.Settle([]pay.Payment{a, b}, nil, start); got != nil {
		t.Errorf("nothing was swept, and %+v settled", got)
	}
}

func TestNextAttempt(t *testing.T) {
	t.Parallel()
	var least, most time.Duration
	failed := 1
	for ; ; failed++ {
		low, ok := pay.NextAttempt(failed, 0)
		if !ok {
			break
		}
		high, _ := pay.NextAttempt(failed, 1)
		if d := high - low; d < low/10-time.Millisecond || d > low/10+time.Millisecond {
			t.Errorf("after %d failures jitter spreads %s over %s, not over a tenth", failed, low, d)
		}
		for jitter, want := range map[float32]time.Duration{-1: low, 2: high} {
			if got, _ := pay.NextAttempt(failed, jitter); got != want {
				t.Errorf("a jitter of %v waits %s, want %s", jitter, got, want)
			}
		}
		if before, _ := pay.NextAttempt(failed-1, 0); low < before {
			t.Errorf("wait %d is %s, shorter than %s before it", failed, low, before)
		}
		least, most = least+low, most+high
	}
	if least < 75*time.Hour || most > 4*24*time.Hour {
		t.Errorf("%d attempts take from %s to %s, want 75 h to four days", failed, least, most)
	}
	for _, n := range []int{-1, 0, failed, 1 << 30} {
		if d, ok := pay.NextAttempt(n, 0); ok {
			t.Errorf("after %d failures there is a wait of %s", n, d)
		}
	}
	if first, _ := pay.NextAttempt(1, 0); first > 10*time.Second {
		t.Errorf("the first retry waits %s", first)
	}
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	all := []pay.EventType{pay.InvoiceCreated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated, pay.OrderUpdated, pay.QuoteUpdated, pay.TestPing, pay.EndpointDisabled}
	for _, c := range []struct {
		list []string
		want string // the places of all that match
	}{
		{nil, "012345678"},
		{[]string{"invoice.*"}, "01"},
		{[]string{"invoice_payment.*"}, "23"},
		{[]string{"commerce.order.*"}, "45"},
		{[]string{"commerce.*", "*", "*.created", "invoice", "invoice.", ".created", ""}, ""},
		{[]string{"invoice.created", "test.ping"}, "07"},
		{[]string{"INVOICE.CREATED"}, ""},
		{[]string{"payment_quote.updated", "payment_quote.*"}, "6"},
		{pay.Subscribable, "0123457"},
		{pay.Filterable, "01234578"},
		{[]string{"webhook_endpoint.*"}, "8"},
	} {
		got := ""
		for n, e := range all {
			if e.In(c.list) {
				got += fmt.Sprint(n)
			}
		}
		if got != c.want {
			t.Errorf("%q names %s, want %s", c.list, got, c.want)
		}
	}
	for e, want := range map[pay.EventType]string{pay.InvoiceCreated: "invoice.*", pay.OrderUpdated: "commerce.order.*", pay.TestPing: "test.*", "odd": "*", "": "*"} {
		if got := e.Wildcard(); got != want {
			t.Errorf("the wildcard of %q is %q, want %q", e, got, want)
		}
	}
	for _, e := range all {
		if e.Private() != (e == pay.QuoteUpdated) || e.Unlisted() != (e == pay.QuoteUpdated || e == pay.TestPing) {
			t.Errorf("%s private: %v, unlisted: %v", e, e.Private(), e.Unlisted())
		}
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key  pay.Key
		want bool
	}{
		{pay.Key{}, true},
		{pay.Key{ExpiresAt: start.Add(time.Millisecond)}, true},
		{pay.Key{ExpiresAt: start}, false},
		{pay.Key{RevokedAt: start.Add(time.Hour)}, false},
	} {
		if got := c.key.Usable(start); got != c.want {
			t.Errorf("%+v usable: %v", c.key, got)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	for _, s := range pay.InvoiceStatuses {
		i := pay.Invoice{Status: s, ExpiresAt: expiry}
		if i.Closed(expiry.Add(-1)) != !s.Open() || !i.Closed(expiry) {
			t.Errorf("%s closed before its time: %v, at its time: %v", s, i.Closed(expiry.Add(-1)), i.Closed(expiry))
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	e := fmt.Errorf("cancel: %w", pay.Errorf(pay.CodeInvoiceState, "it is %s", pay.Paid))
	if e.Error() != "cancel: INVALID_INVOICE_STATE: it is paid" || pay.CodeOf(e) != pay.CodeInvoiceState || pay.CodeOf(nil) != "" || pay.CodeOf(errors.New("x")) != pay.CodeInternal {
		t.Errorf("%v has code %q", e, pay.CodeOf(e))
	}
}

func TestCause(t *testing.T) {
	t.Parallel()
	c := pay.Cause{RequestID: "r", IdempotencyKey: "k"}
	if got := pay.CauseOf(pay.WithCause(context.Background(), c)); got != c {
		t.Errorf("%+v", got)
	}
	if got := pay.CauseOf(context.Background()); got != (pay.Cause{}) {
		t.Errorf("%+v", got)
	}
}

// Ids are stable for ever and told apart; every token has its network, and there is
// one token at each address.
func TestRegistries(t *testing.T) {
	t.Parallel()
	listed, ok := pay.Listed("ethereum", pay.Mainnet)
	main := pay.Registry{Networks: []pay.Network{pay.Ethereum}, Tokens: listed.Tokens}
	if listed.Network != pay.Ethereum || !ok {
		t.Errorf("listed %+v", listed)
	}
	dev := pay.Registry{Networks: []pay.Network{pay.Devchain}, Tokens: pay.DevchainTokens("0xD011a7")}
	ids := map[int64]bool{}
	for _, r := range []pay.Registry{main, dev} {
		for _, token := range r.Tokens {
			n, ok := r.Network(token.Network)
			if !ok || !r.Known(n.Name) || n.Environment != token.Environment || n.Confirmations == 0 || n.BlockTime == 0 {
				t.Errorf("%s lives on %+v", token.Symbol, n)
			}
			at, ok := r.TokenAt(token.Network, token.Address)
			if by, found := r.Token(token.ID); !ok || !found || at != token || by != token || ids[token.ID] {
				t.Errorf("%s is not found as itself: %+v, %+v", token.Symbol, at, by)
			}
			if ids[token.ID] = true; (token.Type == pay.Native) != (token.Address == "") || token.Price == "" || token.Decimals <= 0 {
				t.Errorf("%+v", token)
			}
		}
	}
	if _, ok := main.Network("base"); ok {
		t.Error("a network that is not served")
	}
	if _, ok := main.Token(99); ok {
		t.Error("a token that is not served")
	}
	if _, ok := main.TokenAt("ethereum", "0x1"); ok {
		t.Error("a token at no address")
	}
	for n, want := range map[pay.NetworkName]string{"ethereum": "Ethereum", "bsc": "BSC", "ton": "TON", "": ""} {
		if got := n.Title(); got != want {
			t.Errorf("%q is titled %q", n, got)
		}
	}
	own := pay.Registry{Networks: []pay.Network{{Name: "polygon"}, pay.Ethereum}}
	if main.Known("polygon") || main.Known("") || !main.Known("sui") || !own.Known("polygon") || !own.Known("sui") || len(own.Names()) != len(pay.Networks)+1 {
		t.Errorf("names %v, own %v", main.Names(), own.Names())
	}
}
