package solana_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

func (w *world) prepare(items ...pay.SweepItem) pay.Relay {
	w.Helper()
	p, err := w.m.Prepare(w.Context(), items)
	if err != nil || len(p.Items) == 0 {
		w.Fatalf("prepare: %v, left %v", err, p.Left)
	}
	return pay.Relay{Network: "solana", Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}, State: pay.RelaySent}
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

// What is sent twice, by several nodes, or after an answer got lost, moves once.
func TestSentTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 2)
	items := w.paid(item(0, dollar))
	l := w.prepare(items...)
	for _, n := range w.nodes {
		n.change(func(n *node) { n.lose = true })
	}
	w.m.Send(t.Context(), l)
	w.hasFate(l, pay.RelaySent, false)
	if _, some, err := w.m.Again(t.Context(), l, time.Now()); some || err != nil {
		t.Errorf("again: %v, %v", some, err)
	}
	w.mine(1)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
	w.holds(merchant, dollar, 2_000_000)
}

// A process that dies before it sends has moved nothing; when the transaction is too old it
// counts as failed, and not before, and the next one moves the money, once.
func TestExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	items := w.paid(item(0, dollar), item(1, ""))
	first := w.prepare(items...)
	w.mine(solana.Life)
	w.hasFate(first, pay.RelaySent, false)
	w.mine(32)
	w.hasFate(first, pay.RelaySent, false)
	w.mine(1)
	w.hasFate(first, pay.RelayFailed, false)
	second := w.prepare(items...)
	w.m.Send(t.Context(), first) // too late
	w.m.Send(t.Context(), second)
	w.mine(1)
	w.hasFate(first, pay.RelayFailed, false)
	w.hasFate(second, pay.RelayDone, true)
	w.holds(merchant, dollar, 2_000_000)
	w.holds(merchant, "", 2_000_001)
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

// A fork drops the transaction: it is sent again, and lands once.
func TestForked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5, 1)
	items := w.paid(item(0, dollar), item(1, ""))
	w.mine(5)
	l := w.prepare(items...)
	w.m.Send(t.Context(), l)
	w.mine(2)
	w.hasFate(l, pay.RelaySent, true)
	w.c.Rewind(2)
	w.mine(3)
	w.hasFate(l, pay.RelaySent, false)
	w.holds(merchant, dollar, 0)
	if _, some, err := w.m.Again(t.Context(), l, time.Now()); some || err != nil {
		t.Errorf("again: %v, %v", some, err)
	}
	w.mine(1)
	w.hasFate(l, pay.RelaySent, true)
	w.mine(5)
	w.hasFate(l, pay.RelayDone, true)
	w.holds(merchant, dollar, 2_000_000)
	w.holds(merchant, "", 2_000_001)
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

func (w *world) paidAndLost() pay.Relay {
	for _, n := range w.nodes {
		n.change(func(n *node) { n.down, n.edit = false, nil })
	}
	l := w.prepare(w.paid(item(7, dollar))...)
	w.mine(200)
	return l
}

func TestShortage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, 1)
	w.m.Payer = sim.Key("poor")
	poor := solana.Address(w.m.Payer)
	items := w.paid(item(0, dollar))
	if _, known := w.m.Holds(); known || w.m.Shortage() != "" {
		t.Error("known before anybody looked")
	}
	for _, lamports := range []uint64{0, 1_000_000, 1_900_000} {
		w.c.Fund(poor, lamports)
		w.mine(1)
		if _, err := w.m.Prepare(t.Context(), items); !errors.Is(err, settle.ErrNoGas) || !strings.Contains(w.m.Shortage(), poor.String()) {
			t.Errorf("with %d more: %v, %q", lamports, err, w.m.Shortage())
		}
	}
	w.c.Fund(poor, 100_000)
	w.mine(1)
	if err := w.m.Look(t.Context()); err != nil || w.m.Shortage() != "" {
		t.Errorf("after it was sent some: %v, %q", err, w.m.Shortage())
	}
	if have, known := w.m.Holds(); !known || have.String() != "3000000" {
		t.Errorf("holds %s, %v", have, known)
	}
	l := w.prepare(items...)
	w.m.Send(t.Context(), l)
	w.mine(1)
	w.hasFate(l, pay.RelayDone, true)
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
