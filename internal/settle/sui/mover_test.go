package sui_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/settle"
	mover "github.com/pepay/pepay/internal/settle/sui"
)

const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// merchants are who the addresses belong to.
var merchants = []sui.Address{{0x77, 31: 1}, {0x77, 31: 2}}

// rig is a network with nodes in front of it, and a mover.
type rig struct {
	*mover.Mover
	t     *testing.T
	chain *devchain.Chain
	nodes []*gate
	seed  seed.Seed
	log   *bytes.Buffer
}

func newRig(t *testing.T, nodes int) *rig {
	s, err := seed.New(words)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, chain: devchain.New(devchain.Options{}), seed: s, log: new(bytes.Buffer)}
	r.Mover = &mover.Mover{
		Network: "sui", Chain: r.chain.ID(), Sponsor: s.Ed25519(sui.Path(1 << 30)...), Timeout: 10 * time.Second,
		Key: func(i uint32) (ed25519.PrivateKey, error) { return s.Ed25519(sui.Path(i)...), nil },
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	}
	for range nodes {
		g := &gate{chain: r.chain}
		server := httptest.NewUnstartedServer(g)
		server.Config.Protocols = r.chain.Server().Protocols
		server.Start()
		t.Cleanup(server.Close)
		r.nodes, r.Nodes = append(r.nodes, g), append(r.Nodes, server.URL)
	}
	return r
}

// funded is a rig whose sponsor has a coin.
func funded(t *testing.T, nodes int) *rig {
	r := newRig(t, nodes)
	r.chain.Fund(r.address(1<<30), sui.Native, 1_000_000_000)
	return r
}

func (r *rig) address(index uint32) sui.Address {
	return sui.AddressOf(r.seed.Ed25519(sui.Path(index)...).Public().(ed25519.PublicKey))
}

func (r *rig) item(index uint32, token string) pay.SweepItem {
	return pay.SweepItem{Address: r.address(index).String(), Receiver: merchants[index%2].String(), Salt: strconv.Itoa(int(index)), Token: token}
}

// relay prepares and writes down a transaction that moves the items.
func (r *rig) relay(items ...pay.SweepItem) pay.Relay {
	r.t.Helper()
	p, err := r.Prepare(r.t.Context(), items)
	if err != nil || len(p.Items) == 0 {
		r.t.Fatalf("prepared %+v: %v", p, err)
	}
	return pay.Relay{Network: "sui", Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}, State: pay.RelaySent}
}

func (r *rig) fate(l pay.Relay, want pay.RelayState, mined bool) settle.Fate {
	r.t.Helper()
	f, err := r.Fate(r.t.Context(), l)
	if err != nil || f.State != want || f.Mined != mined || f.TxHash != l.Sends[0].TxHash {
		r.t.Fatalf("fate %+v, want %s, mined %v: %v", f, want, mined, err)
	}
	return f
}

func (r *rig) holds(a sui.Address, coin string, want int64) {
	r.t.Helper()
	if got := r.chain.Holds(a, coin); got.Cmp(big.NewInt(want)) != 0 {
		r.t.Errorf("%s has %s of %s, want %d", a, got, coin, want)
	}
}

// settles sends a relay until it is done.
func (r *rig) settles(l pay.Relay) {
	r.t.Helper()
	r.Send(r.t.Context(), l)
	r.chain.Mine()
	r.fate(l, pay.RelayDone, true)
}

// gate is a node, with faults.
type gate struct {
	chain *devchain.Chain

	mu    sync.Mutex
	fault func(method string, w http.ResponseWriter, pass func()) bool // it has seen to the call
}

func (g *gate) set(fault func(method string, w http.ResponseWriter, pass func()) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = fault
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	fault := g.fault
	g.mu.Unlock()
	pass := func() { g.chain.ServeHTTP(httptest.NewRecorder(), r) }
	if fault == nil || !fault(strings.TrimPrefix(r.URL.Path, sui.Prefix), w, pass) {
		g.chain.ServeHTTP(w, r)
	}
}

// says makes a node answer a method with a message of its own.
func says(method string, m sui.Fields) func(string, http.ResponseWriter, func()) bool {
	return func(called string, w http.ResponseWriter, _ func()) bool {
		if called == method {
			_, _ = w.Write(sui.Frame(m))
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}
		return called == method
	}
}

