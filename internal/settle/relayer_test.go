package settle_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// The key may be changed while a relay is under way: its fate is that of the account that
// sent it. What is in no block is sent again as it is, and given up after an hour.
func TestRelayOfAnotherKey(t *testing.T) {
	t.Parallel()
	old, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	theirs := "getTransactionCount " + strings.ToLower(crypto.PubkeyToAddress(old.PublicKey).Hex())
	for _, test := range []struct {
		receipt, used string
		age           time.Duration
		want          pay.RelayState
	}{
		{receipt, `"0x6"`, 0, pay.RelayDone},
		{receipt, `"0x6"`, 2 * time.Hour, pay.RelayDone},
		{"null", `"0x6"`, 0, pay.RelayFailed},
		{"null", `"0x5"`, 0, pay.RelaySent},
		{"null", `"0x5"`, 59 * time.Minute, pay.RelaySent},
		{"null", `"0x5"`, 61 * time.Minute, pay.RelayFailed},
	} {
		for _, ours := range []string{`"0x0"`, `"0x9"`} {
			n, log := sound(), &heard{}
			n["eth_getTransactionReceipt"], n["eth_getTransactionCount"], n[theirs] = test.receipt, ours, test.used
			delete(n, "eth_sendRawTransaction")
			r := relayerOn(t, pay.Network{Confirmations: 3}, n)
			r.Log = slog.New(slog.NewTextHandler(log, nil))
			l := relayOf(t, old, 5, time.Now().Add(-test.age))
			if f, err := r.Fate(t.Context(), l); err != nil || f.State != test.want || f.State == pay.RelayFailed && f.Reason == "" {
				t.Errorf("%+v, ours %s: %+v, %v", test, ours, f, err)
			}
			if next, some, err := r.Again(t.Context(), l, time.Now().Add(time.Hour)); err != nil || some || !log.has("did not take a transaction") {
				t.Errorf("%+v: again %+v %v, %v", test, next, some, err)
			}
		}
	}
}

// A node that has forgotten what accounts were in a final block keeps nothing from being sent
// again. When another transaction has taken the nonce, that counts after an hour.
func TestNodeThatForgets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		receipt, now string
		age          time.Duration
		want         pay.RelayState
	}{
		{receipt, `"0x6"`, 0, pay.RelayDone},
		{"null", `"0x5"`, 2 * time.Hour, pay.RelaySent},
		{"null", `"0x6"`, 59 * time.Minute, pay.RelaySent},
		{"null", `"0x6"`, 61 * time.Minute, pay.RelayFailed},
		{"null", `{"code":-32000,"message":"busy"}`, 2 * time.Hour, pay.RelaySent},
	} {
		n := sound()
		n["eth_getTransactionReceipt"], n["getTransactionCount latest"] = test.receipt, test.now
		n["getTransactionCount 0x26"] = `{"code":-32000,"message":"missing trie node"}` // block 38 is final
		r := relayerOn(t, pay.Network{Confirmations: 3}, n)
		l := relayOf(t, r.Key, 5, time.Now().Add(-test.age))
		if f, err := r.Fate(t.Context(), l); err != nil || f.State != test.want {
			t.Errorf("%+v: %+v, %v", test, f, err)
		}
		if _, some, err := r.Again(t.Context(), l, l.At.Add(time.Minute)); err != nil || !some {
			t.Errorf("%+v: it is not sent for a better fee: %v", test, err)
		}
	}
}

// What is empty is left, and paid for only with others. What no node tells of is tried.
func TestRelayerLeavesWhatIsEmpty(t *testing.T) {
	t.Parallel()
	item := func(address, token string) pay.SweepItem {
		return pay.SweepItem{Address: address, Receiver: "0x2", Salt: "0x3", Token: token}
	}
	word := func(last string) string { return `"0x` + strings.Repeat("0", 63) + last + `"` }
	coin, noCoin := item("0xa1", ""), item("0xa2", "")
	held, none, odd, broken := item("0xa3", "0xb1"), item("0xa3", "0xb2"), item("0xa3", "0xb3"), item("0xa3", "0xb4")
	for _, batches := range []string{"", "yes"} {
		n := sound()
		n["batches"], n["getBalance 0xa2"] = batches, `"0x0"`
		n["call 0xb1"], n["call 0xb2"], n["call 0xb3"], n["call 0xb4"] = word("1"), word("0"), `"0x"`, `{"code":3,"message":"execution reverted"}`
		for _, test := range []struct{ items, moves []pay.SweepItem }{
			{[]pay.SweepItem{coin, noCoin, held, none, odd, broken}, []pay.SweepItem{coin, held, odd, broken}},
			{[]pay.SweepItem{noCoin, none}, nil},
			{append(slices.Repeat([]pay.SweepItem{none}, 15), coin, held), []pay.SweepItem{coin}}, // the rest is for the next
		} {
			p, err := relayerOn(t, pay.Network{Confirmations: 3}, n).Prepare(t.Context(), test.items)
			if err != nil || !slices.Equal(p.Items, test.moves) || (p.Send.Raw == "") != (test.moves == nil) {
				t.Errorf("batches %q: %v: moves %v, %v", batches, test.items, p.Items, err)
			}
			for _, i := range test.items[:min(len(test.items), 16)] {
				if (p.Left[i] == "") == (i == noCoin || i == none) {
					t.Errorf("batches %q: %v is left: %q", batches, i, p.Left[i])
				}
			}
		}
	}
}

// A deployment whose relayer's key was changed settles on, once what the old one had under way
// is given up.
func TestRelayerKeyIsChanged(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(ahead)
		a, log := start(t, url, func(o *app.Options, _ *types.Header) { o.Now = clock.Now })
		old, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		l := relayOf(t, old, 0, clock.Now())
		l.ID, l.Network, l.State = "relay of the old key", pay.Devchain.Name, pay.RelaySent
		if err := a.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveRelay(l) }); err != nil {
			t.Fatal(err)
		}
		invoice := paid(t, a)
		clock.Add(50 * time.Minute)
		testkit.Eventually(t, "the old one is sent again", func() bool { return log.has("did not take a transaction") })
		if s, n := settlement(a, invoice), len(underWay(t, a)); s != "pending" || n != 1 {
			t.Errorf("it is %s, %d forms", s, n)
		}
		clock.Add(11 * time.Minute)
		a.MineSlowly("it is settled", func() bool { return settlement(a, invoice) == "settled" })
	})
}
