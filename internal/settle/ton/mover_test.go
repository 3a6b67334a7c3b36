package ton_test

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

func TestSettles(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		w := open(t, nodes)
		native, token, both := w.item(1, ""), w.item(2, devchain.USDT), w.item(1, devchain.USDT)
		w.pay(native, 1_000_000_000)
		w.pay(native, 5) // the network keeps some of what is there by now
		w.pay(token, 12_000_000)
		w.pay(both, 3_000_000)
		l, p := w.prepare(native, token, both)
		if len(p.Items) != 2 || p.Items[0] != native || p.Items[1] != token || len(p.Left) != 0 {
			t.Fatalf("prepared %+v", p)
		}
		w.fate(l, pay.RelaySent)
		w.mover.Send(t.Context(), l)
		w.fate(l, pay.RelaySent)
		w.Mine()
		f := w.fate(l, pay.RelayDone)
		if len(f.Refused) != 0 || !f.Mined || len(f.TxHash) != 64 || f.TxHash == l.Sends[0].TxHash {
			t.Errorf("fate %+v", f)
		}
		w.holds(receiver, "", 1_000_000_005+1-7) // one tells it of the jetton, and the network keeps some
		w.holds(receiver, devchain.USDT, 12_000_000)
		w.sums(native, "1000000005", "1000000005")
		w.sums(token, "12000000", "12000000")

		// The rest has its turn, from a wallet that is deployed by now, and so does what comes again.
		w.pay(native, 2_000_000_000)
		l, p = w.prepare(both, native)
		if len(p.Items) != 1 || p.Items[0] != both {
			t.Fatalf("prepared %+v", p)
		}
		w.mover.Send(t.Context(), l)
		w.Mine()
		w.fate(l, pay.RelayDone)
		l, _ = w.prepare(both, native)
		w.mover.Send(t.Context(), l)
		w.Mine()
		w.fate(l, pay.RelayDone)
		w.holds(receiver, devchain.USDT, 15_000_000)
		w.sums(native, "3000000005", "3000000005")
		w.sums(both, "3000000", "3000000")
		if _, p := w.prepare(native, token, both); len(p.Items) != 0 || len(p.Left) != 3 || p.Send.Raw != "" {
			t.Errorf("prepared though nothing is left: %+v", p)
		}
	}
}

func TestExpires(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i := w.item(1, devchain.USDT)
	w.pay(i, 7_000_000)
	l, _ := w.prepare(i)
	w.advance(5*time.Minute + 30*time.Second) // the time of all that is in it is over, but shards may be late
	w.fate(l, pay.RelaySent)
	w.mover.Send(t.Context(), l) // too late
	w.advance(time.Minute)
	w.fate(l, pay.RelayFailed)
	w.holds(receiver, devchain.USDT, 0)
}

// A node that has not the newest blocks, or lies, cannot make a relay fail.
func TestFailureNeedsTwoNodes(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	l, _ := w.prepare(i)
	old := ""
	w.nodes[1].set(func() {
		w.nodes[1].rewrite = func(path, answer string) string {
			if strings.HasSuffix(path, "/masterchainInfo") {
				if old == "" {
					old = answer
				}
				return old
			}
			return answer
		}
	})
	if err := w.mover.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = w.mover.Fate(t.Context(), l)
	w.advance(time.Hour)
	if f, err := w.mover.Fate(t.Context(), l); err == nil && f.State == pay.RelayFailed {
		t.Errorf("one node says that it failed, and another is not as far: %+v", f)
	}
	w.nodes[1].set(func() { w.nodes[1].rewrite = nil })
	w.fate(l, pay.RelayFailed)
}

func TestAnotherTookItsPlace(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	a, b := w.item(1, ""), w.item(2, "")
	w.pay(a, 1_000_000_000)
	w.pay(b, 2_000_000_000)
	first, _ := w.prepare(a)
	second, _ := w.prepare(b)
	w.mover.Send(t.Context(), second)
	w.Mine()
	w.mover.Send(t.Context(), first)
	w.Mine()
	w.fate(second, pay.RelayDone)
	if f := w.fate(first, pay.RelayFailed); f.Mined || !strings.Contains(f.Reason, "another") {
		t.Errorf("fate %+v", f)
	}
	w.holds(receiver, "", 2_000_000_000)
}