// refuses makes a node answer a method with a status; after doing it, if told so.
func refuses(method string, status int, done bool) func(string, http.ResponseWriter, func()) bool {
	return func(called string, w http.ResponseWriter, pass func()) bool {
		if called != method {
			return false
		}
		if done {
			pass()
		}
		w.Header().Set("Grpc-Status", strconv.Itoa(status))
		return true
	}
}

func TestEverythingOfAnAddressMovesAtOnce(t *testing.T) {
	t.Parallel()
	r := funded(t, 1)
	a, b := r.address(0), r.address(1)
	for _, p := range []devchain.Transfer{
		{To: a, Coin: sui.Native, Units: 3e9},
		{To: a, Coin: sui.Native, Units: 4e9},
		{To: a, Coin: sui.Native, Units: 5e9, Direct: true},
		{To: a, Coin: devchain.Dollar, Units: 6e6},
		{To: a, Coin: devchain.FakeDollar, Units: 7e6},
		{To: b, Coin: devchain.Dollar, Units: 8e6, Direct: true},
	} {
		r.chain.Pay(p)
	}
	r.chain.Mine()
	items := []pay.SweepItem{r.item(0, ""), r.item(1, devchain.Dollar), r.item(0, devchain.Dollar)}
	l := r.relay(items...)
	if !slices.Equal(l.Sweeps, []pay.SweepItem{items[0], items[2]}) {
		t.Fatalf("moves %v", l.Sweeps)
	}
	r.fate(l, pay.RelaySent, false)
	r.Send(t.Context(), l)
	r.fate(l, pay.RelaySent, true) // executed, and in no checkpoint yet
	r.chain.Mine()
	r.fate(l, pay.RelayDone, true)
	r.holds(merchants[0], sui.Native, 12e9)
	r.holds(merchants[0], devchain.Dollar, 6e6)
	r.holds(a, sui.Native, 0)
	r.holds(a, devchain.Dollar, 0)
	r.holds(a, devchain.FakeDollar, 7e6)
	r.settles(r.relay(items[1]))
	r.holds(merchants[1], devchain.Dollar, 8e6)
	spent := new(big.Int).Sub(big.NewInt(1e9), r.chain.Holds(r.address(1<<30), sui.Native))
	if spent.Sign() <= 0 || spent.Cmp(big.NewInt(2*mover.DefaultBudget)) > 0 {
		t.Errorf("the sponsor spent %s", spent)
	}
	if f := l.Sends[0].Raw + r.log.String(); strings.Contains(f, hex.EncodeToString(r.seed.Ed25519(sui.Path(0)...).Seed())) || strings.Contains(f, hex.EncodeToString(r.Sponsor.Seed())) {
		t.Error("a private key got out")
	}
}

func TestDustDoesNotBlockAnAddress(t *testing.T) {
	t.Parallel()
	r := funded(t, 1)
	for range 300 {
		r.chain.Pay(devchain.Transfer{To: r.address(0), Coin: sui.Native, Units: 1})
	}
	r.chain.Fund(r.address(0), sui.Native, 9e9)
	r.settles(r.relay(r.item(0, "")))
	r.holds(merchants[0], sui.Native, 9e9+199)
	r.settles(r.relay(r.item(0, "")))
	r.holds(r.address(0), sui.Native, 0)
}

