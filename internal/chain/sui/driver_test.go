package sui_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
)

func TestFailedTransactionsMoveNothing(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	p := newProxy(t, c)
	p.set(nodeFaults["all failed"])
	d, b := newDriver(newClock(), c, p), ours()
	w := chaintest.NewWatcher(d, b, 1)
	chaintest.Settle(t, w)
	pays(c)
	c.Move(ourA, merchant, sui.Native)
	c.Mine()
	chaintest.Settle(t, w)
	if len(b.Final()) != 0 || len(b.FinalSweeps()) != 0 {
		t.Errorf("found %v, %v", b.Final(), b.FinalSweeps())
	}
}

// A sweep says where the coins went; names never change, whatever the node's order.
func TestNamesAreStable(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	p := newProxy(t, c)
	d := newDriver(newClock(), c, p)
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pays(c)
	c.Move(ourB, merchant, devchain.Dollar)
	c.Mine()
	read := func() string {
		f, err := d.Scan(t.Context(), from, c.Height(), ours().Ours)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range f.Deposits {
			names = append(names, fmt.Sprint(x.TxHash, x.Index, x.Address, x.Token, x.Units))
		}
		for _, x := range f.Sweeps {
			if x.To != merchant.String() || x.Units.String() != "9" {
				t.Errorf("sweep %+v", x)
			}
			names = append(names, fmt.Sprint(x.TxHash, x.Index, x.Address, x.Token, x.Units))
		}
		return strings.Join(names, "\n")
	}
	once := read()
	p.set(in(func(tx []byte) []byte {
		var all [][]byte
		rest := rewrite(tx, func(b []byte) []byte { all = append(all, b); return nil }, 8)
		slices.Reverse(all)
		for _, b := range all {
			rest = sui.Fields(rest).Bytes(8, b)
		}
		return rest
	}, txs...))
	if again := read(); again != once || strings.Count(once, "\n") != 4 {
		t.Errorf("names\n%s\nthen\n%s", once, again)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	dollar := func(f func(*pay.Token)) pay.Token {
		k := tokens[1]
		f(&k)
		return k
	}
	for name, x := range map[string]struct {
		token pay.Token
		chain string
		fault faults
		why   string
	}{
		"right":        {token: tokens[1]},
		"native":       {token: tokens[0]},
		"other chain":  {token: tokens[1], chain: sui.Mainnet, why: "is a node of chain"},
		"decimals":     {token: dollar(func(k *pay.Token) { k.Decimals = 9 }), why: "has 6 decimals on chain, the configuration says 9"},
		"symbol":       {token: dollar(func(k *pay.Token) { k.Symbol = "USDT" }), why: `has the symbol "USDC" on chain, the configuration says "USDT"`},
		"unknown":      {token: dollar(func(k *pay.Token) { k.Address = "0x" + strings.Repeat("9", 64) + "::usdc::USDC" }), why: "not found"},
		"no metadata":  {token: tokens[1], fault: faults{edit: map[string]edit{sui.GetCoinInfo: func(m []byte) []byte { return rewrite(m, gone, 2) }}}, why: "no metadata"},
		"bad metadata": {token: tokens[1], fault: faults{edit: map[string]edit{sui.GetCoinInfo: func(m []byte) []byte { return rewrite(m, becomes("\xff"), 2) }}}, why: "decode"},
		"silent":       {token: tokens[1], fault: faults{status: "14"}, why: "refused: 14"},
		"all refused":  {token: tokens[1], fault: faults{html: true}, why: "HTTP status 502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, c)
			p.set(x.fault)
			d := newDriver(newClock(), c, p)
			if d.Tokens = []pay.Token{x.token}; x.chain != "" {
				d.Chain = x.chain
			}
			err := d.Verify(t.Context())
			if (err == nil) != (x.why == "") || err != nil && (!strings.Contains(err.Error(), x.why) || strings.Contains(err.Error(), p.url)) {
				t.Errorf("%v, want %s", err, x.why)
			}
		})
	}
	for _, nodes := range [][]string{nil, {"127.0.0.1:9000"}, {"ws://x"}, {"http://\x7f"}} {
		if err := (&sui.Driver{Network: "sui", Nodes: nodes}).Verify(t.Context()); err == nil {
			t.Errorf("%v is usable", nodes)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	p := newProxy(t, c)
	d := newDriver(newClock(), c, newProxy(t, c), p)
	hash := c.Pay(devchain.Transfer{To: ourA, Coin: sui.Native, Units: 5})
	if at, ok, err := d.Find(t.Context(), hash); err != nil || !ok || at != (chain.Place{}) {
		t.Errorf("waiting: %+v, %v, %v", at, ok, err)
	}
	c.Mine()
	if at, ok, err := d.Find(t.Context(), hash); err != nil || !ok || at != (chain.Place{Mined: true, Height: c.Height()}) {
		t.Errorf("mined: %+v, %v, %v", at, ok, err)
	}
	for _, unknown := range []string{"", "0x12", sui.Mainnet} {
		if at, ok, err := d.Find(t.Context(), unknown); err != nil || ok || at != (chain.Place{}) {
			t.Errorf("unknown: %+v, %v, %v", at, ok, err)
		}
	}
	failed := newProxy(t, c)
	failed.set(faults{edit: map[string]edit{sui.GetTransaction: func(m []byte) []byte {
		return rewrite(m, func([]byte) []byte { return sui.Fields{}.Uint(1, 0) }, 1, 4, 4)
	}}})
	if at, ok, err := newDriver(newClock(), c, failed).Find(t.Context(), hash); err != nil || !ok || !at.Failed {
		t.Errorf("failed: %+v, %v, %v", at, ok, err)
	}
	silent := newProxy(t, c)
	silent.set(faults{status: "14"})
	if at, ok, err := newDriver(newClock(), c, silent).Find(t.Context(), hash); err == nil {
		t.Errorf("silent: %+v, %v", at, ok)
	}
	hs, err := d.Mentions(t.Context(), nil, 10, 20_000)
	if err != nil || len(hs) != 512 || hs[511] != 20_000 {
		t.Errorf("mentions %d: %v", len(hs), err)
	}
	if hs, _ := d.Mentions(t.Context(), nil, 3, 5); !slices.Equal(hs, []uint64{3, 4, 5}) {
		t.Errorf("mentions %v", hs)
	}
}

// A key in an address goes into a header, and into nothing else.
func TestKeyInHeader(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	p := newProxy(t, c)
	d := newDriver(newClock(), c)
	d.Nodes = []string{strings.Replace(p.url, "http://", "http://x-token:secret@", 1)}
	if _, err := d.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.header("X-Token") != "secret" || p.header("Authorization") != "" {
		t.Errorf("headers %q, %q", p.header("X-Token"), p.header("Authorization"))
	}
	p.set(faults{html: true})
	if _, err := d.Head(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

// A network that lists the transactions of checkpoints in a new way is not lost: how many there
// are is still proven, and which is what the nodes say.
func TestAnUnknownListOfTransactions(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2, 3} {
		c, k, b := devchain.New(devchain.Options{}), newClock(), ours()
		var ps []*proxy
		for range nodes {
			ps = append(ps, newProxy(t, c))
		}
		d := newDriver(k, c, ps...)
		var log bytes.Buffer
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		w := chaintest.NewWatcher(d, b, 1)
		c.Mine()
		settle(t, k, w)
		c.Upgrade()
		pays(c)
		if nodes == 1 {
			for _, f := range []faults{nodeFaults["drops some txs"], nodeFaults["repeats txs"], nodeFaults["drops the txs"], nodeFaults["other contents"]} {
				ps[0].set(f)
				if _, err := w.Step(t.Context()); err == nil || len(b.Final()) != 0 {
					t.Errorf("found %v: %v", b.Final(), err)
				}
				k.advance(time.Minute)
			}
			ps[0].set(faults{})
		}
		allFinal(t, c, k, w, b)
		if strings.Count(log.String(), "a form that this release does not know") != 1 {
			t.Errorf("the log says %s", log.String())
		}
	}
}

// A change without a coin is not one of SUI.
func TestAChangeWithoutACoin(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	p := newProxy(t, c)
	d := newDriver(newClock(), c, p)
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Pay(devchain.Transfer{To: ourA, Coin: devchain.FakeDollar, Units: 16})
	c.Mine()
	p.set(nodeFaults["no coin"])
	if f, err := d.Scan(t.Context(), from, c.Height(), ours().Ours); err == nil {
		t.Errorf("found %+v", f.Deposits)
	}
}
