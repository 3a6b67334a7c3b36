package solana_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
	"github.com/pepay/pepay/internal/pay"
)

func TestSettles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	items := w.paid(item(0, ""), item(0, dollar), item(1, dollar), item(1, newDollar), item(2, ""))
	before := w.c.Balance(solana.Address(sim.Key("payer")).String(), "")
	l := w.prepare(items...)
	w.hasFate(l, pay.RelaySent, false)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
	w.empty(l.Sweeps...)
	if len(l.Sweeps) != len(items) {
		t.Errorf("moved %d items of %d", len(l.Sweeps), len(items))
	}
	w.holds(merchant, "", 2_000_000+2_000_004)
	w.holds(merchant, dollar, 2_000_001+2_000_002)
	w.holds(merchant, newDollar, 2_000_003)
	// The payer pays fees and the merchant's two accounts, and gets what the three that were
	// closed had cost somebody else.
	spent := int64(before) - int64(w.c.Balance(solana.Address(sim.Key("payer")).String(), ""))
	if spent > 50_000 || spent < -2_100_000 {
		t.Errorf("the payer spent %d", spent)
	}
	w.sweptTo(merchant, 5)
	again := w.paid(item(0, dollar), item(1, dollar), item(1, newDollar)) // the same address once more: its account is made anew, the merchant's is there
	l = w.prepare(again...)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
	w.holds(merchant, dollar, 2_000_001+2_000_002+2_000_000+2_000_001)
	w.sweptTo(merchant, 8)
	// The payer gets back more than the merchant gets, and is not taken for it.
	l = w.prepare(w.paid(item(3, ""), item(4, ""), item(0, dollar), item(1, dollar), item(1, newDollar))...)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
	w.sweptTo(merchant, 13)
}

// As many items as fit are moved, each once, and each merchant gets what is theirs.
func TestManyItems(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	var items []pay.SweepItem
	var sums [2]uint64
	for i := range uint32(20) {
		s := item(i, []string{"", dollar, newDollar}[i%3])
		if i%4 == 3 {
			s.Receiver = other
		}
		if items = append(items, s); s.Token == dollar {
			sums[min(i%4, 3)/3] += 2_000_000 + uint64(i)
		}
	}
	w.paid(items...)
	var moved []pay.SweepItem
	for range 20 {
		if len(moved) == len(items) {
			break
		}
		l := w.prepare(items...)
		raw, _ := hex.DecodeString(l.Sends[0].Raw)
		if len(raw) > solana.MaxTransaction || len(l.Sweeps) < 2 && len(moved)+len(l.Sweeps) < len(items)-1 {
			t.Errorf("%d bytes move %d items", len(raw), len(l.Sweeps))
		}
		for _, s := range l.Sweeps {
			if s.Receiver != l.Sweeps[0].Receiver {
				t.Error("two receivers in one transaction")
			}
		}
		moved = append(moved, l.Sweeps...)
		w.m.Send(t.Context(), l)
		w.mine(1)
		w.hasFate(l, pay.RelayDone, true)
	}
	w.empty(items...)
	w.holds(merchant, dollar, sums[0])
	w.holds(other, dollar, sums[1])
	if p, err := w.m.Prepare(t.Context(), items); err != nil || len(p.Items) != 0 || len(p.Left) != 20 {
		t.Errorf("once more: %+v, %v", p, err)
	}
}

// What was never sent counts as failed when the transaction is too old, and not before.
func TestExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	first := w.prepare(w.paid(item(0, dollar), item(1, ""))...)
	w.mine(solana.Life)
	w.hasFate(first, pay.RelaySent, false)
	w.mine(32)
	w.hasFate(first, pay.RelaySent, false)
	w.mine(1)
	w.hasFate(first, pay.RelayFailed, false)
}

