package solana_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/settle/settletest"
	mover "github.com/pepay/pepay/internal/settle/solana"
)

var (
	dollar, newDollar = sim.Dollar.String(), sim.NewDollar.String()
	merchant          = solana.Address(sim.Key("merchant")).String()
	other             = solana.Address(sim.Key("other merchant")).String()
)

// node is a way to the network, which can be broken.
type node struct {
	c http.Handler

	mu   sync.Mutex
	lose bool // answers, but does what it is told
	deaf bool // to transactions
	down bool
	edit func(method, body string) string
}

func (n *node) change(f func(*node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(n)
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	sends := bytes.Contains(body, []byte("sendTransaction"))
	if n.down || n.deaf && sends {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	rec := httptest.NewRecorder()
	r.Body = io.NopCloser(bytes.NewReader(body))
	n.c.ServeHTTP(rec, r)
	if n.lose && sends {
		http.Error(w, "lost", http.StatusGatewayTimeout)
		return
	}
	out := rec.Body.String()
	if n.edit != nil {
		out = n.edit(string(body), out)
	}
	_, _ = io.WriteString(w, out)
}

// world is a network and what settles on it.
type world struct {
	*testing.T
	c     *sim.Chain
	nodes []*node
	m     *mover.Mover
	log   *bytes.Buffer
}

var words, _ = seed.New(strings.Repeat("abandon ", 11) + "about")

func key(index uint32) ed25519.PrivateKey { return words.Ed25519(solana.Path(index)...) }

func address(index uint32) string { return solana.Address(key(index)).String() }

func newWorld(t *testing.T, lag, nodes int) *world {
	w := &world{T: t, c: sim.New(sim.Options{Seed: 1, Lag: lag}), log: new(bytes.Buffer)}
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var asked atomic.Int64
	d := &solana.Driver{
		Network: "solana", Genesis: w.c.Genesis(), Log: logger, Timeout: 5 * time.Second,
		// Nodes that were passed over are asked again.
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0).Add(time.Duration(asked.Add(1)) * time.Hour) },
		Tokens: []pay.Token{{}, {Address: dollar, Decimals: 6}, {Address: newDollar, Decimals: 6}},
	}
	for range nodes {
		n := &node{c: w.c}
		server := httptest.NewServer(n)
		t.Cleanup(server.Close)
		d.Nodes, w.nodes = append(d.Nodes, server.URL), append(w.nodes, n)
	}
	w.m = &mover.Mover{Driver: d, Payer: sim.Key("payer"), Key: func(i uint32) (ed25519.PrivateKey, error) { return key(i), nil }, Log: logger}
	w.c.Fund(solana.Address(sim.Key("payer")), 1e9)
	w.c.Mine()
	t.Cleanup(func() {
		for _, k := range []ed25519.PrivateKey{sim.Key("payer"), key(0), key(1)} {
			if strings.Contains(w.log.String(), hex.EncodeToString(k[:8])) {
				t.Error("a key is in the log")
			}
		}
	})
	return w
}

func item(index uint32, token string) pay.SweepItem {
	return pay.SweepItem{Address: address(index), Receiver: merchant, Salt: strconv.Itoa(int(index)), Token: token}
}

// paid pays items some of their tokens.
func (w *world) paid(items ...pay.SweepItem) []pay.SweepItem {
	w.Helper()
	for i, s := range items {
		if _, err := w.c.Pay(sim.Payment{To: s.Address, Token: s.Token, Units: 2_000_000 + uint64(i)}); err != nil {
			w.Fatal(err)
		}
	}
	w.mine(1)
	return items
}

func (w *world) mine(n int) {
	for range n {
		w.c.Mine()
	}
}

func (w *world) fate(l pay.Relay) settle.Fate {
	w.Helper()
	f, err := w.m.Fate(w.Context(), l)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *world) hasFate(l pay.Relay, state pay.RelayState, mined bool) {
	w.Helper()
	if f := w.fate(l); f.State != state || f.Mined != mined || f.TxHash != l.Sends[0].TxHash || (f.Reason == "") == (state == pay.RelayFailed) {
		w.Errorf("fate %+v, want %s, mined %v", f, state, mined)
	}
}

// holds fails unless a merchant has so much of a token.
func (w *world) holds(who, token string, units uint64) {
	w.Helper()
	if got := w.c.Balance(who, token); got != units {
		w.Errorf("%s holds %d of %q, want %d", who, got, token, units)
	}
}

func (w *world) empty(items ...pay.SweepItem) {
	w.Helper()
	for _, s := range items {
		w.holds(s.Address, s.Token, 0)
	}
}

// sweptTo fails unless the chain shows so many sweeps, all of them to one address.
func (w *world) sweptTo(who string, n int) {
	w.Helper()
	genesis, err := w.m.Driver.Block(w.Context(), 0)
	if err != nil {
		w.Fatal(err)
	}
	mine := map[string]string{}
	for i := range uint32(10) {
		mine[address(i)] = address(i)
	}
	f, err := w.m.Driver.Scan(w.Context(), genesis, 1000, func(context.Context, []string) (map[string]string, error) { return mine, nil })
	if err != nil || len(f.Sweeps) != n {
		w.Errorf("%d sweeps: %v", len(f.Sweeps), err)
	}
	for _, s := range f.Sweeps {
		if s.To != who {
			w.Errorf("%s of %q went to %s", s.Units, s.Token, s.To)
		}
	}
}

func (w *world) paidAndLost() pay.Relay {
	for _, n := range w.nodes {
		n.change(func(n *node) { n.down, n.edit = false, nil })
	}
	l := w.prepare(w.paid(item(7, dollar))...)
	w.mine(200)
	return l
}

func (w *world) prepare(items ...pay.SweepItem) pay.Relay {
	w.Helper()
	return settletest.Prepare(w, w.m, "solana", items...)
}

func TestMover(t *testing.T) {
	t.Parallel()
	settletest.Run(t, func(t *testing.T) *settletest.Network {
		const lag = 5
		w := newWorld(t, lag, 2)
		items := w.paid(item(0, dollar), item(1, ""))
		w.mine(lag)
		return &settletest.Network{
			Mover: w.m, Name: "solana", Items: items, Units: []int64{2_000_000, 2_000_001},
			Has:  func(address, token string) *big.Int { return new(big.Int).SetUint64(w.c.Balance(address, token)) },
			Mine: w.c.Mine, Depth: lag + 1, Expire: func() { w.mine(solana.Life + 33 + lag) },
			Fork: func() { w.mine(1); w.c.Rewind(2); w.mine(3) },
			Fault: func(f settletest.Fault) {
				for _, n := range w.nodes {
					n.change(func(n *node) { n.deaf, n.lose = f == settletest.Deaf, f == settletest.Mute })
				}
			},
			Account: func() settletest.Account {
				w.m.Payer = sim.Key("poor")
				poor := solana.Address(w.m.Payer)
				return settletest.Account{
					Address: poor.String(), Fund: func(units int64) { w.c.Fund(poor, uint64(units)); w.mine(1 + lag) },
					Little: []int64{1_000_000, 1_900_000}, Enough: 100_000, Needs: `29\d{5}`,
				}
			},
		}
	})
}
