package cardano_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/pay"
)

func TestSettles(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada}, cardano.Value{Lovelace: 7 * ada})
	r.fund(t, address(1), tokens(1_100_000, token, 250), tokens(1_100_000, token, 50, junk, 3))
	r.fund(t, address(2), cardano.Value{Lovelace: 9 * ada}, tokens(2*ada, token, 11))
	r.fund(t, address(3), cardano.Value{Lovelace: 90 * ada}) // not asked for
	l := r.relay(t, item(0, shortReceiver, ""), item(1, shortReceiver, token), item(2, longReceiver, ""), item(2, longReceiver, token))
	r.is(t, l, pay.RelaySent, false)
	r.Send(t.Context(), l)
	r.is(t, l, pay.RelaySent, false)
	for range confirmations - 1 {
		r.Mine()
		r.is(t, l, pay.RelaySent, true)
	}
	r.Mine()
	r.is(t, l, pay.RelayDone, true)
	r.holds(t, shortReceiver, tokens(14_200_000, token, 300, junk, 3))
	r.holds(t, longReceiver, tokens(11*ada, token, 11))
	for i := range uint32(3) {
		r.holds(t, address(i), cardano.Value{})
	}
	r.holds(t, address(3), cardano.Value{Lovelace: 90 * ada})
	raw, _ := hex.DecodeString(l.Sends[0].Raw)
	tx, err := cardano.DecodeTx(raw)
	if err != nil || tx.Hash.String() != l.Sends[0].TxHash || tx.TTL != l.Nonce || len(tx.Witnesses) != 4 {
		t.Fatalf("transaction %+v, %v", tx, err)
	}
	if least := uint64(tx.Size)*44 + 155381; tx.Fee != least {
		t.Errorf("fee %d, want %d for %d bytes", tx.Fee, least, tx.Size)
	}
	r.holds(t, feePayer(), cardano.Value{Lovelace: 100*ada - tx.Fee})
}

// A receiver's address may be longer than the deposit address, and so need more ADA beside a
// token than came with it: the fee payer adds that.
func TestCarrierIsToppedUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	least := must(cardano.Output{Address: address(0), Value: tokens(0, token, 5)}.Least(4310))
	more := must(cardano.Output{Address: longReceiver, Value: tokens(0, token, 5)}.Least(4310))
	r.fund(t, address(0), tokens(least, token, 5))
	l := r.relay(t, item(0, longReceiver, token))
	r.Send(t.Context(), l)
	r.mine(confirmations)
	r.is(t, l, pay.RelayDone, true)
	if r.holds(t, longReceiver, tokens(more, token, 5)); more <= least {
		t.Errorf("%d beside a token, %d at the longer address", least, more)
	}
}

// Whoever loses the keys' monopoly, or a relay written off too soon: another transaction
// takes what a relay was to move. It is failed when that one is final, not before.
func TestAnotherTakesIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	a := r.relay(t, item(0, shortReceiver, ""))
	r.Mine()
	b := r.relay(t, item(0, shortReceiver, "")) // a later block, so another last slot
	r.Send(t.Context(), b)
	r.Send(t.Context(), a) // refused
	for range confirmations - 1 {
		r.Mine()
		r.is(t, a, pay.RelaySent, false)
	}
	if err := r.Fork(confirmations-1, func() error { r.Send(t.Context(), a); return nil }); err != nil {
		t.Fatal(err)
	}
	r.is(t, b, pay.RelayFailed, false) // now the other one is final
	r.is(t, a, pay.RelayDone, true)
	r.holds(t, shortReceiver, cardano.Value{Lovelace: 5 * ada})
}

func TestExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	old := r.relay(t, item(0, shortReceiver, ""))
	r.Wait(29 * time.Minute)
	r.mine(confirmations - 1)
	r.is(t, old, pay.RelaySent, false)
	r.mine(1)
	r.is(t, old, pay.RelaySent, false) // a block after its last slot is there, and not final
	r.mine(1)
	r.is(t, old, pay.RelaySent, false)
	r.fault(1, func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
	r.mine(1)
	r.is(t, old, pay.RelaySent, false) // one node's word is not enough where there are two
	r.fault(1, nil)
	r.is(t, old, pay.RelayFailed, false)
}