// For how long a hash serves is the network's to change: while a node says that it does, the
// transaction may still land, and is not lost.
func TestExpiresWhenTheNodesSaySo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 2)
	l := w.prepare(w.paid(item(0, dollar))...)
	serves := func(question, answer string) string {
		if strings.Contains(question, "isBlockhashValid") {
			return `{"id":1,"result":{"context":{"slot":1},"value":true}}`
		}
		return answer
	}
	w.nodes[1].change(func(n *node) { n.edit = serves })
	w.mine(solana.Life + 33)
	w.hasFate(l, pay.RelaySent, false)
	for _, bad := range []string{`{"id":1,"result":null}`, `{"id":1,"result":{"value":null}}`, `{"id":1,"error":{"code":-32601,"message":"Method not found"}}`} {
		w.nodes[1].change(func(n *node) {
			n.edit = func(question, answer string) string {
				if strings.Contains(question, "isBlockhashValid") {
					return bad
				}
				return answer
			}
		})
		w.hasFate(l, pay.RelaySent, false)
	}
	w.nodes[1].change(func(n *node) { n.edit = nil })
	w.hasFate(l, pay.RelayFailed, false)
	l.Sends[0].Raw = "00"
	if f, err := w.m.Fate(t.Context(), l); err == nil {
		t.Errorf("of what is no transaction: %+v", f)
	}
}

// The block that a transaction names is asked for last, so that it is as young as it can be.
func TestNamesTheNewestBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	items := w.paid(item(0, dollar))
	w.nodes[0].change(func(n *node) {
		n.edit = func(question, answer string) string {
			if strings.Contains(question, "getMultipleAccounts") || strings.Contains(question, "getMinimumBalance") {
				for range 80 {
					w.c.Mine()
				}
			}
			return answer
		}
	})
	l := w.prepare(items...)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
}

// It lands in the last block that can take it.
func TestLandsInTheLastBlock(t *testing.T) {
	t.Parallel()
	for _, late := range []int{0, 1} {
		w := newWorld(t, 0, 1)
		l := w.prepare(w.paid(item(0, ""))...)
		w.mine(solana.Life - 1 + late)
		w.m.Send(t.Context(), l)
		w.mine(1 + 33)
		if late == 0 {
			w.hasFate(l, pay.RelayDone, true)
		} else {
			w.hasFate(l, pay.RelayFailed, false)
		}
	}
}

// Two transactions for the same items: one of them moves, the other fails and moves nothing.
func TestNeverTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	items := w.paid(item(0, dollar), item(1, ""))
	a := w.prepare(items...)
	w.mine(1)
	b := w.prepare(items...)
	w.m.Send(t.Context(), a)
	w.m.Send(t.Context(), b)
	w.mine(1)
	w.hasFate(a, pay.RelayDone, true)
	w.hasFate(b, pay.RelayFailed, true)
	w.holds(merchant, dollar, 2_000_000)
	w.holds(merchant, "", 2_000_001)
}

// With two nodes, one that lags or has forgotten proves nothing.
func TestFateNeedsTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 2)
	l := w.prepare(w.paid(item(0, dollar))...)
	w.m.Send(t.Context(), l)
	w.mine(200)
	forgot := func(question, answer string) string {
		if strings.Contains(question, "getSignatureStatuses") {
			return `{"id":1,"result":{"value":[null]}}`
		}
		return answer
	}
	w.nodes[0].change(func(n *node) { n.edit = forgot })
	w.hasFate(l, pay.RelayDone, true)
	w.nodes[1].change(func(n *node) { n.down = true })
	w.hasFate(l, pay.RelaySent, false)
	w.nodes[0].change(func(n *node) { n.down = true })
	if f, err := w.m.Fate(t.Context(), l); err == nil || f.State != pay.RelaySent {
		t.Errorf("no node: %+v, %v", f, err)
	}
	unsent := w.paidAndLost()
	for _, n := range w.nodes {
		n.change(func(n *node) { n.down, n.edit = false, nil })
	}
	w.nodes[1].change(func(n *node) {
		n.edit = func(question, answer string) string {
			if strings.Contains(question, "getBlockHeight") {
				return `{"id":1,"result":5}`
			}
			return answer
		}
	})
	w.hasFate(unsent, pay.RelaySent, false)
	w.nodes[1].change(func(n *node) { n.edit = nil })
	w.nodes[0].change(func(n *node) {
		n.edit = func(question, answer string) string {
			if strings.Contains(question, "getSignatureStatuses") {
				return `{"id":1,"result":{"value":[{"slot":1,"err":null,"confirmationStatus":"confirmed"}]}}`
			}
			return answer
		}
	})
	w.hasFate(unsent, pay.RelaySent, true)
	w.nodes[0].change(func(n *node) { n.edit = nil })
	w.hasFate(unsent, pay.RelayFailed, false)
}

