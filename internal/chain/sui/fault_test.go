package sui_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
)

// in is a fault in a part of every checkpoint; a part that becomes nil is left out.
func in(change func([]byte) []byte, path ...protowire.Number) faults {
	return faults{edit: map[string]edit{sui.GetCheckpoint: func(m []byte) []byte {
		return rewrite(m, change, append([]protowire.Number{1}, path...)...)
	}}}
}

// inOurs is a fault in a field of the changes of our balances.
func inOurs(change func([]byte) []byte, field protowire.Number) faults {
	return in(func(b []byte) []byte {
		if m, err := sui.ParseMessage(b); err != nil || m.Text(1) != ourA.String() && m.Text(1) != ourB.String() {
			return b
		}
		return rewrite(b, change, field)
	}, changes...)
}

// believed marks a fault that only another node can show.
func believed(f faults) faults {
	f.trusted = true
	return f
}

func becomes(v string) func([]byte) []byte {
	return func([]byte) []byte { return []byte(v) }
}
func gone([]byte) []byte { return nil }

// Where things are in a checkpoint.
var (
	summary  = []protowire.Number{3, 1, 2}
	contents = []protowire.Number{5, 1, 2}
	txs      = []protowire.Number{6}
	digest   = []protowire.Number{6, 1}
	sender   = []protowire.Number{6, 2, 5}
	status   = []protowire.Number{6, 4, 4}
	changes  = []protowire.Number{6, 8}
	owner    = []protowire.Number{6, 8, 1}
	coin     = []protowire.Number{6, 8, 2}
	amount   = []protowire.Number{6, 8, 3}
)

// Each fault of a node may cost time: nothing false is ever seen, and once the node is sound
// again, or at once where others are, everything is found, once.
var nodeFaults = map[string]faults{
	"hangs":              {hang: true},
	"a web page":         {html: true},
	"no message":         {body: "\x00"},
	"empty message":      {body: "\x00\x00\x00\x00\x00"},
	"garbage":            {body: "\x00\x00\x00\x00\x03\xff\xff\xff"},
	"compressed":         {body: "\x01\x00\x00\x00\x01a"},
	"wrong length":       {body: "\x00\x00\x00\x00\x09a"},
	"huge body":          {huge: true},
	"refuses all":        {status: "13"},
	"knows nothing":      {status: "5"},
	"no status":          {status: "x"},
	"lags":               {lag: 3},
	"newest always":      {newest: true},
	"other chain":        {edit: map[string]edit{sui.GetServiceInfo: func([]byte) []byte { return sui.Fields{}.Text(1, sui.Mainnet) }}},
	"no chain":           {edit: map[string]edit{sui.GetServiceInfo: func([]byte) []byte { return nil }}},
	"no summary":         in(gone, summary...),
	"forged summary":     in(func(b []byte) []byte { return append(b, 0) }, summary...),
	"half a summary":     in(func(b []byte) []byte { return b[:20] }, summary...),
	"first block always": in(func(b []byte) []byte { return append(make([]byte, 24), b[24:]...) }, summary...),
	"far future":         in(func(b []byte) []byte { return append(b[:len(b)-43], bytes.Repeat([]byte{0xff}, 43)...) }, summary...),
	"no contents":        in(gone, contents...),
	"empty contents":     in(becomes("\x00\x00\x00"), contents...),
	"other contents":     in(func(b []byte) []byte { b[len(b)-1]++; return b }, contents...),
	"drops the txs":      in(gone, txs...),
	"drops some txs":     dropsEvery(2, txs),
	"repeats txs":        {edit: map[string]edit{sui.GetCheckpoint: func(m []byte) []byte { return rewriteTwice(m, 6) }}},
	"other tx":           in(becomes(sui.Mainnet), digest...),
	"no outcome":         in(gone, status...),
	"garbled outcome":    in(becomes("\xff"), status...),
	"no index":           in(gone, changes...),
	"garbled changes":    in(becomes("\x0a\xff"), changes...),
	"repeats changes":    in(func(b []byte) []byte { return doubled(b, 8) }, txs...),
	"no amount":          in(gone, amount...),
	"zero amount":        in(becomes("0"), amount...),
	"float amount":       in(becomes("1e3"), amount...),
	"hex amount":         in(becomes("0x5"), amount...),
	"plus amount":        in(becomes("+5"), amount...),
	"double minus":       in(becomes("--5"), amount...),
	"huge amount":        in(becomes(strings.Repeat("9", 40)), amount...),
	"space in amount":    in(func(b []byte) []byte { return append([]byte(" "), b...) }, amount...),
	"altered amount":     believed(in(func(b []byte) []byte { return append(b, '0') }, amount...)),
	"sign of amount":     believed(in(func(b []byte) []byte { return append([]byte("-"), bytes.TrimPrefix(b, []byte("-"))...) }, amount...)),
	"other recipient": believed(in(func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte(ourA.String()), []byte(ourB.String()))
	}, owner...)),
	"no recipient":      in(becomes(""), owner...),
	"half a recipient":  inOurs(func(b []byte) []byte { return b[:60] }, 1),
	"no coin":           inOurs(gone, 2),
	"empty checkpoints": emptied(),
	"fake coins": believed(in(func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte(devchain.FakeDollar), []byte(devchain.Dollar))
	}, coin...)),
	"no coins":      believed(in(becomes("0x2::sui"), coin...)),
	"omits changes": believed(dropsEvery(2, changes)),
	"all failed":    believed(in(func([]byte) []byte { return sui.Fields{}.Uint(1, 0) }, status...)),
	"other sender":  believed(in(becomes(merchant.String()), sender...)),
}

