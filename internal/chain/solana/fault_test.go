package solana_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
	"github.com/pepay/pepay/internal/pay"
)

// edit returns a fault that rewrites the answers to a method.
func edit(method string, change func(string) string) faults {
	return faults{edit: func(m, result string) string {
		if m != method || result == "null" {
			return result
		}
		return change(result)
	}}
}

// swap replaces all that an expression matches.
func swap(expression, by string) func(string) string {
	re := regexp.MustCompile(expression)
	return func(s string) string { return re.ReplaceAllString(s, by) }
}

// Each fault of a node may cost time: nothing false is ever seen, and once the node is
// sound again, or at once where others are, everything is found, once.
var nodeFaults = map[string]faults{
	"hangs":             {hang: true},
	"garbage":           {garbage: true},
	"huge body":         {huge: true},
	"no blocks":         {refuse: "getBlock"},
	"no slot":           {refuse: "getSlot"},
	"no lists":          {refuse: "getBlocksWithLimit"},
	"no genesis":        {refuse: "getGenesisHash"},
	"other chain":       edit("getGenesisHash", func(string) string { return `"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"` }),
	"null blocks":       edit("getBlock", func(string) string { return `null` }),
	"empty block":       edit("getBlock", func(string) string { return `{}` }),
	"a text for a slot": edit("getSlot", func(string) string { return `"7"` }),
	"lags":              edit("getSlot", func(string) string { return `1` }),
	"of the future":     edit("getBlock", swap(`"blockTime":\d+`, `"blockTime":9000000000`)),
	"no time":           edit("getBlock", swap(`"blockTime":\d+`, `"blockTime":null`)),
	"no list":           edit("getBlocksWithLimit", func(string) string { return `[]` }),
	"null list":         edit("getBlocksWithLimit", func(string) string { return `null` }),
	"leaves out one":    edit("getBlocksWithLimit", swap(`^\[\d+,`, `[`)),
	"unsorted":          edit("getBlocksWithLimit", swap(`^\[(\d+),(\d+)`, `[$2,$1`)),
	"slots below":       edit("getBlocksWithLimit", func(string) string { return `[0,1,2]` }),
	"gaps listed":       edit("getBlocksWithLimit", swap(`^\[(\d+),`, `[$1,${1}0,`)),
	"other parent":      edit("getBlock", swap(`"previousBlockhash":"..`, `"previousBlockhash":"zz`)),
	"other parent slot": edit("getBlock", swap(`"parentSlot":\d+`, `"parentSlot":1`)),
	"parent above":      edit("getBlock", swap(`"parentSlot":\d+`, `"parentSlot":99999`)),
	"no hash":           edit("getBlock", swap(`"blockhash":"[^"]*"`, `"blockhash":"x"`)),
	"no transactions":   edit("getBlock", swap(`"transactions":`, `"others":`)),
	"null transactions": edit("getBlock", swap(`"transactions":\[.*\]`, `"transactions":null`)),
	"no meta":           edit("getBlock", swap(`"meta":`, `"other":`)),
	"null meta":         edit("getBlock", swap(`"meta":\{`, `"meta":null,"x":{`)),
	"no error":          edit("getBlock", swap(`"err":`, `"error":`)),
	"failed is fine":    edit("getBlock", swap(`"err":\{"InstructionError":\[\d+,\{[^}]*\}\]\}`, `"err":null`)),
	"no names":          edit("getBlock", swap(`"signatures":\["[^"]*"\]`, `"signatures":[]`)),
	"bad names":         edit("getBlock", swap(`"signatures":\["...`, `"signatures":["000`)),
	"twice":             edit("getBlock", swap(`"transactions":\[(.*)\]`, `"transactions":[$1,$1]`)),
	"no keys":           edit("getBlock", swap(`"accountKeys":`, `"keys":`)),
	"fewer balances":    edit("getBlock", swap(`"postBalances":\[\d+,`, `"postBalances":[`)),
	"a fraction":        edit("getBlock", swap(`"postBalances":\[(\d+),`, `"postBalances":[$1.5,`)),
	"below nothing":     edit("getBlock", swap(`"postBalances":\[(\d+),`, `"postBalances":[-$1,`)),
	"beyond all":        edit("getBlock", swap(`"postBalances":\[(\d+),`, `"postBalances":[${1}000000000000000000,`)),
	"token fraction":    edit("getBlock", swap(`"amount":"(\d+)"`, `"amount":"$1.5"`)),
	"token below":       edit("getBlock", swap(`"amount":"(\d+)"`, `"amount":"-$1"`)),
	"no amount":         edit("getBlock", swap(`"amount":"(\d+)"`, `"amount":""`)),
	"no owner":          edit("getBlock", swap(`"owner":"[^"]*",`, ``)),
	"no program":        edit("getBlock", swap(`"programId":"[^"]*",`, ``)),
	"place of nothing":  edit("getBlock", swap(`"accountIndex":\d+`, `"accountIndex":77`)),
	"negative place":    edit("getBlock", swap(`"accountIndex":\d+`, `"accountIndex":-1`)),
	"no place":          edit("getBlock", swap(`"accountIndex":\d+,`, ``)),
	"one place":         edit("getBlock", swap(`"accountIndex":\d+`, `"accountIndex":1`)),
	"other program":     edit("getBlock", swap(`"programId":"[^"]*"`, `"programId":"`+solana.Associated.String()+`"`)),
}

