package solana_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
)

func TestFind(t *testing.T) {
	t.Parallel()
	c := newSim(3)
	d := newDriver(newClock(), c, newProxy(t, c), newProxy(t, c))
	good, err := c.Pay(sim.Payment{To: ourA, Units: 5})
	if err != nil {
		t.Fatal(err)
	}
	bad, _ := c.Pay(sim.Payment{To: ourA, Token: dollar, Units: 2e18})
	if _, ok, err := d.Find(t.Context(), good); ok || err != nil {
		t.Errorf("before it is in a block: %v, %v", ok, err)
	}
	c.Mine()
	head, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p, ok, err := d.Find(t.Context(), good); !ok || err != nil || !p.Mined || p.Failed || p.Height != head.Height {
		t.Errorf("%+v, %v, %v", p, ok, err)
	}
	if p, ok, err := d.Find(t.Context(), bad); !ok || err != nil || !p.Mined || !p.Failed {
		t.Errorf("failed: %+v, %v, %v", p, ok, err)
	}
	for _, name := range []string{"", "x", strings.ToLower(good), good + "1", "0x12", strings.Repeat("1", 5000), strings.Repeat("2", 88)} {
		if _, ok, err := d.Find(t.Context(), name); ok || err != nil {
			t.Errorf("%.20q: %v, %v", name, ok, err)
		}
	}
	dead := newProxy(t, c)
	dead.set(faults{garbage: true})
	if _, _, err := newDriver(newClock(), c, dead).Find(t.Context(), good); err == nil {
		t.Error("a node without an answer says that there is none")
	}
}