// What is sent more than once, after whatever has happened to it, moves once.
func TestSentAgainMovesOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*rig, pay.Relay){
		"died before sending": func(*rig, pay.Relay) {},
		"sent twice":          func(r *rig, l pay.Relay) { r.Send(r.t.Context(), l); r.Send(r.t.Context(), l) },
		"lost on its way": func(r *rig, l pay.Relay) {
			r.nodes[0].set(refuses(sui.ExecuteTransaction, 14, false))
			r.Send(r.t.Context(), l)
			r.nodes[0].set(nil)
			r.fate(l, pay.RelaySent, false)
		},
		"answer lost": func(r *rig, l pay.Relay) {
			r.nodes[0].set(refuses(sui.ExecuteTransaction, 4, true))
			r.Send(r.t.Context(), l)
			r.nodes[0].set(nil)
			r.fate(l, pay.RelaySent, true)
		},
		"taken back": func(r *rig, l pay.Relay) {
			r.Send(r.t.Context(), l)
			r.chain.Mine()
			r.fate(l, pay.RelayDone, true)
			if err := r.chain.Fork(1); err != nil {
				r.t.Fatal(err)
			}
			r.fate(l, pay.RelaySent, false)
		},
		"died before it was written down": func(r *rig, _ pay.Relay) { r.relay(r.item(0, "")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := funded(t, 1)
			r.chain.Fund(r.address(0), sui.Native, 5e9)
			r.chain.Mine()
			l := r.relay(r.item(0, ""))
			f(r, l)
			if next, some, err := r.Again(t.Context(), l, time.Time{}); err != nil || some {
				t.Errorf("another form %+v, %v, %v", next, some, err)
			}
			r.chain.Mine()
			r.fate(l, pay.RelayDone, true)
			r.holds(merchants[0], sui.Native, 5e9)
			r.holds(r.address(0), sui.Native, 0)
			r.Send(t.Context(), l)
			r.holds(merchants[0], sui.Native, 5e9)
		})
	}
}

func TestExpiredFailsOnceAndIsPreparedAnew(t *testing.T) {
	t.Parallel()
	r := funded(t, 2)
	now := time.Unix(1_700_000_000, 0)
	r.Now = func() time.Time { return now }
	r.chain.Fund(r.address(0), devchain.Dollar, 5e6)
	l := r.relay(r.item(0, devchain.Dollar))
	r.fate(l, pay.RelaySent, false)
	// One node is behind, or does not answer, or has forgotten the epoch: it is not sure.
	doubts := map[string]func(string, http.ResponseWriter, func()) bool{
		"behind":     says(sui.GetServiceInfo, sui.Fields{}.Text(1, r.chain.ID()).Uint(3, 0).Uint(6, 0)),
		"pruned":     says(sui.GetServiceInfo, sui.Fields{}.Text(1, r.chain.ID()).Uint(3, 1).Uint(6, 100)),
		"no history": says(sui.GetServiceInfo, sui.Fields{}.Text(1, r.chain.ID()).Uint(3, 1)),
		"forgetful":  refuses(sui.GetEpoch, sui.CodeNotFound, false),
		"other":      says(sui.GetEpoch, sui.Fields{}.Bytes(1, sui.Fields{}.Uint(1, 7).Uint(4, 0))),
		"silent":     refuses(sui.GetTransaction, 14, false),
	}
	r.chain.NextEpoch()
	for name, doubt := range doubts {
		r.nodes[1].set(doubt)
		now = now.Add(time.Hour) // no node is passed over any more
		if f, err := r.Fate(t.Context(), l); err != nil || f.State != pay.RelaySent {
			t.Errorf("%s: fate %+v, %v", name, f, err)
		}
	}
	now = now.Add(time.Hour)
	r.nodes[1].set(nil)
	if f := r.fate(l, pay.RelayFailed, false); !strings.Contains(f.Reason, "epoch 0") {
		t.Errorf("reason %q", f.Reason)
	}
	r.Send(t.Context(), l)
	r.chain.Mine()
	r.holds(merchants[0], devchain.Dollar, 0)
	r.settles(r.relay(r.item(0, devchain.Dollar)))
	r.Send(t.Context(), l)
	r.holds(merchants[0], devchain.Dollar, 5e6)
}

func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	r := funded(t, 2)
	r.chain.Fund(r.address(0), sui.Native, 5e9)
	l := r.relay(r.item(0, ""))
	for _, n := range r.nodes {
		n.set(refuses(sui.GetTransaction, 14, false))
	}
	if f, err := r.Fate(t.Context(), l); err == nil {
		t.Errorf("fate %+v", f)
	}
}

