package billing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	merchantAddress = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
	dollarAddress   = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
)

// knowing is a fake chain that can also say where to look.
type knowing struct{ *fake.Chain }

func (k knowing) Find(_ context.Context, hash string) (chain.Place, bool, error) {
	for _, d := range k.Contents(1 << 40).Deposits {
		if d.TxHash == hash {
			return chain.Place{Mined: true, Height: d.Block.Height}, true, nil
		}
	}
	return chain.Place{Mined: true, Failed: true}, hash == "0xfailed", nil
}

func (k knowing) Mentions(_ context.Context, addresses []string, from, to uint64) (hs []uint64, err error) {
	for _, d := range k.Contents(to).Deposits {
		if d.Block.Height >= from && slices.Contains(addresses, d.Address) && d.Token != "" {
			hs = append(hs, d.Block.Height)
		}
	}
	return hs, nil
}

// till is a deployment's billing on a chain that the test writes.
type till struct {
	*billing.Billing
	t       *testing.T
	chain   *fake.Chain
	watcher *chain.Watcher
	clock   *testkit.Clock
	session billing.Session
	address map[int64]string
}

func newTill(t *testing.T, s *store.Store, clock *testkit.Clock, finder bool) *till {
	t.Helper()
	keys, err := auth.New(bytes.Repeat([]byte("s"), 32))
	if err != nil {
		t.Fatal(err)
	}
	one, _ := money.ParseRate("1")
	log := slog.New(slog.DiscardHandler)
	board := &rates.Board{
		Sources: []rates.Source{&rates.Static{Rates: map[string]money.Rate{"USDC": one, "ETH": one}, Now: clock.Now}},
		Symbols: []string{"USDC", "ETH"}, MaxAge: time.Hour, Now: clock.Now, Log: log,
	}
	board.Refresh(t.Context())
	c := fake.New("ethereum")
	network := pay.Devchain
	b := &billing.Billing{
		Store: s, Auth: keys, Rates: board, Wallets: app.Wallets(), Log: log,
		Registry: &pay.Registry{Networks: []pay.Network{network}, Tokens: pay.DevchainTokens(dollarAddress)},
		Chains:   map[pay.NetworkName]chain.Driver{"ethereum": c},
	}
	if finder {
		b.Chains["ethereum"] = knowing{c}
	}
	x := &till{Billing: b, t: t, chain: c, clock: clock, address: map[int64]string{}, watcher: &chain.Watcher{
		Driver: c, Book: &billing.Book{Billing: b, Network: network}, Confirmations: network.Confirmations, Batch: 8, Probes: 8, Log: log, Now: clock.Now,
	}}
	x.mine(4)
	m, err := b.AddMerchant(t.Context(), pay.Merchant{Name: "m", Environment: pay.Devnet}, map[pay.Family]string{pay.EVM: merchantAddress})
	if err != nil {
		t.Fatal(err)
	}
	amount := api.Number("10")
	answer, err := b.Open(t.Context(), billing.Caller{Merchant: m, Environment: pay.Devnet}, api.CreateInvoiceRequest{AmountUSD: &amount}, billing.Once{Key: testkit.UUID()})
	if err != nil {
		t.Fatal(err)
	}
	made := parse[api.CreatedInvoice](t, answer)
	if x.session, err = b.BySession(t.Context(), made.SessionToken, made.Signature); err != nil {
		t.Fatal(err)
	}
	for _, token := range []int64{10, 11} {
		a, err := b.Allocate(t.Context(), x.session, "ethereum", token)
		if err != nil {
			t.Fatal(err)
		}
		x.address[token] = a.Address.Address
	}
	return x
}

// mine adds empty blocks and has the watcher read them.
func (x *till) mine(n int) {
	x.t.Helper()
	for range n {
		x.chain.Mine(fake.Content{})
	}
	x.watch()
}

func (x *till) watch() {
	x.t.Helper()
	for more := true; more; {
		var err error
		if more, err = x.watcher.Step(x.t.Context()); err != nil {
			x.t.Fatal(err)
		}
	}
}

// pays mines a deposit for the invoice, in the time of its quote.
func (x *till) pays(hash string, token int64, units int64) {
	d := pay.Deposit{TxHash: hash, Index: 3, Address: x.address[token], Token: dollarAddress, Units: money.NewUnits(big.NewInt(units)), From: "payer"}
	if token == 11 {
		d.Index, d.Token = pay.IndexValue, ""
	}
	x.chain.Mine(fake.Content{Deposits: []pay.Deposit{d}})
}