// Whoever has one node has to believe it. These are for several.
var lies = map[string]faults{
	"drops the transactions": edit("getBlock", swap(`"transactions":\[.*\]`, `"transactions":[]`)),
	"more SOL":               edit("getBlock", func(s string) string { return strings.ReplaceAll(s, "1000005", "1999999") }),
	"more tokens":            edit("getBlock", swap(`"amount":"7"`, `"amount":"7000000"`)),
	"fake is real":           edit("getBlock", func(s string) string { return strings.ReplaceAll(s, fake, dollar) }),
	"to another":             edit("getBlock", func(s string) string { return strings.ReplaceAll(s, ourA, ourB) }),
	"other name":             edit("getBlock", swap(`"signatures":\["..`, `"signatures":["zz`)),
	"no tokens":              edit("getBlock", swap(`"postTokenBalances":\[`, `"postTokenBalances":[],"x":[`)),
}

// pays makes deposits of every kind, and things that are not deposits.
func pays(t *testing.T, c *sim.Chain) {
	t.Helper()
	pay := func(ps ...sim.Payment) {
		t.Helper()
		if _, err := c.Pay(ps...); err != nil {
			t.Fatal(err)
		}
	}
	pay(sim.Payment{To: ourA, Units: 5})
	c.Mine()
	pay(sim.Payment{To: ourA, Token: dollar, Units: 7})
	pay(sim.Payment{To: ourA, Token: newDollar, Units: 8}, sim.Payment{To: stranger, Token: dollar, Units: 6}, sim.Payment{To: ourB, Token: dollar, Units: 9})
	pay(sim.Payment{To: ourA, Units: 13}, sim.Payment{To: ourA, Token: dollar, Units: 2e18}) // fails
	pay(sim.Payment{To: ourA, Token: fake, Units: 15})                                       // not watched
	// A second account of ours for the dollar, which nobody looks at.
	second := solana.Address(sim.Key("second account"))
	owner := solana.Address(keyA)
	data := slices.Concat(sim.Dollar[:], owner[:], make([]byte, 101))
	data[108] = 1
	c.Change(second, func(a *solana.Account) { a.Lamports, a.Owner, a.Data = 3e6, solana.Token.String(), data })
	rich := solana.Address(sim.Wallet())
	step := solana.TransferChecked(solana.Token, solana.TokenAccount(rich, solana.Token, sim.Dollar), sim.Dollar, second, rich, 17, 6)
	tx, err := solana.Compile(rich, c.Head(), step).Sign(sim.Wallet())
	if err == nil {
		err = c.Submit(tx.Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Mine()
	c.Mine()
}

var paid = []string{"5", "7", "8", "9"}

func unitsOf(all ...[]pay.Deposit) (units []string) {
	for _, ds := range all {
		for _, d := range ds {
			units = append(units, d.Units.String())
		}
	}
	slices.Sort(units)
	return units
}

// trueSoFar fails the test when anything was seen that is not so.
func trueSoFar(t *testing.T, b *chaintest.Book) {
	t.Helper()
	rest := slices.Clone(paid)
	for _, u := range unitsOf(b.Seen(), b.Final()) {
		i := slices.Index(rest, u)
		if i < 0 {
			t.Fatalf("seen %v, final %v", unitsOf(b.Seen()), unitsOf(b.Final()))
		}
		rest = slices.Delete(rest, i, i+1)
	}
}

func TestFaultyNodeCostsTime(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, b := newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
			p := newProxy(t, s)
			d := newDriver(c, s, p)
			if f.hang {
				d.Timeout = 50 * time.Millisecond
			}
			w := chaintest.NewWatcher(d, b, 1)
			settle(t, c, w)
			p.set(f)
			pays(t, s)
			steps := 4
			if f.huge {
				steps = 1
			}
			for range steps {
				_, _ = w.Step(t.Context())
				trueSoFar(t, b)
				c.advance(time.Minute)
				s.Mine()
			}
			p.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

func TestFaultyNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	all := maps.Clone(nodeFaults)
	maps.Copy(all, lies)
	for name, f := range all {
		for place := range 3 {
			t.Run(fmt.Sprint(name, " ", place), func(t *testing.T) {
				t.Parallel()
				s, c, b := newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
				ps := []*proxy{newProxy(t, s), newProxy(t, s), newProxy(t, s)}
				d := newDriver(c, s, ps...)
				if f.hang {
					d.Timeout = 500 * time.Millisecond
				}
				w := chaintest.NewWatcher(d, b, 1)
				settle(t, c, w)
				ps[place].set(f)
				pays(t, s)
				allFinal(t, s, c, w, b)
			})
		}
	}
}

// Two nodes that say different things are both not believed.
func TestTwoNodesMustAgree(t *testing.T) {
	t.Parallel()
	for name, f := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, b := newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
			bad := newProxy(t, s)
			w := chaintest.NewWatcher(newDriver(c, s, bad, newProxy(t, s)), b, 1)
			settle(t, c, w)
			bad.set(f)
			pays(t, s)
			for range 6 {
				_, _ = w.Step(t.Context())
				trueSoFar(t, b)
				c.advance(10 * time.Minute)
				s.Mine()
			}
			bad.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

// A node that follows a chain of its own, sound in itself, is passed over for those that
// agree.
func TestPrivateChainIsNotFollowed(t *testing.T) {
	t.Parallel()
	s, private, c, b := newSim(2), newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
	bad := newProxy(t, s)
	w := chaintest.NewWatcher(newDriver(c, s, bad, newProxy(t, s), newProxy(t, s)), b, 1)
	settle(t, c, w) // at the first block, which all have
	bad.set(faults{private: private})
	if _, err := private.Pay(sim.Payment{To: ourA, Units: 999}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		private.Mine()
	}
	pays(t, s)
	allFinal(t, s, c, w, b)
}

// settle takes steps until the watcher is at rest; some may fail.
func settle(t *testing.T, c *clock, w *chain.Watcher) {
	t.Helper()
	var more bool
	var err error
	for range 50 {
		if more, err = w.Step(t.Context()); err == nil && !more {
			return
		}
		c.advance(10 * time.Second)
	}
	t.Fatalf("the watcher does not come to rest: %v", err)
}

// allFinal fails unless all that was paid becomes final, once.
func allFinal(t *testing.T, s *sim.Chain, c *clock, w *chain.Watcher, b *chaintest.Book) {
	t.Helper()
	for range 3 {
		settle(t, c, w)
		s.Mine()
		trueSoFar(t, b)
	}
	settle(t, c, w)
	if got := unitsOf(b.Final()); !slices.Equal(got, paid) || len(b.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, paid, unitsOf(b.Seen()))
	}
}

// Of two nodes none is believed alone: neither while the other is out, nor when it is passed
// over for having been.
func TestNobodyIsBelievedAlone(t *testing.T) {
	t.Parallel()
	for name, f := range lies {
		for liar := range 2 {
			t.Run(fmt.Sprint(name, " ", liar), func(t *testing.T) {
				t.Parallel()
				s, c, b := newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
				nodes := []*proxy{newProxy(t, s), newProxy(t, s)}
				w := chaintest.NewWatcher(newDriver(c, s, nodes...), b, 1)
				settle(t, c, w)
				nodes[liar].set(f)
				pays(t, s)
				for i, honest := range []faults{{garbage: true}, {}, {refuse: "getBlock"}, {}} {
					nodes[1-liar].set(honest)
					// What is before the lie both say.
					if _, err := w.Step(t.Context()); errors.Is(err, node.ErrAlone) != (i%2 == 0) {
						t.Errorf("the step fails with %v", err)
					}
					trueSoFar(t, b)
				}
				nodes[liar].set(faults{})
				allFinal(t, s, c, w, b)
			})
		}
	}
}