func TestFrozen(t *testing.T) {
	t.Parallel()
	r := funded(t, 1)
	a, b := r.address(0), r.address(1)
	for _, to := range []sui.Address{a, b} {
		r.chain.Fund(to, devchain.Dollar, 5e6)
		r.chain.Fund(to, sui.Native, 6e9)
	}
	// An address is frozen: what else it holds moves.
	r.chain.Deny(a, devchain.Dollar)
	frozen := r.item(0, devchain.Dollar)
	p, err := r.Prepare(t.Context(), []pay.SweepItem{frozen, r.item(0, "")})
	if err != nil || !slices.Equal(p.Items, []pay.SweepItem{r.item(0, "")}) || !strings.Contains(p.Left[frozen], "denied") || len(p.Left) != 1 {
		t.Fatalf("prepared %+v: %v", p, err)
	}
	// With nothing else, the next address is emptied.
	p, err = r.Prepare(t.Context(), []pay.SweepItem{frozen, r.item(1, "")})
	if err != nil || !slices.Equal(p.Items, []pay.SweepItem{r.item(1, "")}) || p.Left[frozen] == "" {
		t.Fatalf("prepared %+v: %v", p, err)
	}
	// A receiver is frozen after the transaction was signed: it fails, and costs gas only.
	l := r.relay(r.item(1, devchain.Dollar))
	r.chain.Deny(merchants[1], devchain.Dollar)
	r.Send(t.Context(), l)
	r.chain.Mine()
	if f := r.fate(l, pay.RelayFailed, true); !strings.Contains(f.Reason, "AddressDenied") {
		t.Errorf("reason %q", f.Reason)
	}
	r.holds(b, devchain.Dollar, 5e6)
	p, err = r.Prepare(t.Context(), []pay.SweepItem{r.item(1, devchain.Dollar)})
	if err != nil || len(p.Items) != 0 || !strings.Contains(p.Left[r.item(1, devchain.Dollar)], "would fail") {
		t.Errorf("prepared %+v: %v", p, err)
	}
}

func TestWhatCannotMoveIsLeft(t *testing.T) {
	t.Parallel()
	r := funded(t, 1)
	r.chain.Fund(r.address(0), sui.Native, 5e9)
	empty, foreign, nobody, noNumber := r.item(1, ""), r.item(0, ""), r.item(0, ""), r.item(0, "")
	foreign.Salt, nobody.Receiver, noNumber.Salt = "3", "0x7", "x"
	for _, i := range []pay.SweepItem{empty, foreign, nobody, noNumber} {
		p, err := r.Prepare(t.Context(), []pay.SweepItem{i})
		if err != nil || len(p.Items) != 0 || p.Left[i] == "" {
			t.Errorf("prepared %+v: %v", p, err)
		}
	}
	r.settles(r.relay(empty, r.item(0, "")))
}

// A coin that an address owns through consensus needs another kind of input: it stays.
func TestPartyCoinsStay(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.chain.Pay(devchain.Transfer{To: r.address(1 << 30), Coin: sui.Native, Units: 1e9, Direct: true})
	r.chain.Fund(r.address(0), sui.Native, 5e9)
	party := sui.Fields{}.Bytes(5, sui.Fields{}.Uint(1, 5)).Text(2, merchants[0].String()).Uint(3, 7).Text(4, r.Chain).Uint(101, 5)
	r.nodes[0].set(says(sui.ListOwnedObjects, sui.Fields{}.Bytes(1, party)))
	i := r.item(0, "")
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{i}); err != nil || len(p.Items) != 0 || p.Left[i] != "the address holds nothing that could be moved yet" {
		t.Errorf("prepared %+v: %v", p, err)
	}
}

func TestSponsorShortOfCoin(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.chain.Fund(r.address(0), sui.Native, 5e9)
	if have, known := r.Holds(); known || r.Shortage() != "" {
		t.Errorf("knows of %s, %q", have, r.Shortage())
	}
	short := func() {
		t.Helper()
		if _, err := r.Prepare(t.Context(), []pay.SweepItem{r.item(0, "")}); !errors.Is(err, mover.ErrNoGas) || !strings.Contains(err.Error(), r.address(1<<30).String()) {
			t.Errorf("prepare: %v", err)
		}
		if s := r.Shortage(); !strings.Contains(s, r.address(1<<30).String()) {
			t.Errorf("shortage %q", s)
		}
		if strings.Contains(r.log.String(), "passed over") {
			t.Error("the node is blamed for it")
		}
	}
	short()
	r.chain.Fund(r.address(1<<30), sui.Native, mover.DefaultBudget-1)
	short()
	r.chain.Fund(r.address(1<<30), sui.Native, 1)
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have, known := r.Holds(); !known || have.Int64() != mover.DefaultBudget || r.Shortage() != "" {
		t.Errorf("holds %s, %v, %q", have, known, r.Shortage())
	}
	r.settles(r.relay(r.item(0, ""))) // paid with two coins
	r.holds(merchants[0], sui.Native, 5e9)
}