func dropsEvery(n int, path []protowire.Number) faults {
	return faults{edit: map[string]edit{sui.GetCheckpoint: func(m []byte) []byte {
		i := 0
		return rewrite(m, func(b []byte) []byte {
			if i++; i%n == 0 {
				return nil
			}
			return b
		}, append([]protowire.Number{1}, path...)...)
	}}}
}

// emptied leaves out what the transactions of every second checkpoint moved, as servers do that
// keep this with transactions only.
func emptied() faults {
	return faults{edit: map[string]edit{sui.GetCheckpoint: func(m []byte) []byte {
		answer, _ := sui.ParseMessage(m)
		bcs, _ := answer.At(1, 3, 1)
		if s, err := sui.DecodeSummary(bcs.Bytes(2)); err != nil || s.Height%2 == 1 {
			return m
		}
		return rewrite(m, gone, append([]protowire.Number{1}, changes...)...)
	}}}
}

// doubled has every occurrence of a field twice.
func doubled(raw []byte, field protowire.Number) []byte {
	return append(bytes.Clone(raw), rewrite(raw, func(b []byte) []byte { return b }, field)...)
}

func rewriteTwice(m []byte, field protowire.Number) []byte {
	return rewrite(m, func(b []byte) []byte { return doubled(b, field) }, 1)
}

// pays makes deposits of every kind, and things that are not deposits.
func pays(c *devchain.Chain) {
	c.Pay(devchain.Transfer{To: ourA, Coin: sui.Native, Units: 5})
	c.Pay(
		devchain.Transfer{To: ourA, Coin: devchain.Dollar, Units: 7}, devchain.Transfer{To: stranger, Coin: devchain.Dollar, Units: 6},
		devchain.Transfer{To: ourB, Coin: devchain.Dollar, Units: 3}, devchain.Transfer{To: ourB, Coin: devchain.Dollar, Units: 6, Direct: true},
		devchain.Transfer{To: ourA, Coin: devchain.FakeDollar, Units: 15},
	)
	c.Mine()
	c.Pay(devchain.Transfer{To: ourB, Coin: sui.Native, Units: 11, Direct: true})
	c.Pay(devchain.Transfer{To: ourB, Coin: devchain.FakeDollar, Units: 16})
	c.Pay(devchain.Transfer{To: stranger, Coin: sui.Native, Units: 17})
	c.Mine()
}

var paid = []string{"11", "5", "7", "9"}

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
func trueSoFar(t *testing.T, c *devchain.Chain, b *chaintest.Book) {
	t.Helper()
	rest := slices.Clone(paid)
	for _, d := range slices.Concat(b.Seen(), b.Final()) {
		i := slices.Index(rest, d.Units.String())
		if i < 0 || d.From != c.Wallet().String() {
			t.Fatalf("seen %v, final %v", b.Seen(), b.Final())
		}
		rest = slices.Delete(rest, i, i+1)
	}
}

func ours() *chaintest.Book {
	return &chaintest.Book{Addresses: []string{ourA.String(), ourB.String()}}
}