// A node that says of a transaction what others do not is not believed.
func TestLyingNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	l := r.relay(t, item(0, shortReceiver, ""))
	r.mine(confirmations)
	head := must(r.Driver.Block(t.Context(), 1))
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/txs/"+l.Sends[0].TxHash {
			return false
		}
		_, _ = fmt.Fprintf(w, `{"hash":"x","block":%q,"block_height":1,"valid_contract":true}`, head.Hash)
		return true
	})
	r.is(t, l, pay.RelaySent, true)
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/txs/"+l.Sends[0].TxHash {
			return false
		}
		_, _ = fmt.Fprint(w, `{"hash":"x","block":"of its own","block_height":1,"valid_contract":true}`)
		return true
	})
	r.is(t, l, pay.RelaySent, false)
}

// That another transaction took what a relay was to move is proven by its bytes.
func TestLieOfATaker(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	l := r.relay(t, item(0, shortReceiver, ""))
	other, err := r.Pay(shortReceiver, "", 2*ada)
	if err != nil {
		t.Fatal(err)
	}
	r.mine(confirmations)
	asked := 0
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if !strings.HasSuffix(q.URL.Path, "/utxos") || !strings.HasPrefix(q.URL.Path, "/txs/") {
			return false
		}
		asked++
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, q)
		_, _ = w.Write(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"consumed_by_tx":null`), []byte(`"consumed_by_tx":"`+other+`"`)))
		return true
	})
	if r.is(t, l, pay.RelaySent, false); asked == 0 {
		t.Error("nobody asked who took it")
	}
}

// A receiver's output may hold only so many assets, however few bytes they need otherwise.
func TestValueHasASize(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	var vs []cardano.Value
	var want cardano.Value
	for n := range 12 {
		v := tokens(10*ada, token, 1)
		for i := range 20 {
			v.Assets[strings.Repeat("ef", 28)+fmt.Sprintf("%064x", n*20+i)] = 1
		}
		vs = append(vs, v)
		want, _ = want.Add(v)
	}
	r.fund(t, address(0), vs...)
	for n := range 2 {
		l := r.relay(t, item(0, longReceiver, token))
		r.Send(t.Context(), l)
		r.mine(confirmations)
		r.is(t, l, pay.RelayDone, true)
		if left := r.Balance(address(0)).Lovelace; (left == 0) != (n == 1) {
			t.Errorf("%d left after %d", left, n+1)
		}
	}
	r.holds(t, longReceiver, want)
}

func TestMaxFee(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.MaxFee = 1000
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	if p, err := r.Prepare(t.Context(), []pay.SweepItem{item(0, shortReceiver, "")}); err == nil || !strings.Contains(err.Error(), "the most is configured as 1000") {
		t.Errorf("prepared %+v, %v", p, err)
	}
}

func TestLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.fund(t, address(0), cardano.Value{Lovelace: 900_000}) // enough for the deposit address, too little for the longer one
	r.fund(t, address(2), cardano.Value{Lovelace: 5 * ada})
	r.fund(t, address(3), cardano.Value{Lovelace: 5 * ada})
	script := ""
	for _, u := range must(r.Driver.Unspent(t.Context(), address(3), func(cardano.Unspent) bool { return true })) {
		script = u.Hash.String()
	}
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if !strings.HasPrefix(q.URL.Path, "/addresses/"+address(3)) {
			return false
		}
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, q)
		_, _ = w.Write(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"reference_script_hash":null`), []byte(`"reference_script_hash":"`+script+`"`)))
		return true
	})
	foreign, stake, main := item(2, shortReceiver, ""), item(2, "stake_test1uqehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gssrtvn", ""), item(2, "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8", "")
	foreign.Salt = "5"
	bad := item(2, shortReceiver, "")
	bad.Salt = "-1"
	for says, i := range map[string]pay.SweepItem{
		"less than the":      item(0, longReceiver, ""),
		"nothing of it":      item(1, longReceiver, token),
		"on its way":         item(2, longReceiver, token),
		"can be moved":       item(3, longReceiver, ""),
		"are not those":      foreign,
		"of this network":    main,
		"that can be paid":   stake,
		"index is not known": bad,
	} {
		p, err := r.Prepare(t.Context(), []pay.SweepItem{i})
		if err != nil || len(p.Items) != 0 || !strings.Contains(p.Left[i], says) {
			t.Errorf("%s: %+v, %v", says, p, err)
		}
	}
	// Beside others that can be moved, they only stay; dust goes along to its receiver.
	r.fund(t, address(4), cardano.Value{Lovelace: 6 * ada})
	l := r.relay(t, foreign, item(1, longReceiver, token), item(0, longReceiver, ""), item(4, longReceiver, ""))
	if len(l.Sweeps) != 2 {
		t.Fatalf("moves %+v", l.Sweeps)
	}
	r.Send(t.Context(), l)
	r.mine(confirmations)
	r.is(t, l, pay.RelayDone, true)
	r.holds(t, longReceiver, cardano.Value{Lovelace: 6_900_000})
	no := errors.New("the words are not there")
	r.Key = func(uint32) (cardano.Key, error) { return cardano.Key{}, no }
	if _, err := r.Prepare(t.Context(), []pay.SweepItem{item(2, shortReceiver, "")}); !errors.Is(err, no) {
		t.Errorf("without a key: %v", err)
	}
}

