package cardano_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// huge is as much of an asset as an output can hold: two issues, of what a transaction may
// issue, joined and one more.
func huge(lovelace uint64, units ...string) cardano.Value {
	v := cardano.Value{Lovelace: lovelace, Assets: map[string]uint64{}}
	for _, u := range units {
		v.Assets[u] = 1<<64 - 1
	}
	return v
}

// moves settles items until nothing of them is left at their addresses, and returns in how
// many transactions.
func (r *rig) moves(t *testing.T, items ...pay.SweepItem) (relays int) {
	t.Helper()
	for ; len(items) > 0 && relays < 10; relays++ {
		l := r.relay(t, items...)
		r.Send(t.Context(), l)
		r.mine(confirmations)
		r.is(t, l, pay.RelayDone, true)
		items = slices.DeleteFunc(items, func(i pay.SweepItem) bool { return r.Balance(i.Address).Lovelace == 0 })
	}
	return relays
}

// lies returns the outputs at an address, the newest first.
func (r *rig) lies(t *testing.T, address string) (all []cardano.Unspent) {
	t.Helper()
	return must(r.Driver.Unspent(t.Context(), address, func(cardano.Unspent) bool { return true }))
}

// As much of an asset as there can be, at the fee payer and at deposit addresses: it goes
// along, one such output at a time, and what was paid is not kept waiting for it.
func TestHugeJunk(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.fund(t, feePayer(), huge(2*ada, junk))
	r.fund(t, address(0), huge(2*ada, junk), huge(2*ada, junk), cardano.Value{Lovelace: 5 * ada})
	r.fund(t, address(1), tokens(2*ada, token, 7))
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	items := []pay.SweepItem{item(0, shortReceiver, ""), item(1, shortReceiver, token)}
	l := r.relay(t, items...)
	if len(l.Sweeps) != 2 {
		t.Fatalf("moves %+v", l.Sweeps)
	}
	r.Send(t.Context(), l)
	r.mine(confirmations)
	r.is(t, l, pay.RelayDone, true)
	if left := r.lies(t, address(0)); len(left) != 1 || len(left[0].Value.Assets) != 1 || len(r.lies(t, address(1))) != 0 {
		t.Fatalf("%+v is left", left)
	}
	if n := r.moves(t, items[0]); n != 1 {
		t.Errorf("%d relays for the rest", n)
	}
	got := r.lies(t, shortReceiver)
	if len(got) != 2 || got[0].Value.Lovelace+got[1].Value.Lovelace != 11*ada || got[0].Value.Assets[junk] != 1<<64-1 || got[1].Value.Assets[junk] != 1<<64-1 || got[1].Value.Assets[token] != 7 {
		t.Errorf("the receiver has %+v", got)
	}
	if payer := r.lies(t, feePayer()); len(payer) != 2 || !slices.ContainsFunc(payer, func(u cardano.Unspent) bool { return u.Value.Assets[junk] == 1<<64-1 }) {
		t.Errorf("the fee payer has %+v", payer)
	}
}

// An output that would make the receiver's hold too much is left for another transaction:
// by its bytes, or by how many assets there are, however short their names.
func TestJunkThatDoesNotFit(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	names := func(policies, names int) cardano.Value {
		v := cardano.Value{Lovelace: 30 * ada, Assets: map[string]uint64{}}
		for n := range policies * names {
			v.Assets[fmt.Sprintf("%056x%02x", n/names, n%names)] = 1
		}
		return v
	}
	r.fund(t, address(0), names(3, 250), cardano.Value{Lovelace: 5 * ada})
	other := cardano.Value{Lovelace: 30 * ada, Assets: map[string]uint64{}}
	for unit := range names(3, 250).Assets {
		other.Assets["ff"+unit[2:]] = 1
	}
	r.fund(t, address(0), other)
	if n := r.moves(t, item(0, shortReceiver, "")); n != 2 || r.Balance(shortReceiver).Lovelace != 65*ada {
		t.Errorf("%d relays brought %d", n, r.Balance(shortReceiver).Lovelace)
	}
	// One that fits into none, as there can be when the network's bounds get narrower.
	r.fund(t, address(1), names(150, 1), cardano.Value{Lovelace: 5 * ada}, tokens(2*ada, token, 3))
	l := r.relay(t, item(1, longReceiver, ""), item(1, longReceiver, token))
	r.Send(t.Context(), l)
	r.mine(confirmations)
	r.is(t, l, pay.RelayDone, true)
	r.holds(t, longReceiver, tokens(7*ada, token, 3))
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{item(1, longReceiver, "")}); err != nil || !strings.Contains(p.Left[item(1, longReceiver, "")], "too much for one transaction") {
		t.Errorf("what is left: %+v, %v", p, err)
	}
}

