// Package settletest tests what every settle.Mover promises, on a network of its family:
// whatever happens between writing a transaction down and its being final, what it is to
// move moves once.
package settletest

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// Fault is what nodes do wrong with a transaction that is sent to them.
type Fault int

// The faults.
const (
	None Fault = iota
	Deaf       // they do not take it
	Mute       // they take it, and the answer is lost
)

// Network is a network with nodes in front of it, a mover of it that can pay, and money on
// deposit addresses.
type Network struct {
	settle.Mover
	Name    pay.NetworkName
	Items   []pay.SweepItem                      // that one transaction can empty
	Units   []int64                              // what the receiver gets for each
	Spare   int64                                // of fees that may stay at a deposit address
	Has     func(address, token string) *big.Int // what an address holds
	Mine    func()
	Depth   int         // blocks until what is in the first of them is final
	Fork    func()      // puts another block in the place of the newest
	Expire  func()      // lets pass all the time that a prepared transaction has
	Fault   func(Fault) // is what all nodes do from now on
	Account func() Account
	End     func() // fails unless all is well when everything has arrived; may be nil
}

// Account is what pays the fees from when it was asked for, and has nothing.
type Account struct {
	Address string
	Fund    func(units int64)
	Little  []int64 // that leave it with too little, one after the other
	Enough  int64   // that do not, then
	Needs   string  // what is said that it needs matches that
}

// Run tests a mover. open makes a network for one test.
func Run(t *testing.T, open func(t *testing.T) *Network) {
	cases := map[string]func(*testing.T, *Network){"expired": expires, "short of coin": runsShort}
	for name, first := range interruptions {
		cases[name] = func(t *testing.T, n *Network) { n.movesOnce(t, first) }
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := open(t)
			test(t, n)
			if n.arrived(t, true); n.End != nil {
				n.End()
			}
		})
	}
}

// interruptions are what happens to a relay that was written down.
var interruptions = map[string]func(*testing.T, *Network, pay.Relay){
	"died before sending": func(*testing.T, *Network, pay.Relay) {},
	"died before another was written down": func(t *testing.T, n *Network, _ pay.Relay) {
		Prepare(t, n, n.Name, n.Items...)
	},
	"sent":       func(t *testing.T, n *Network, l pay.Relay) { n.Send(t.Context(), l) },
	"sent twice": func(t *testing.T, n *Network, l pay.Relay) { n.Send(t.Context(), l); n.Send(t.Context(), l) },
	"lost on its way": func(t *testing.T, n *Network, l pay.Relay) {
		n.Fault(Deaf)
		n.Send(t.Context(), l)
		n.Fault(None)
		Fate(t, n, l, pay.RelaySent)
		n.arrived(t, false)
	},
	"answer lost": func(t *testing.T, n *Network, l pay.Relay) {
		n.Fault(Mute)
		n.Send(t.Context(), l)
		n.Fault(None)
		Fate(t, n, l, pay.RelaySent)
	},
	"answers lost, and mined": func(t *testing.T, n *Network, l pay.Relay) {
		n.Fault(Mute)
		n.Send(t.Context(), l)
		n.Send(t.Context(), l)
		n.Mine()
		n.Fault(None)
	},
	"taken back": func(t *testing.T, n *Network, l pay.Relay) {
		n.Send(t.Context(), l)
		n.Mine()
		if f, err := n.Fate(t.Context(), l); err != nil || !f.Mined {
			t.Fatalf("fate %+v, %v", f, err)
		}
		n.Fork()
		if f := Fate(t, n, l, pay.RelaySent); f.Mined {
			t.Errorf("fate %+v", f)
		}
		n.arrived(t, false)
	},
}

func (n *Network) movesOnce(t *testing.T, first func(*testing.T, *Network, pay.Relay)) {
	l := Prepare(t, n, n.Name, n.Items...)
	Fate(t, n, l, pay.RelaySent)
	first(t, n, l)
	if next, some, err := n.Again(t.Context(), l, time.Time{}); err != nil || some { // as the process does when it is back
		t.Errorf("another form %+v, %v, %v", next, some, err)
	}
	n.final()
	for range 2 {
		if f := Fate(t, n, l, pay.RelayDone); !f.Mined || len(f.Refused) > 0 {
			t.Errorf("fate %+v", f)
		}
		n.arrived(t, true)
		n.Send(t.Context(), l)
		n.final()
	}
	if p, err := n.Prepare(t.Context(), n.Items); err != nil || len(p.Items) > 0 || len(p.Left) != len(n.Items) {
		t.Errorf("there is more to move: %+v, %v", p, err)
	}
}