// What can never succeed is left out, with the reason, and holds up nothing else.
func TestLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	tokenAccount := solana.TokenAccount(solana.Address(sim.Wallet()), solana.Token, sim.Dollar).String()
	frozen, stolen, withMemo, hidden := address(90), address(91), address(92), address(93)
	with := func(s pay.SweepItem, f func(*pay.SweepItem)) pay.SweepItem { f(&s); return s }
	left := map[pay.SweepItem]string{
		with(item(1, dollar), func(s *pay.SweepItem) { s.Salt = "x" }):                "not the number of a key",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Salt = "-1" }):               "not the number of a key",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Salt = "2147483648" }):       "not the number of a key",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Salt = "2" }):                "not of the configured seed",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Receiver = "0x12" }):         "must be a Solana address",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Receiver = tokenAccount }):   "token account or a token",
		with(item(1, ""), func(s *pay.SweepItem) { s.Receiver = dollar }):             "token account or a token",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Token = sim.Fake.String() }): "not configured",
		item(3, ""):     "nothing",
		item(4, dollar): "nothing",
		item(5, dollar): "frozen",
		with(item(6, ""), func(s *pay.SweepItem) { s.Receiver = address(99) }):     "less than",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Receiver = frozen }):      "frozen",
		with(item(1, dollar), func(s *pay.SweepItem) { s.Receiver = stolen }):      "not the receiver's",
		with(item(1, newDollar), func(s *pay.SweepItem) { s.Receiver = withMemo }): "with a memo",
		with(item(1, newDollar), func(s *pay.SweepItem) { s.Receiver = hidden }):   "only confidential transfers",
	}
	var items []pay.SweepItem
	for s := range left {
		items = append(items, s)
	}
	w.paid(item(0, dollar), item(1, dollar), item(1, ""), item(1, newDollar), item(5, dollar), item(90, dollar), item(91, dollar), item(92, newDollar), item(93, newDollar))
	w.c.Fund(solana.Address(key(6)), 500_000)
	data := func(index uint32, program, mint solana.Key, f func(*solana.Account)) {
		w.c.Change(solana.TokenAccount(solana.Address(key(index)), program, mint), f)
	}
	data(5, solana.Token, sim.Dollar, func(a *solana.Account) { a.Data[108] = 2 })
	data(90, solana.Token, sim.Dollar, func(a *solana.Account) { a.Data[108] = 2 })
	data(91, solana.Token, sim.Dollar, func(a *solana.Account) { a.Data[40]++ })
	data(92, solana.Token2022, sim.NewDollar, func(a *solana.Account) { a.Data = append(a.Data, 8, 0, 1, 0, 1) })
	data(93, solana.Token2022, sim.NewDollar, func(a *solana.Account) { a.Data = append(append(a.Data, 5, 0, 295-256, 1), make([]byte, 295)...) })
	w.mine(1)
	good := item(0, dollar)
	p, err := w.m.Prepare(t.Context(), append(items, good))
	if err != nil || fmt.Sprint(p.Items) != fmt.Sprint([]pay.SweepItem{good}) {
		t.Errorf("moves %v: %v", p.Items, err)
	}
	for s, reason := range left {
		if !strings.Contains(p.Left[s], reason) {
			t.Errorf("%v: %q, want %q", s, p.Left[s], reason)
		}
	}
	w.m.Key = func(uint32) (ed25519.PrivateKey, error) { return nil, errors.New("words") }
	if p, err := w.m.Prepare(t.Context(), []pay.SweepItem{good}); err != nil || !strings.Contains(p.Left[good], "cannot be derived") || strings.Contains(p.Left[good], "words") {
		t.Errorf("without a key: %v, %v", p.Left, err)
	}
}