// A sponsor may hold its SUI without a coin: transactions that are alike must differ then.
func TestSponsorWithoutCoins(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.chain.Pay(devchain.Transfer{To: r.address(1 << 30), Coin: sui.Native, Units: 1e9, Direct: true})
	for n := range int64(3) {
		r.chain.Pay(devchain.Transfer{To: r.address(0), Coin: devchain.Dollar, Units: 5e6, Direct: true})
		r.chain.Mine()
		r.settles(r.relay(r.item(0, devchain.Dollar)))
		r.holds(merchants[0], devchain.Dollar, 5e6*(n+1))
	}
	l := r.relay(r.itemPaid(0))
	r.chain.NextEpoch()
	r.Send(t.Context(), l)
	r.chain.Mine()
	r.fate(l, pay.RelayFailed, false)
}

func (r *rig) itemPaid(index uint32) pay.SweepItem {
	r.chain.Fund(r.address(index), sui.Native, 1e9)
	return r.item(index, "")
}

// One node of three errs in any way: it costs nothing but time.
func TestFaultyNodeDoesNotStopSettlement(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(string, http.ResponseWriter, func()) bool{
		"no info":       refuses(sui.GetServiceInfo, 14, false),
		"other chain":   says(sui.GetServiceInfo, sui.Fields{}.Text(1, sui.Mainnet)),
		"far future":    says(sui.GetServiceInfo, sui.Fields{}.Text(1, devchain.New(devchain.Options{}).ID()).Uint(3, 1<<40)),
		"no price":      says(sui.GetEpoch, nil),
		"garbage":       says(sui.GetBalance, sui.Fields("\xff\xff\xff")),
		"bad coin":      says(sui.ListOwnedObjects, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(5, sui.Fields{}.Uint(1, 1)).Text(2, "0x1").Uint(101, 5))),
		"bad version":   says(sui.ListOwnedObjects, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(5, sui.Fields{}.Uint(1, 1)).Text(2, merchants[0].String()).Text(4, "0").Uint(101, 5))),
		"no simulation": refuses(sui.SimulateTransaction, 14, false),
		"no execution":  refuses(sui.ExecuteTransaction, 14, false),
		"no look-up":    refuses(sui.GetTransaction, 13, false),
		"other tx":      says(sui.GetTransaction, sui.Fields{}.Bytes(1, sui.Fields{}.Text(1, "x"))),
		"no outcome":    says(sui.GetTransaction, sui.Fields{}.Bytes(1, nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := funded(t, 3)
			r.chain.Fund(r.address(0), devchain.Dollar, 5e6)
			r.nodes[0].set(fault)
			l := r.relay(r.item(0, devchain.Dollar))
			if l.Nonce != 0 {
				t.Errorf("valid in epoch %d", l.Nonce)
			}
			r.settles(l)
			r.holds(merchants[0], devchain.Dollar, 5e6)
		})
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	for _, nodes := range [][]string{nil, {"ftp://x"}, {"http://"}, {":"}} {
		m := &mover.Mover{Network: "sui", Nodes: nodes, Log: slog.New(slog.DiscardHandler), Now: time.Now}
		_, err1 := m.Prepare(context.Background(), nil)
		_, err2 := m.Fate(context.Background(), pay.Relay{Sends: []pay.RelaySend{{}}})
		m.Send(context.Background(), pay.Relay{Sends: []pay.RelaySend{{}}})
		if err3 := m.Look(context.Background()); err1 == nil || err2 == nil || err3 == nil {
			t.Errorf("%v: %v, %v, %v", nodes, err1, err2, err3)
		}
	}
}