func expires(t *testing.T, n *Network) {
	old := Prepare(t, n, n.Name, n.Items...)
	Fate(t, n, old, pay.RelaySent)
	n.Expire()
	fails := func() {
		t.Helper()
		if f := Fate(t, n, old, pay.RelayFailed); f.Mined {
			t.Errorf("fate %+v", f)
		}
	}
	fails()
	n.Send(t.Context(), old) // too late
	n.final()
	fails()
	n.arrived(t, false)
	next := Prepare(t, n, n.Name, n.Items...)
	n.Send(t.Context(), old)
	n.Send(t.Context(), next)
	n.final()
	Fate(t, n, next, pay.RelayDone)
	fails()
	n.Send(t.Context(), old)
	n.final()
}

func runsShort(t *testing.T, n *Network) {
	a := n.Account()
	if have, known := n.Holds(); known || n.Shortage() != "" {
		t.Errorf("knows of %s, %q before anybody looked", have, n.Shortage())
	}
	sum := int64(0)
	holds := func() {
		t.Helper()
		if have, known := n.Holds(); !known || have.Cmp(big.NewInt(sum)) != 0 {
			t.Errorf("holds %s, %v, want %d", have, known, sum)
		}
	}
	for _, units := range append([]int64{0}, a.Little...) {
		if sum += units; units > 0 {
			a.Fund(units)
		}
		p, err := n.Prepare(t.Context(), n.Items)
		if !errors.Is(err, settle.ErrNoGas) || p.Send.Raw != "" || !strings.Contains(err.Error(), a.Address) {
			t.Errorf("with %d: %+v, %v", sum, p, err)
		}
		if s := n.Shortage(); !regexp.MustCompile(fmt.Sprintf(`^%s has %d \w+ and needs %s `, a.Address, sum, a.Needs)).MatchString(s) {
			t.Errorf("with %d: shortage %q", sum, s)
		}
		holds()
	}
	sum += a.Enough
	a.Fund(a.Enough)
	if err := n.Look(t.Context()); err != nil || n.Shortage() != "" {
		t.Errorf("still short: %v, %q", err, n.Shortage())
	}
	holds()
	l := Prepare(t, n, n.Name, n.Items...)
	n.Send(t.Context(), l)
	n.final()
	Fate(t, n, l, pay.RelayDone)
}

// final makes all final that has happened.
func (n *Network) final() {
	for range n.Depth {
		n.Mine()
	}
}

// arrived fails unless all is at the receiver, or nothing.
func (n *Network) arrived(t *testing.T, all bool) {
	t.Helper()
	for i, s := range n.Items {
		want := n.Units[i]
		if !all {
			want = 0
		}
		if got := n.Has(s.Receiver, s.Token); got.Cmp(big.NewInt(want)) != 0 {
			t.Errorf("the receiver holds %s of %q, want %d", got, s.Token, want)
		}
		if left := n.Has(s.Address, s.Token); (left.Cmp(big.NewInt(n.Spare)) <= 0) != all {
			t.Errorf("%s of %q is at the deposit address", left, s.Token)
		}
	}
}

// Prepare returns a relay of items, written down and not sent. At least one must move.
func Prepare(t testing.TB, m settle.Mover, network pay.NetworkName, items ...pay.SweepItem) pay.Relay {
	t.Helper()
	p, err := m.Prepare(t.Context(), items)
	if err != nil || len(p.Items) == 0 {
		t.Fatalf("prepared %+v: %v", p, err)
	}
	return pay.Relay{ID: "r", Network: network, Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}, State: pay.RelaySent}
}

// Fate returns the fate of a relay, which must be the given one: with a reason if it failed,
// and the name of a transaction.
func Fate(t testing.TB, m settle.Mover, l pay.Relay, want pay.RelayState) settle.Fate {
	t.Helper()
	f, err := m.Fate(t.Context(), l)
	if err != nil || f.State != want || (f.Reason != "") != (want == pay.RelayFailed) || f.TxHash == "" {
		t.Fatalf("fate %+v, want %s: %v", f, want, err)
	}
	return f
}