func TestFaultyNodeCostsTime(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		if f.trusted {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, k, b := devchain.New(devchain.Options{}), newClock(), ours()
			p := newProxy(t, c)
			d := newDriver(k, c, p)
			if f.hang {
				d.Timeout = 50 * time.Millisecond
			}
			w := chaintest.NewWatcher(d, b, 1)
			c.Mine()
			settle(t, k, w)
			p.set(f)
			k.advance(time.Hour)
			if _, err := d.Head(t.Context()); f.edit == nil && f.lag == 0 && !f.newest && err == nil {
				t.Error("the fault is none")
			}
			if _, err := d.Block(t.Context(), 0); f.newest && err == nil {
				t.Error("another block than was asked for")
			}
			pays(c)
			steps := 3
			if f.huge {
				steps = 1
			}
			for range steps {
				_, _ = w.Step(t.Context())
				trueSoFar(t, c, b)
				k.advance(time.Minute)
				c.Mine()
			}
			if f.lag == 0 && f.edit[sui.GetServiceInfo] == nil && len(b.Final()) > 0 { // of what chain it is was asked before
				t.Errorf("%v was found past the fault: is it one?", b.Final())
			}
			p.set(faults{})
			allFinal(t, c, k, w, b)
		})
	}
}

func TestFaultyNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, k, b := devchain.New(devchain.Options{}), newClock(), ours()
			bad := newProxy(t, c)
			d := newDriver(k, c, bad, newProxy(t, c), newProxy(t, c))
			if f.hang {
				d.Timeout = 200 * time.Millisecond
			}
			w := chaintest.NewWatcher(d, b, 1)
			c.Mine()
			settle(t, k, w)
			bad.set(f)
			pays(c)
			allFinal(t, c, k, w, b)
		})
	}
}

// Two nodes that differ in what only they can tell are both not believed.
func TestNodesMustAgree(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		if !f.trusted {
			continue
		}
		for bad := range 2 {
			t.Run(fmt.Sprint(name, " of node ", bad+1), func(t *testing.T) {
				t.Parallel()
				c, k, b := devchain.New(devchain.Options{}), newClock(), ours()
				nodes := []*proxy{newProxy(t, c), newProxy(t, c)}
				w := chaintest.NewWatcher(newDriver(k, c, nodes...), b, 1)
				settle(t, k, w)
				nodes[bad].set(f)
				pays(c)
				for range 3 {
					_, _ = w.Step(t.Context())
					trueSoFar(t, c, b)
					k.advance(time.Minute)
				}
				nodes[bad].set(faults{})
				allFinal(t, c, k, w, b)
			})
		}
	}
}

// settle takes steps until the watcher is at rest; some may fail.
func settle(t *testing.T, k *clock, w *chain.Watcher) {
	t.Helper()
	var more bool
	var err error
	for range 50 {
		if more, err = w.Step(t.Context()); err == nil && !more {
			return
		}
		k.advance(10 * time.Second)
	}
	t.Fatalf("the watcher does not come to rest: %v", err)
}

// allFinal fails unless all that was paid is final, once.
func allFinal(t *testing.T, c *devchain.Chain, k *clock, w *chain.Watcher, b *chaintest.Book) {
	t.Helper()
	for range 3 {
		settle(t, k, w)
		c.Mine()
		trueSoFar(t, c, b)
	}
	settle(t, k, w)
	if got := unitsOf(b.Final()); !slices.Equal(got, paid) || len(b.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, paid, unitsOf(b.Seen()))
	}
}

// Of two nodes none is believed alone: neither while the other is out, nor when it is passed
// over for having been.
func TestNobodyIsBelievedAlone(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		if !f.trusted {
			continue
		}
		for liar := range 2 {
			t.Run(fmt.Sprint(name, " of node ", liar+1), func(t *testing.T) {
				t.Parallel()
				c, k, b := devchain.New(devchain.Options{}), newClock(), ours()
				nodes := []*proxy{newProxy(t, c), newProxy(t, c)}
				w := chaintest.NewWatcher(newDriver(k, c, nodes...), b, 1)
				settle(t, k, w)
				nodes[liar].set(f)
				pays(c)
				for _, honest := range []faults{{status: "13"}, {}, {html: true}, {}} {
					nodes[1-liar].set(honest)
					_, err := w.Step(t.Context())
					if alone := honest.html || honest.status != ""; err == nil || name == "altered amount" && errors.Is(err, node.ErrAlone) != alone {
						t.Errorf("the step fails with %v", err)
					}
					trueSoFar(t, c, b)
				}
				nodes[liar].set(faults{})
				allFinal(t, c, k, w, b)
			})
		}
	}
}
