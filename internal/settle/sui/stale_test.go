package sui_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
)

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