// However many outputs that nobody can use lie at the fee payer and at a deposit address,
// with a token or with a script, what can be used is found.
func TestMuchJunk(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	scripts := slices.Repeat([]cardano.Value{{Lovelace: 1_234_567}}, 510)
	r.fund(t, feePayer(), slices.Repeat([]cardano.Value{tokens(1_200_000, junk, 1)}, 510)...)
	r.fund(t, feePayer(), scripts...)
	r.fund(t, address(0), scripts...)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	r.fund(t, address(0), scripts...)
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if !strings.HasSuffix(q.URL.Path, "/utxos") {
			return false
		}
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, q)
		var list []map[string]any
		_ = json.Unmarshal(answer.Body.Bytes(), &list)
		for _, o := range list {
			if o["amount"].([]any)[0].(map[string]any)["quantity"] == "1234567" {
				o["reference_script_hash"] = junk
			}
		}
		_ = json.NewEncoder(w).Encode(list)
		return true
	})
	for range 2 { // the second time with what is left of the first
		l := r.relay(t, item(0, shortReceiver, ""))
		r.Send(t.Context(), l)
		r.mine(confirmations)
		r.is(t, l, pay.RelayDone, true)
		r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	}
	r.holds(t, shortReceiver, cardano.Value{Lovelace: 10 * ada})
}

// An address that no node tells anything of keeps nobody else waiting; it is no less known
// for that, and its turn comes again.
func TestUnreadAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	r.fund(t, address(1), cardano.Value{Lovelace: 6 * ada})
	bad, good, gone := item(0, shortReceiver, ""), item(1, shortReceiver, ""), item(2, shortReceiver, "")
	for n := range r.faults {
		r.fault(n, func(w http.ResponseWriter, q *http.Request) bool {
			if !strings.HasPrefix(q.URL.Path, "/addresses/"+address(0)) {
				return false
			}
			w.WriteHeader(http.StatusBadGateway)
			return true
		})
	}
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{bad}); !errors.Is(err, settle.ErrUnread) || len(p.Left) != 0 {
		t.Errorf("alone: %+v, %v", p, err)
	}
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{bad, gone}); err != nil || len(p.Items) != 0 || len(p.Unread) != 1 || len(p.Left) != 1 || p.Left[gone] == "" {
		t.Errorf("beside one that is left: %+v, %v", p, err)
	}
	l := r.relay(t, bad, gone, good)
	if !slices.Equal(l.Sweeps, []pay.SweepItem{good}) {
		t.Fatalf("moves %+v", l.Sweeps)
	}
	r.Send(t.Context(), l)
	r.mine(confirmations)
	r.is(t, l, pay.RelayDone, true)
	if !strings.Contains(r.log.String(), "HTTP status 502") {
		t.Errorf("the log does not say why: %s", r.log.String())
	}
	for n := range r.faults {
		r.fault(n, nil)
	}
	if n := r.moves(t, bad); n != 1 {
		t.Errorf("%d relays", n)
	}
	r.holds(t, shortReceiver, cardano.Value{Lovelace: 11 * ada})
	// When nothing at all is told, not every address is asked for.
	asked, before := map[string]bool{}, map[string]bool{}
	r.fault(1, func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if !strings.HasPrefix(q.URL.Path, "/addresses/") || strings.Contains(q.URL.Path, feePayer()) {
			return false
		}
		asked[q.URL.Path] = true
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	var many []pay.SweepItem
	for n := range uint32(20) {
		many = append(many, item(n, shortReceiver, ""))
	}
	for range 2 { // and the next time others are
		asked = map[string]bool{}
		if p, err := r.Prepare(t.Context(), many); !errors.Is(err, settle.ErrUnread) || len(asked) != 3 || len(p.Unread) != 3 {
			t.Errorf("%+v, %v after %v", p, err, asked)
		}
		for path := range asked {
			if before[path] {
				t.Errorf("%s was asked for again before others", path)
			}
			before[path] = true
		}
	}
}