// What is not final waits.
func TestFindNotFinal(t *testing.T) {
	t.Parallel()
	c := sim.New(sim.Options{Lag: 3})
	d := newDriver(newClock(), c, newProxy(t, c))
	id, err := c.Pay(sim.Payment{To: ourA, Units: 5_000_000})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		c.Mine()
		if p, ok, err := d.Find(t.Context(), id); !ok || err != nil || p.Mined != (n >= 3) {
			t.Errorf("%d deep: %+v, %v, %v", n, p, ok, err)
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	c := newSim(4)
	d := newDriver(newClock(), c, newProxy(t, c))
	var want []uint64
	for _, p := range []sim.Payment{{To: ourA, Units: 5}, {To: stranger, Units: 5}, {To: ourB, Token: dollar, Units: 1}, {To: ourA, Token: newDollar, Units: 2}, {To: stranger, Units: 5, Reference: solana.Reference(ourB)}, {To: ourA, Token: fake, Units: 2}} {
		if _, err := c.Pay(p); err != nil {
			t.Fatal(err)
		}
		c.Mine()
		head, err := d.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.To != stranger || p.Reference != "" {
			want = append(want, head.Height)
		}
	}
	got, err := d.Mentions(t.Context(), []string{ourA, ourB}, 0, 1000)
	for _, h := range want[:4] { // the fake one may be named: a hint is not a finding
		if err != nil || !slices.Contains(got, h) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if got, err := d.Mentions(t.Context(), []string{ourA, ourB}, want[1], want[1]); err != nil || !slices.Equal(got, want[1:2]) {
		t.Errorf("at one height: %v, %v", got, err)
	}
	if _, err := d.Mentions(t.Context(), []string{"x"}, 0, 9); err == nil {
		t.Error("of no address")
	}
}

// A block that is found by a hint is read as any other: after the newest block below it.
func TestBlockBelowAGap(t *testing.T) {
	t.Parallel()
	c := newSim(5)
	d := newDriver(newClock(), c, newProxy(t, c), newProxy(t, c))
	for range 30 {
		c.Mine()
	}
	head, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gaps := 0
	for h := uint64(1); h <= head.Height; h++ {
		at, err := d.Block(t.Context(), h)
		if err != nil || at.Height > h {
			t.Fatalf("block %d: %v, %v", h, at, err)
		}
		before, err := d.Block(t.Context(), h-1)
		if err != nil || before.Height >= h {
			t.Fatalf("block before %d: %v, %v", h, before, err)
		}
		if at.Height < h { // in the gap there is nothing to read up to: the next block comes instead
			gaps++
			if f, err := d.Scan(t.Context(), at, h, none); err != nil || f.Blocks != 1 || f.Last.Height <= h {
				t.Errorf("scan up to a gap: %+v, %v", f, err)
			}
			continue
		}
		if f, err := d.Scan(t.Context(), before, h, none); err != nil || !f.Last.Is(at) || f.Blocks != 1 {
			t.Errorf("scan of one block: %+v, %v", f, err)
		}
	}
	if gaps == 0 {
		t.Error("this seed has no gaps")
	}
}

// What a node says of gaps is held against the blocks themselves.
func TestGapsAreProven(t *testing.T) {
	t.Parallel()
	c := newSim(5)
	p := newProxy(t, c)
	d := newDriver(newClock(), c, p)
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		c.Mine()
	}
	head, _ := d.Head(t.Context())
	if _, err := d.Block(t.Context(), head.Height+1); !errors.Is(err, node.ErrBehind) {
		t.Errorf("above the head: %v", err)
	}
	gap := from.Height + 1
	for b, _ := d.Block(t.Context(), gap); b.Height == gap; b, _ = d.Block(t.Context(), gap) {
		gap++
	}
	for name, f := range map[string]faults{
		"a slot below":           edit("getBlocksWithLimit", func(string) string { return "[1]" }),
		"none":                   edit("getBlocksWithLimit", func(string) string { return "[]" }),
		"one too late":           edit("getBlocksWithLimit", func(string) string { return fmt.Sprintf("[%d]", head.Height) }),
		"more than asked for":    edit("getBlocksWithLimit", func(s string) string { return "[" + s[1:len(s)-1] + "," + s[1:] }),
		"another before the gap": edit("getBlock", swap(`"previousBlockhash":"[^"]*"`, `"previousBlockhash":"`+ourA+`"`)),
	} {
		p.set(f)
		if b, err := d.Block(t.Context(), gap); err == nil {
			t.Errorf("%s: %v", name, b)
		}
	}
	// A block that is left out is the node's fault, not a fork.
	p.set(edit("getBlocksWithLimit", swap(`^\[\d+,`, `[`)))
	if f, err := d.Scan(t.Context(), from, head.Height, none); err == nil || errors.Is(err, chain.ErrFork) {
		t.Errorf("left out: %+v, %v", f, err)
	}
}

// SOL at what will be the account of a token belongs to nobody's invoice.
func TestOnlyAddressesAreCredited(t *testing.T) {
	t.Parallel()
	c := newSim(5)
	d := newDriver(newClock(), c, newProxy(t, c))
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account := solana.TokenAccount(mustKey(t, ourA), solana.Token, sim.Dollar).String()
	if _, err := c.Pay(sim.Payment{To: account, Units: 3_000_000}); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	head, _ := d.Head(t.Context())
	f, err := d.Scan(t.Context(), from, head.Height, func(context.Context, []string) (map[string]string, error) {
		return map[string]string{ourA: ourA, account: ourA}, nil
	})
	if err != nil || len(f.Deposits) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

func none(context.Context, []string) (map[string]string, error) { return nil, nil }

// Who sent, and where it went, is read from balances.
func TestOtherEnd(t *testing.T) {
	t.Parallel()
	c := newSim(6)
	d := newDriver(newClock(), c, newProxy(t, c))
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	payer := sim.Key("payer")
	c.Fund(solana.Address(payer), 1e12)
	if _, err := c.PayFrom(payer, sim.Payment{To: ourA, Units: 5_000_000}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pay(sim.Payment{To: ourA, Token: dollar, Units: 70}); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	empty(t, c, ourA, "")
	empty(t, c, ourA, dollar)
	c.Mine()
	head, _ := d.Head(t.Context())
	f, err := d.Scan(t.Context(), from, head.Height, func(context.Context, []string) (map[string]string, error) { return map[string]string{ourA: ourA}, nil })
	if err != nil || len(f.Deposits) != 2 || len(f.Sweeps) != 2 {
		t.Fatalf("%+v, %v", f, err)
	}
	rich := solana.Address(sim.Wallet()).String()
	if f.Deposits[0].From != solana.Address(payer).String() || f.Deposits[1].From != rich {
		t.Errorf("from %s, %s", f.Deposits[0].From, f.Deposits[1].From)
	}
	for _, s := range f.Sweeps {
		if s.To != merchant.String() {
			t.Errorf("swept to %s", s.To)
		}
	}
}