// missed is pays, and a node that shows the watcher none of it until it is final.
func (x *till) missed(hash string, token int64, units int64) {
	x.t.Helper()
	x.chain.Break(fake.Faults{Omit: true})
	x.pays(hash, token, units)
	x.mine(4)
	x.chain.Break(fake.Faults{})
}

// verify asks for a verification and carries it out to its end.
func (x *till) verify(hash string) api.Verification {
	x.t.Helper()
	r := api.VerifyRequest{}
	if hash != "" {
		r.TxHash = &hash
	}
	answer, err := x.AskVerification(x.t.Context(), x.session, r, billing.Once{})
	if err != nil {
		x.t.Fatal(err)
	}
	v := parse[api.Wrapped[api.Verification]](x.t, answer).Data
	for again := x.clock.Now(); !again.IsZero(); {
		if again, err = x.Verify(x.t.Context(), v.ID); err != nil {
			x.t.Fatal(err)
		}
		if !again.IsZero() {
			x.clock.Add(again.Sub(x.clock.Now()))
			x.watch()
		}
	}
	if v, err = x.Verification(x.t.Context(), x.session); err != nil {
		x.t.Fatal(err)
	}
	return v
}

// paid fails the test unless the invoice has so many payments that count, worth so much.
func (x *till) paid(payments int, usd money.USD) {
	x.t.Helper()
	g, err := x.Progress(x.t.Context(), x.session)
	n := 0
	for _, p := range g.Payments {
		if p.Counts() {
			n++
		}
	}
	if err != nil || n != payments || g.Invoice.Paid != usd {
		x.t.Errorf("%d payments count, worth %s; want %d, worth %s: %v", n, g.Invoice.Paid, payments, usd, err)
	}
}

// each runs a test on both engines, with a driver that can say where to look and with
// one that cannot.
func each(t *testing.T, f func(t *testing.T, x *till)) {
	t.Helper()
	for _, finder := range []bool{true, false} {
		t.Run(fmt.Sprint("finder ", finder), func(t *testing.T) {
			t.Parallel()
			testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
				c.Add(time.Unix(1_700_000_000, 0).Sub(testkit.Epoch)) // the fake chain's time
				f(t, newTill(t, s, c, finder))
			})
		})
	}
}

// What a watcher missed is found, credited once, and by its own rules.
func TestVerificationFindsWhatWasMissed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		if v := x.verify(""); v.Status != "nothing_found" || v.JobStatus != "completed" || v.AttemptCount != 2 || v.Result == nil || v.CompletedAt == nil || v.NextAttemptAt != nil {
			t.Errorf("nothing: %+v", v)
		}
		x.missed("0xa", 10, 4_000_000)
		x.paid(0, 0)
		x.clock.Add(time.Second)
		v := x.verify("")
		if v.Status != "found" || len(v.Result.Payments) != 1 || v.AttemptCount != 1 || v.Error != nil {
			t.Errorf("missed: %+v %+v", v, v.Result)
		}
		x.paid(1, 4_000)
		x.clock.Add(time.Second)
		if v := x.verify(""); v.Status != "known" || len(v.Result.Payments) != 1 {
			t.Errorf("again: %+v", v)
		}
		if v := x.verify("0xA"); v.Status != "known" || v.Result.Message != "This transaction is recorded already; its payment is underpaid." {
			t.Errorf("by name: %+v %+v", v, v.Result)
		}
		x.paid(1, 4_000)
		x.missed("0xb", 10, 6_000_000)
		x.clock.Add(time.Second)
		if v := x.verify("0xb"); v.Status != "found" {
			t.Errorf("the rest: %+v %+v", v, v.Result)
		}
		x.paid(2, 10_000)
		x.mine(8)
		x.paid(2, 10_000)
	})
}

// Two that look, and a watcher that looks at the same blocks, count once.
func TestVerificationsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		x.missed("0xa", 10, 10_000_000)
		answer, err := x.AskVerification(t.Context(), x.session, api.VerifyRequest{}, billing.Once{})
		if err != nil {
			t.Fatal(err)
		}
		first := parse[api.Wrapped[api.Verification]](t, answer).Data
		if answer, err = x.AskVerification(t.Context(), x.session, api.VerifyRequest{}, billing.Once{}); err != nil || parse[api.Wrapped[api.Verification]](t, answer).Data.ID != first.ID {
			t.Errorf("a second one is under way: %s %v", answer, err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := x.Verify(t.Context(), first.ID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		x.paid(1, 10_000)
	})
}

