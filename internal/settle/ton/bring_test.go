package ton_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// everywhere sets what all nodes answer in the stead of the network.
func (w *world) everywhere(f func(http.ResponseWriter, *http.Request) bool) {
	for _, n := range w.nodes {
		n.set(func() { n.stead = f })
	}
}

// about reports whether a question is about the account of an item's address.
func about(r *http.Request, path string, i pay.SweepItem) bool {
	a, _ := ton.Parse(i.Address, true)
	q := r.URL.Query()
	return strings.HasSuffix(r.URL.Path, path) && (q.Get("address") == a.Raw() || q.Get("account") == a.Raw())
}

// crowded answers that an address has more transactions than anybody asks for.
func crowded(i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool {
	a, _ := ton.Parse(i.Address, true)
	text := `{"transactions":[` + strings.Repeat(`{"account":"`+a.Raw()+`"},`, 499) + `{"account":"` + a.Raw() + `"}]}`
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !about(r, "/transactions", i) {
			return false
		}
		_, _ = w.Write([]byte(text))
		return true
	}
}

// lock sets the status of an owner's jetton wallet, in what all nodes say of its data.
func (w *world) lock(owner ton.Address, lock ton.Lock) {
	j, _ := ton.Known(devchain.USDT)
	for _, n := range w.nodes {
		n.set(func() {
			n.rewrite = func(path, answer string) string {
				var all ton.AccountStates
				if !strings.HasSuffix(path, "/accountStates") || json.Unmarshal([]byte(answer), &all) != nil ||
					len(all.Accounts) != 1 || all.Accounts[0].Address != j.Wallet(owner).Raw() {
					return answer
				}
				data, err := ton.Decode64(*all.Accounts[0].Data)
				if err != nil {
					w.Error(err)
				}
				rest := data.BeginParse()
				rest.MustLoadUInt(4)
				text := ton.Encode64(cell.BeginCell().MustStoreUInt(uint64(lock), 4).MustStoreBuilder(rest.ToBuilder()).EndCell())
				all.Accounts[0].Data = &text
				said, _ := json.Marshal(all)
				return string(said)
			}
		})
	}
}

// What can never be moved, or not now, as the nodes agree, is left with the reason, and stops nothing else.
func TestLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world, *pay.SweepItem)
		want   string
	}{
		"no index":        {func(_ *world, i *pay.SweepItem) { i.Salt = "0x01" }, "index"},
		"too big":         {func(_ *world, i *pay.SweepItem) { i.Salt = "2147483648" }, "no key"},
		"another index":   {func(_ *world, i *pay.SweepItem) { i.Salt = "2" }, "no key"},
		"another address": {func(w *world, i *pay.SweepItem) { i.Address = w.item(2, "").Address }, "no key"},
		"another seed": {func(_ *world, i *pay.SweepItem) {
			i.Address, _ = ton.DepositAddress(public(key("an old seed")), 1, true)
		}, "words changed"},
		"no key": {func(w *world, _ *pay.SweepItem) {
			w.mover.Key = func(index uint32) (ed25519.PrivateKey, error) {
				if index == 1 {
					return nil, errors.New("secret")
				}
				return deposits, nil
			}
		}, "its key cannot be derived"},
		"no receiver":   {func(_ *world, i *pay.SweepItem) { i.Receiver = "UQ" }, "receiver"},
		"no jetton":     {func(w *world, i *pay.SweepItem) { i.Token = w.item(3, "").Address }, "get_jetton_data"},
		"no master":     {func(_ *world, i *pay.SweepItem) { i.Token = "USDT" }, "its token"},
		"too many":      {func(w *world, i *pay.SweepItem) { w.everywhere(crowded(*i)) }, "too many transactions"},
		"holds nothing": {func(_ *world, i *pay.SweepItem) { i.Token = devchain.Other }, "none of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, 2)
			bad, good := w.item(1, ""), w.item(4, "")
			w.pay(bad, 1_000_000_000)
			w.pay(good, 1_000_000_000)
			c.change(w, &bad)
			l, p := w.prepare(bad, good)
			if len(p.Items) != 1 || p.Items[0] != good || len(p.Left) != 1 || !strings.Contains(p.Left[bad], c.want) || strings.Contains(p.Left[bad], "secret") {
				t.Fatalf("prepared %+v, left %+v", p.Items, p.Left)
			}
			w.mover.Send(t.Context(), l)
			w.Mine()
			w.fate(l, pay.RelayDone)
			w.sums(good, "1000000000", "1000000000")
		})
	}
}

// Nothing is spent on a jetton that its issuer has locked; and what the locks allow is moved.
func TestLocked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token   string
		deposit bool // it is locked, or else the receiver
		lock    ton.Lock
		want    string
	}{
		"the address cannot send":       {devchain.USDT, true, ton.LockedOut, "address send"},
		"the address can do nothing":    {devchain.USDT, true, ton.LockedOut | ton.LockedIn, "address send"},
		"the address cannot receive":    {devchain.USDT, true, ton.LockedIn, ""},
		"the receiver cannot receive":   {devchain.USDT, false, ton.LockedIn, "receiver get"},
		"the receiver can do nothing":   {devchain.USDT, false, ton.LockedOut | ton.LockedIn, "receiver get"},
		"the receiver cannot send":      {devchain.USDT, false, ton.LockedOut, ""},
		"a bit that means nothing":      {devchain.USDT, true, 4, ""},
		"a jetton that is never locked": {devchain.Other, true, ton.LockedOut, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, 2)
			i, native, owner := w.item(1, c.token), w.item(2, ""), receiver
			if err := w.Pay(receiver.String(), c.token, big.NewInt(1)); err != nil { // so that it has a wallet of the jetton
				t.Fatal(err)
			}
			w.pay(i, 7_000_000)
			w.pay(native, 1_000_000_000)
			if c.deposit {
				owner, _ = ton.Parse(i.Address, true)
			}
			w.lock(owner, c.lock)
			l, p := w.prepare(i, native)
			if c.want == "" && (len(p.Items) != 2 || len(p.Left) != 0) ||
				c.want != "" && (len(p.Items) != 1 || p.Items[0] != native || !strings.Contains(p.Left[i], c.want)) {
				t.Fatalf("prepared %+v, left %+v", p.Items, p.Left)
			}
			w.mover.Send(t.Context(), l)
			w.Mine()
			if f := w.fate(l, pay.RelayDone); len(f.Refused) != 0 {
				t.Errorf("fate %+v", f)
			}
		})
	}
}