// older makes a node name coins as they were when it was made, as one does whose lists are
// behind; times is how often, 0 for always.
func (r *rig) older(owner sui.Address, coin string, times int) func(string, http.ResponseWriter, func()) bool {
	r.t.Helper()
	list := sui.Fields{}.Text(1, owner.String()).Text(5, "0x2::coin::Coin<"+coin+">").
		Mask(4, "object_id", "version", "digest", "owner", "balance")
	q := httptest.NewRequest(http.MethodPost, sui.Prefix+sui.ListOwnedObjects, bytes.NewReader(sui.Frame(list)))
	q.Header.Set("Content-Type", "application/grpc")
	was := httptest.NewRecorder()
	r.chain.ServeHTTP(was, q)
	var mu sync.Mutex
	n := 0
	return func(called string, w http.ResponseWriter, _ func()) bool {
		mu.Lock()
		defer mu.Unlock()
		if called != sui.ListOwnedObjects || times > 0 && n == times {
			return false
		}
		n++
		_, _ = w.Write(was.Body.Bytes())
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		return true
	}
}

// A node whose lists of coins are older than the coins costs no settlement its turn: coins are
// named again, by it or by another; what cannot be named as it is stays as it was, to be tried
// soon, and is not marked as failed.
func TestCoinsOfAnOlderVersionAreNamedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nodes, times int
		ok           bool
	}{
		"soon right":         {1, 2, true},
		"another is right":   {2, 0, true},
		"never right, alone": {1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.nodes)
			sponsor := r.address(1 << 30)
			r.chain.Fund(sponsor, sui.Native, 1_000_000_000)
			r.chain.Pay(devchain.Transfer{To: r.address(0), Coin: devchain.Dollar, Units: 5e6, Direct: true})
			r.chain.Pay(devchain.Transfer{To: r.address(1), Coin: devchain.Dollar, Units: 6e6, Direct: true})
			r.chain.Mine()
			stale := r.older(sponsor, sui.Native, c.times)
			r.settles(r.relay(r.item(0, devchain.Dollar))) // uses the sponsor's coin
			r.nodes[0].set(stale)
			i := r.item(1, devchain.Dollar)
			p, err := r.Prepare(t.Context(), []pay.SweepItem{i})
			if !c.ok {
				if err == nil || len(p.Items) != 0 || len(p.Left) != 0 || !strings.Contains(err.Error(), "as they were") {
					t.Fatalf("prepared %+v: %v", p, err)
				}
				return
			}
			if err != nil || len(p.Items) != 1 || len(p.Left) != 0 {
				t.Fatalf("prepared %+v: %v", p, err)
			}
			r.settles(pay.Relay{Network: "sui", Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}})
			r.holds(merchants[1], devchain.Dollar, 6e6)
			r.holds(merchants[0], devchain.Dollar, 5e6)
		})
	}
}

// A node that says a balance has changed meanwhile is asked again; one that cannot say how
// coins are is taken at its word.
func TestARefusalIsLookedInto(t *testing.T) {
	t.Parallel()
	r := funded(t, 1)
	r.chain.Pay(devchain.Transfer{To: r.address(0), Coin: devchain.Dollar, Units: 5e6, Direct: true})
	r.chain.Fund(r.address(1), devchain.Dollar, 7e6)
	i := r.item(0, devchain.Dollar)
	asked := 0
	r.nodes[0].set(func(called string, w http.ResponseWriter, _ func()) bool {
		if called != sui.GetBalance {
			return false
		}
		if asked++; asked != 2 { // of the sponsor first
			return false
		}
		_, _ = w.Write(sui.Frame(sui.Fields{}.Bytes(1, sui.Fields{}.Uint(3, 9e6).Uint(4, 9e6))))
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		return true
	})
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{i}); err != nil || len(p.Items) != 1 || len(p.Left) != 0 {
		t.Errorf("prepared %+v: %v", p, err)
	}
	i = r.item(1, devchain.Dollar)
	r.chain.Deny(r.address(1), devchain.Dollar)
	r.nodes[0].set(refuses(sui.BatchGetObjects, sui.CodeUnimplemented, false))
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{i}); err != nil || !strings.Contains(p.Left[i], "denied") {
		t.Errorf("prepared %+v: %v", p, err)
	}
	r.nodes[0].set(refuses(sui.BatchGetObjects, 14, false))
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{i}); err == nil || len(p.Left) != 0 {
		t.Errorf("prepared %+v: %v", p, err)
	}
}