// The fee key is another by now: a relay is judged by the wallet that it was signed for, as it is.
func TestAnotherFeeKey(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, pay.Relay){
		"it landed": func(w *world, l pay.Relay) {
			w.mover.Send(w.Context(), l)
			w.Mine()
			w.mover.Relayer = key("another relayer")
			if f := w.fate(l, pay.RelayDone); !f.Mined || len(f.Refused) != 0 {
				w.Errorf("fate %+v", f)
			}
		},
		"it lands": func(w *world, l pay.Relay) {
			w.mover.Relayer = key("another relayer")
			w.fate(l, pay.RelaySent)
			if next, some, err := w.mover.Again(w.Context(), l, time.Time{}); some || err != nil {
				w.Errorf("signed anew %+v: %v", next, err)
			}
			w.Mine()
			w.fate(l, pay.RelayDone)
		},
		"its time is over": func(w *world, l pay.Relay) {
			w.mover.Relayer = key("another relayer")
			w.advance(6*time.Minute + time.Second)
			w.fate(l, pay.RelayFailed)
			w.mover.Send(w.Context(), l)
			w.Mine()
			w.fate(l, pay.RelayFailed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for first := range 2 { // a relay that deploys the wallet, or a later one
				w := open(t, 2)
				old := key("the first relayer")
				w.mover.Relayer = old
				w.Fund(ton.FeeWallet(public(old), true).Address(), 5_000_000_000)
				i, j := w.item(1, ""), w.item(2, "")
				w.pay(i, 1_000_000_000)
				w.pay(j, 3_000_000_000)
				if first > 0 {
					l, _ := w.prepare(j)
					w.mover.Send(w.Context(), l)
					w.Mine()
					w.fate(l, pay.RelayDone)
				}
				l, _ := w.prepare(i)
				if end(w, l); name == "its time is over" {
					w.sums(i, "1000000000", "0")
					continue
				}
				w.sums(i, "1000000000", "1000000000")
			}
		})
	}
	w := open(t, 1)
	if _, err := w.mover.Fate(t.Context(), pay.Relay{Sends: []pay.RelaySend{{Raw: "00"}}}); err == nil {
		t.Error("a message that is none has a fate")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	token, native := w.item(1, devchain.USDT), w.item(2, "")
	w.pay(token, 7_000_000)
	w.pay(native, 1_000_000_000)
	w.Freeze(receiver, true)
	l, _ := w.prepare(token, native)
	w.mover.Send(t.Context(), l)
	w.Mine()
	if f := w.fate(l, pay.RelayDone); len(f.Refused) != 1 || f.Refused[0] != token {
		t.Errorf("fate %+v", f)
	}
	w.sums(token, "7000000", "0") // it came back, and never seemed to have left
	w.sums(native, "1000000000", "1000000000")
	w.Freeze(receiver, false)
	l, _ = w.prepare(token)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.sums(token, "7000000", "7000000")

	// Somebody else brings the request that a relay holds: it is moved all the same, and once.
	w.pay(native, 3_000_000_000)
	l, _ = w.prepare(native)
	raw, _ := hex.DecodeString(l.Sends[0].Raw)
	message, err := ton.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, _, body, err := ton.ParseExternal(message)
	if err != nil {
		t.Fatal(err)
	}
	r, signed, err := ton.ParseRequest(body, public(devchain.Relayer()))
	if err != nil || !signed || len(r.Messages) != 1 {
		t.Fatalf("request %+v, %v: %v", r, signed, err)
	}
	if err := w.Ask(r.Messages[0]); err != nil {
		t.Fatal(err)
	}
	w.Mine()
	w.mover.Send(t.Context(), l)
	w.Mine()
	if f := w.fate(l, pay.RelayDone); len(f.Refused) != 1 {
		t.Errorf("fate %+v", f)
	}
	w.sums(native, "4000000000", "4000000000")
}

// What the network took for keeping an address is added, to a limit: the merchant gets what was paid.
func TestTopUp(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	a, b := w.item(1, ""), w.item(2, "")
	w.pay(a, 1_000_000_000)
	w.pay(b, 1_000_000_000)
	for i, fee := range map[pay.SweepItem]int64{a: 40_000_000, b: 60_000_000} {
		at, _ := ton.Parse(i.Address, true)
		w.Fund(at, -fee)
	}
	l, p := w.prepare(a, b)
	if len(p.Items) != 1 || p.Items[0] != a || !strings.Contains(p.Left[b], "less") {
		t.Fatalf("prepared %+v", p)
	}
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.sums(a, "1000000000", "1000000000")
}

// A node whose account states are older than its blocks says nothing about what may still come.
func TestOldStateIsNoFailure(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	ask := func() string {
		r := httptest.NewRecorder()
		w.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/api/v3/accountStates?address="+ton.FeeWallet(public(devchain.Relayer()), true).Address().Raw(), nil))
		return r.Body.String()
	}
	old := ask()
	l, _ := w.prepare(i)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.pay(i, 1_000_000_000)
	next, _ := w.prepare(i)
	w.advance(time.Hour)
	w.nodes[0].set(func() {
		w.nodes[0].rewrite = func(path, answer string) string {
			if strings.HasSuffix(path, "/accountStates") {
				return old
			}
			return answer
		}
	})
	w.fate(next, pay.RelaySent)
	w.nodes[0].set(func() { w.nodes[0].rewrite = nil })
	w.fate(next, pay.RelayFailed)
}

// The message of a relay that the real virtual machine ran (@ton/sandbox 0.41, with the code of USDT's
// wallets from mainnet): both wallets were deployed, 1 TON and 12 USDT arrived at the receiver, whose
// jetton wallet was deployed too, 0.088 TON came back to the relayer, and a second time it was
// refused with exit code 133.
func TestMessageOfARelay(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/relay.hex")
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, 1)
	a, b := w.item(1, ""), w.item(2, devchain.USDT)
	w.pay(a, 1_000_000_000)
	w.pay(b, 12_000_000)
	w.advance(9 * time.Second) // to when they were made
	l, _ := w.prepare(a, b)
	hash := func(text string) string {
		raw, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ton.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(c.Hash())
	}
	if got := l.Sends[0]; hash(got.Raw) != hash(string(want)) || got.TxHash != "66ce10531e53638dbc36ae1b0c74123b0ddc3f3b7f012daf7961af4308576eef" {
		t.Errorf("message %s is %s", got.TxHash, got.Raw)
	}
}
