package sui_test

import (
	"context"
	"encoding/hex"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
	mover "github.com/pepay/pepay/internal/settle/sui"
)

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

func TestExpiryNeedsEveryNode(t *testing.T) {
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