// A node that has not seen the last relay, or is far behind another, names no coins: the coins
// would be of another version, and the transaction void until the epoch ends.
func TestNodesBehindNameNoCoins(t *testing.T) {
	t.Parallel()
	height := func(r *rig, h uint64) func(string, http.ResponseWriter, func()) bool {
		return says(sui.GetServiceInfo, sui.Fields{}.Text(1, r.chain.ID()).Uint(3, 0).Uint(4, h).Uint(6, 0))
	}
	for name, c := range map[string]struct {
		relay  bool // one of ours has landed before
		mine   int
		behind bool
	}{
		"has not seen the last relay": {true, 0, true},
		"far behind":                  {false, 60, true},
		"a little behind":             {false, 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := funded(t, 2)
			r.chain.Fund(r.address(0), devchain.Dollar, 5e6)
			r.chain.Fund(r.address(1), devchain.Dollar, 5e6)
			old := r.chain.Height()
			if c.relay {
				r.settles(r.relay(r.item(0, devchain.Dollar)))
			}
			for range c.mine {
				r.chain.Mine()
			}
			var asked bool
			slow := height(r, old)
			r.nodes[0].set(func(called string, w http.ResponseWriter, pass func()) bool {
				asked = asked || called == sui.ListOwnedObjects
				return slow(called, w, pass)
			})
			if l := r.relay(r.item(1, devchain.Dollar)); asked == c.behind || len(l.Sweeps) != 1 {
				t.Errorf("asked %v, moves %v", asked, l.Sweeps)
			}
		})
	}
}

// A transaction whose coin another has used can never be executed: it is given up when two
// nodes are sure of that, and not only when the epoch ends.
func TestACoinUsedByAnotherEndsARelay(t *testing.T) {
	t.Parallel()
	r := funded(t, 2)
	now := time.Unix(1_700_000_000, 0)
	r.Now = func() time.Time { return now }
	r.chain.Fund(r.address(0), devchain.Dollar, 5e6)
	r.chain.Fund(r.address(1), devchain.Dollar, 6e6)
	l, other := r.relay(r.item(0, devchain.Dollar)), r.relay(r.item(1, devchain.Dollar)) // with one coin of the sponsor
	r.fate(l, pay.RelaySent, false)
	r.Send(t.Context(), other)
	r.fate(l, pay.RelaySent, false) // the other is in no checkpoint yet
	r.chain.Mine()
	r.fate(other, pay.RelayDone, true)
	for name, doubt := range map[string]func(string, http.ResponseWriter, func()) bool{
		"pruned":       says(sui.GetServiceInfo, sui.Fields{}.Text(1, r.chain.ID()).Uint(3, 0).Uint(4, r.chain.Height()).Uint(6, 1)),
		"forgetful":    refuses(sui.GetEpoch, sui.CodeNotFound, false),
		"cannot say":   refuses(sui.BatchGetObjects, sui.CodeUnimplemented, false),
		"says nothing": says(sui.BatchGetObjects, nil),
		"silent":       refuses(sui.BatchGetObjects, 14, false),
		"knows none":   refuses(sui.GetTransaction, sui.CodeNotFound, false),
		"as it was": says(sui.BatchGetObjects, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(1,
			sui.Fields{}.Text(2, r.address(1<<30).String()).Uint(3, 9).Text(10, "x")))),
	} {
		r.nodes[1].set(doubt)
		now = now.Add(time.Hour)
		if f, err := r.Fate(t.Context(), l); err != nil || f.State != pay.RelaySent || f.Reason != "" {
			t.Errorf("%s: fate %+v, %v", name, f, err)
		}
	}
	r.nodes[1].set(nil)
	now = now.Add(time.Hour)
	if f := r.fate(l, pay.RelayFailed, false); !strings.Contains(f.Reason, other.Sends[0].TxHash) {
		t.Errorf("reason %q", f.Reason)
	}
	r.Send(t.Context(), l)
	r.chain.Mine()
	r.holds(merchants[0], devchain.Dollar, 0)
	r.settles(r.relay(r.item(0, devchain.Dollar)))
	r.holds(merchants[0], devchain.Dollar, 5e6)
	r.fate(other, pay.RelayDone, true)
}