// More than fits in one transaction goes in several, of addresses and of one address.
func TestManyGoInSeveral(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	var items []pay.SweepItem
	var want cardano.Value
	for i := range uint32(4) {
		var vs []cardano.Value
		for range 30 {
			vs = append(vs, tokens(2*ada, token, 1))
		}
		if i == 3 {
			vs = slices.Repeat([]cardano.Value{{Lovelace: 2 * ada}}, 480)
		}
		r.fund(t, address(i), vs...)
		for _, v := range vs {
			want, _ = want.Add(v)
		}
		items = append(items, item(i, longReceiver, map[bool]string{true: "", false: token}[i == 3]))
	}
	relays := 0
	for len(items) > 0 && relays < 20 {
		relays++
		l := r.relay(t, items...)
		raw, _ := hex.DecodeString(l.Sends[0].Raw)
		if n := len(must(cardano.DecodeTx(raw)).Spends()); n > 100 {
			t.Errorf("%d inputs in one transaction", n)
		}
		r.Send(t.Context(), l)
		r.mine(confirmations)
		r.is(t, l, pay.RelayDone, true)
		items = slices.DeleteFunc(items, func(i pay.SweepItem) bool { return r.Balance(i.Address).Lovelace == 0 })
	}
	if len(items) > 0 || relays < 2 {
		t.Errorf("%d left after %d relays", len(items), relays)
	}
	r.holds(t, longReceiver, want)
}

// The keys show nowhere.
func TestKeysStaySecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada})
	r.fault(0, func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method != http.MethodPost {
			return false
		}
		http.Error(w, "no", http.StatusBadRequest)
		return true
	})
	l := r.relay(t, item(0, shortReceiver, ""))
	r.Send(t.Context(), l)
	seen := fmt.Sprintf("%+v %s %#v", l, r.log.String(), r.FeePayer)
	if !strings.Contains(seen, "did not take a transaction") {
		t.Errorf("the refusal is not in the log: %s", seen)
	}
	// The root of this test's wallet, of the account and of the address; made by the reference
	// library as in the driver's tests.
	for _, secret := range secrets {
		if strings.Contains(seen, secret) {
			t.Error("a key is to be seen")
		}
	}
}

var secrets = []string{
	"700df1576df9c7b813061bd5fe3afce0d43fa9e5770a2aaa02a1b112fabf774b", "b0787316423fd1846d02ac3dce4fc9438ac726df83d58959aa6a9f990cc0774b",
	"a0a978c4808fb787446c9357b3b4c35ab1400b81a5d9aafcaaee27ce19c0774b",
}