// Native coin counts once, whether its transfer or the balance is seen first.
func TestNativeCoinCountsOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		x.missed("0xa", 11, 4_000_000_000_000_000_000) // the watcher compares the balance by itself
		x.clock.Add(time.Hour)
		x.mine(4)
		x.paid(1, 3_980)
		if v := x.verify("0xa"); v.Status != "known" {
			t.Errorf("its transfer: %+v %+v", v, v.Result)
		}
		x.paid(1, 3_980)
	})
}

// A transaction that is not, not yet, or not for us is told plainly.
func TestVerificationOfTransactions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		_, finder := x.Chains["ethereum"].(chain.Finder)
		status := func(hash string, with, without string) {
			t.Helper()
			want := without
			if finder {
				want = with
			}
			x.clock.Add(time.Second)
			if v := x.verify(hash); v.Status != want || v.JobStatus != "completed" || v.Result.Message == "" {
				t.Errorf("%s: %+v %+v, want %s", hash, v, v.Result, want)
			}
		}
		status("0xnone", "tx_not_found", "other_address")
		status("0xfailed", "tx_failed", "other_address")
		x.chain.Mine(fake.Content{Deposits: []pay.Deposit{{TxHash: "0xelse", Address: "0xelse", Token: dollarAddress, Units: money.NewUnits(big.NewInt(1))}}})
		x.mine(4)
		status("0xelse", "other_address", "other_address")
		x.chain.Break(fake.Faults{Omit: true})
		x.pays("0xyoung", 10, 10_000_000)
		x.watch()
		x.chain.Break(fake.Faults{})
		status("0xyoung", "confirming", "other_address")
		x.paid(0, 0) // nothing that is not final counts
		x.mine(1)
		status("0xyoung", "confirming", "other_address")
		x.mine(1)
		status("0xyoung", "found", "found")
		x.paid(1, 10_000)
	})
}

// A node that is out of order is asked again, and not for ever.
func TestVerificationGivesUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		answer, err := x.AskVerification(t.Context(), x.session, api.VerifyRequest{}, billing.Once{})
		if err != nil {
			t.Fatal(err)
		}
		id := parse[api.Wrapped[api.Verification]](t, answer).Data.ID
		x.chain.Break(fake.Faults{Fail: func(string) error { return errors.New("out of order") }})
		for n := 1; n <= pay.MaxAttempts; n++ {
			again, err := x.Verify(t.Context(), id)
			v, e := x.Verification(t.Context(), x.session)
			if err = errors.Join(err, e); err != nil {
				t.Fatal(err)
			}
			last := n == pay.MaxAttempts
			if again.IsZero() != last || (v.NextAttemptAt == nil) != last || (v.CompletedAt != nil) != last || v.AttemptCount != n || v.Error == nil || v.Result != nil || v.Status != map[bool]string{false: "pending", true: "failed"}[last] {
				t.Errorf("attempt %d: %+v, again %s", n, v, again)
			}
			x.clock.Add(time.Hour)
		}
		x.chain.Break(fake.Faults{})
		if again, err := x.Verify(t.Context(), id); err != nil || !again.IsZero() {
			t.Errorf("it is not over: %s %v", again, err)
		}
		if v := x.verify(""); v.ID == id || v.Status != "nothing_found" {
			t.Errorf("a new one: %+v", v)
		}
	})
}

// racing has something happen between the question for balances and its answer.
type racing struct {
	*fake.Chain
	between func()
}

func (r *racing) Surplus(ctx context.Context, at pay.Block, probes []pay.Probe) ([]pay.Deposit, error) {
	if f := r.between; f != nil {
		r.between = nil
		f()
	}
	return r.Chain.Surplus(ctx, at, probes)
}

// A verification that finds a transfer while the watcher compares the balance that it
// made does not make it count twice.
func TestVerificationBesideAProbe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, x *till) {
		r := &racing{Chain: x.chain}
		x.watcher.Driver, x.watcher.Probes = r, 0
		x.missed("0xa", 11, 4_000_000_000_000_000_000)
		x.watcher.Probes = 8
		ran := false
		r.between = func() {
			ran = true
			x.watcher.Probes = 0
			hash := "0xa"
			answer, err := x.AskVerification(t.Context(), x.session, api.VerifyRequest{TxHash: &hash}, billing.Once{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.Verify(t.Context(), parse[api.Wrapped[api.Verification]](t, answer).Data.ID); err != nil {
				t.Fatal(err)
			}
			x.paid(1, 3_980)
		}
		x.clock.Add(time.Minute)
		x.mine(1)
		if !ran {
			t.Fatal("the watcher asked for no balance")
		}
		x.watcher.Probes = 8
		x.clock.Add(time.Minute)
		x.mine(4)
		x.paid(1, 3_980)
	})
}