// A question without an answer says nothing of a payment: it is neither moved nor left, others go
// on, and only if nothing else can be done is it an error.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token string
		f     func(i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool
		last  bool // only of the last node
	}{
		"no state": {"", func(i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool {
			return silent("/accountStates", i)
		}, false},
		"no past":                 {"", func(i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool { return silent("/transactions", i) }, false},
		"one node":                {"", func(i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool { return silent("/transactions", i) }, true},
		"too many, one node says": {"", crowded, true},
		"no description": {devchain.Other, func(pay.SweepItem) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/runGetMethod") {
					w.WriteHeader(http.StatusGatewayTimeout)
					return true
				}
				return false
			}
		}, false},
		"no description of one node": {devchain.Other, func(pay.SweepItem) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/runGetMethod") {
					_, _ = w.Write([]byte(`{"exit_code":-13,"stack":[]}`))
					return true
				}
				return false
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, 2)
			i, good, bad := w.item(1, c.token), w.item(2, ""), w.item(3, "")
			w.pay(i, 1_000_000_000)
			w.pay(good, 1_000_000_000)
			bad.Receiver = "UQ"
			nodes := w.nodes
			if c.last {
				nodes = nodes[1:]
			}
			for _, n := range nodes {
				n.set(func() { n.stead = c.f(i) })
			}
			if p, err := w.mover.Prepare(t.Context(), []pay.SweepItem{i}); !errors.Is(err, settle.ErrUnread) || !strings.Contains(err.Error(), i.Address) || len(p.Left) != 0 || p.Send.Raw != "" || !slices.Equal(p.Unread, []pay.SweepItem{i}) {
				t.Fatalf("alone: %+v, left %+v, unread %+v: %v", p.Items, p.Left, p.Unread, err)
			}
			for _, items := range [][]pay.SweepItem{{i, good}, {good, i}} {
				if _, p := w.prepare(items...); len(p.Items) != 1 || p.Items[0] != good || len(p.Left) != 0 || !slices.Equal(p.Unread, []pay.SweepItem{i}) {
					t.Fatalf("with another: %+v, left %+v, unread %+v", p.Items, p.Left, p.Unread)
				}
			}
			if _, p := w.prepare(i, bad); len(p.Items) != 0 || len(p.Left) != 1 || p.Left[bad] == "" {
				t.Fatalf("with one that is left: %+v, left %+v", p.Items, p.Left)
			}
			w.everywhere(nil)
			for n := range 2 { // after the other for the last time, and then in turn
				if _, p := w.prepare(i, good); len(p.Items) != 2 || p.Items[n] != good {
					t.Fatalf("answered again: %+v", p.Items)
				}
			}
		})
	}
}

// silent does not answer about an address.
func silent(path string, i pay.SweepItem) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if about(r, path, i) {
			w.WriteHeader(http.StatusGatewayTimeout)
			return true
		}
		return false
	}
}

// Addresses about which the nodes say nothing for ever take the others' time once, not each time;
// nor one of them that of another for which they answer again.
func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	w.mover.Patience = time.Second
	lost, back, good := w.item(1, ""), w.item(2, ""), w.item(3, "")
	w.pay(back, 1_000_000_000)
	w.pay(good, 1_000_000_000)
	hang := func(items ...pay.SweepItem) {
		w.everywhere(func(_ http.ResponseWriter, r *http.Request) bool {
			for _, i := range items {
				if about(r, "/accountStates", i) {
					<-r.Context().Done()
					return true
				}
			}
			return false
		})
	}
	moves := func(i pay.SweepItem) bool {
		p, err := w.mover.Prepare(t.Context(), []pay.SweepItem{lost, back, good})
		if len(p.Left) != 0 || err != nil && len(p.Items) != 0 {
			t.Errorf("prepared %+v, left %+v: %v", p.Items, p.Left, err)
		}
		for _, o := range p.Items {
			if o == i {
				return true
			}
		}
		return false
	}
	eventually := func(i pay.SweepItem) {
		for range 8 {
			if moves(i) {
				return
			}
		}
		t.Fatalf("%s has no turn", i.Address)
	}
	hang(lost, back)
	eventually(good)
	hang(lost)
	eventually(back)
}

// Whoever adds to the relayer's wallet in each block makes its balance differ with each answer,
// and stops nothing.
func TestDustToTheRelayer(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i, relayer := w.item(1, ""), ton.FeeWallet(public(devchain.Relayer()), true).Address()
	w.pay(i, 1_000_000_000)
	w.everywhere(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/accountStates") && r.URL.Query().Get("address") == relayer.Raw() {
			w.Fund(relayer, 1)
		}
		return false
	})
	if _, p := w.prepare(i); len(p.Items) != 1 {
		t.Errorf("prepared %+v", p)
	}
}
