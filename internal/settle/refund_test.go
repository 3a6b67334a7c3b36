package settle_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const usd = 100 * money.Cent

// pass is the answer of calls that are only counted.
const pass = "pass"

// node is a node that can be told to lose things on the way.
type node struct {
	mu     sync.Mutex
	answer string // of calls that contain what; "" and "lost" for none
	what   string
	after  bool // lose the answer, not the question
	n      int  // how often
}

func (l *node) lose(what, answer string, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what, l.answer, l.after, l.n = what, answer, after, 0
}

func (l *node) times() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *node) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	hit := l.what != "" && matches(string(body), l.what)
	answer, after := l.answer, l.after
	if hit {
		l.n++
	}
	l.mu.Unlock()
	if hit && !after && answer == "" {
		return nil, errors.New("connection refused")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if !hit || err != nil || answer == pass {
		return resp, err
	}
	_ = resp.Body.Close()
	if answer == "" {
		return nil, errors.New("connection reset by peer")
	}
	var call struct{ ID json.RawMessage }
	_ = json.Unmarshal(body, &call)
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, call.ID, answer))), -1
	resp.Header.Del("Content-Length")
	return resp, nil
}

// matches reports whether a call contains every word.
func matches(body, words string) bool {
	for _, w := range strings.Fields(words) {
		if !strings.Contains(strings.ToLower(body), strings.ToLower(w)) {
			return false
		}
	}
	return true
}

// cashier is a deployment on one chain, under the name of BSC, with a refund wallet.
type cashier struct {
	*testkit.App
	t     *testing.T
	clock *ahead
	log   *heard
	node  *node
	key   *ecdsa.PrivateKey
}

// newCashier starts one with a wallet of so many dollars, and a coin if it has any.
func newCashier(t *testing.T, database string, dollars int64, limit money.USD) *cashier {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.StartChain(t)
	k := &cashier{t: t, clock: new(ahead), log: &heard{}, node: &node{}, key: key}
	k.App = &testkit.App{Chain: c, Wallet: &devchain.Wallet{Client: c.Client(), Key: c.Payer()}}
	k.Bind(t)
	if dollars > 0 {
		k.fund(dollars, true)
	}
	k.App.App = testkit.Run(t, k.options(database, limit))
	k.Merchant, k.Key, k.Commerce = testkit.AddMerchant(t, k.App.App)
	return k
}

func (k *cashier) options(database string, limit money.USD) app.Options {
	o := testkit.OptionsAt(database, k.Chain.URL())
	o.Networks = []app.NetworkOptions{testkit.BSC(k.Chain.URL(), k.key, limit)}
	o.Networks[0].HTTP, o.Now, o.Operations, o.Log = k.node, k.clock.Now, "127.0.0.1:0", slog.New(slog.NewTextHandler(k.log, nil))
	return o
}

func (k *cashier) wallet() common.Address { return crypto.PubkeyToAddress(k.key.PublicKey) }

// fund gives the wallet dollars, and a coin.
func (k *cashier) fund(dollars int64, coin bool) {
	k.t.Helper()
	if coin {
		k.Pay(common.Address{}, k.wallet().Hex(), big.NewInt(1e18))
	}
	if dollars > 0 {
		k.Pay(contracts.TestDollar, k.wallet().Hex(), big.NewInt(dollars*1e6))
	}
	k.Mine(1)
}

func (k *cashier) headers() testkit.Headers { return testkit.Headers{"x-api-key", k.Commerce} }

// name says where an order's refund goes.
func (k *cashier) name(order string, to common.Address) {
	k.t.Helper()
	testkit.Ask[api.Wrapped[api.Order]](k.t, "POST", k.URL+"/api/commerce/merchant/orders/"+order+"/refund-destination",
		`{"refundDestinationWalletAddressBsc":"`+to.Hex()+`"}`, k.headers())
}

// owe makes an order whose refund goes to a new address.
func (k *cashier) owe(amount money.USD) (order string, to common.Address) {
	k.t.Helper()
	order, to = testkit.Owed(k.t, k.Store, k.Merchant.ID, pay.Devnet, amount, 0), fresh(k.t)
	k.name(order, to)
	return order, to
}

func fresh(t *testing.T) common.Address {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return crypto.PubkeyToAddress(key.PublicKey)
}

func (k *cashier) refund(order string) api.Refund {
	k.t.Helper()
	return testkit.Ask[api.Wrapped[api.Order]](k.t, "GET", k.URL+"/api/commerce/merchant/orders/"+order, "", k.headers()).Data.Refund
}

// row is what the wallet knows of a refund.
func (k *cashier) row(order string) (f pay.Repayment) {
	k.t.Helper()
	if err := k.Store.Read(k.t.Context(), func(tx *store.Tx) (err error) {
		f, _, err = tx.Refund(order)
		return err
	}); err != nil {
		k.t.Fatal(err)
	}
	return f
}

func (k *cashier) becomes(order, status string) api.Refund {
	k.t.Helper()
	testkit.Eventually(k.t, "the refund is "+status, func() bool { return k.refund(order).Status == status })
	return k.refund(order)
}

// paid mines until a refund is complete.
func (k *cashier) paid(order string) api.Refund {
	k.t.Helper()
	k.MineSlowly("the refund is paid", func() bool { return k.refund(order).Status == "COMPLETED" })
	return k.refund(order)
}

// got expects an address to hold exactly so many dollars.
func (k *cashier) got(to common.Address, want money.USD) {
	k.t.Helper()
	n, err := contracts.BalanceOf(k.t.Context(), k.Chain.Client(), contracts.TestDollar, to)
	if err != nil || n.Cmp(big.NewInt(int64(want)*1000)) != 0 {
		k.t.Errorf("%s got %s, want $%s (%v)", to, n, want.Cents(), err)
	}
}

// spent expects the wallet to have had so many transactions mined.
func (k *cashier) spent(nonce uint64) {
	k.t.Helper()
	if n, err := k.Chain.Client().NonceAt(k.t.Context(), k.wallet(), nil); err != nil || n != nonce {
		k.t.Errorf("the wallet sent %d transactions, want %d (%v)", n, nonce, err)
	}
}

// warns expects /readyz and the metrics to say why refunds wait, "" for nothing.
func (k *cashier) warns(why string) {
	k.t.Helper()
	testkit.Eventually(k.t, "it warns of "+why, func() bool {
		_, ready := testkit.Fetch(k.t, "GET", k.OpsURL+"/readyz", "", nil)
		_, series := testkit.Fetch(k.t, "GET", k.OpsURL+"/metrics", "", nil)
		if why == "" {
			return !strings.Contains(string(ready), "refunds bsc") && !strings.Contains(string(series), `pepay_refunds_waiting{network="bsc",reason="limit"} 1`)
		}
		return strings.Contains(string(ready), `"refunds bsc":"wait for `+why+`: `) && strings.Contains(string(series), `pepay_refunds_waiting{network="bsc",reason="`+why+"\"} 1\n")
	})
}

// looks waits until the wallet has asked the node something, and again.
func (k *cashier) looks(call string) {
	k.t.Helper()
	k.node.lose(call, pass, true)
	testkit.Eventually(k.t, "it is looked at", func() bool { return k.node.times() >= 3 })
	k.node.lose("", "", false)
}

// told is what events said of an order's refund, in turn.
func (k *cashier) told(order string) (all []string) {
	k.t.Helper()
	for _, e := range testkit.Events(k.t, k.Store, k.Merchant.ID) {
		var o api.Order
		if err := json.Unmarshal(e.Object, &o); err != nil {
			k.t.Fatal(err)
		}
		if e.OrderID == order {
			all = append(all, strings.TrimSpace(o.Refund.Status+" "+orNothing(o.Refund.TxHash)))
		}
	}
	return all
}

func orNothing(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// A refund waits for a destination, is sent once it has one, and is complete when it is
// final: what arrives is exactly what is due, once.
func TestRefund(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		order := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 13_990, 0)
		to := fresh(t)
		k.name(order, to)
		sent := k.becomes(order, "PROCESSING")
		if sent.TxHash == nil || *sent.AmountUSD != "13.99" {
			t.Fatalf("%+v", sent)
		}
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingNonceAt(t.Context(), k.wallet())
			return err == nil && n == 1
		})
		k.Mine(2)
		k.got(to, 13_990)
		k.looks("eth_getTransactionReceipt")
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("with one confirmation of three it is %s", f.Status)
		}
		done := k.paid(order)
		if *done.TxHash != *sent.TxHash {
			t.Errorf("%s was sent, %s is final", *sent.TxHash, *done.TxHash)
		}
		if got, want := fmt.Sprint(k.told(order)), fmt.Sprintf("[PENDING PROCESSING %[1]s COMPLETED %[1]s]", *sent.TxHash); got != want {
			t.Errorf("events: %s, want %s", got, want)
		}
		k.Mine(5)
		k.got(to, 13_990)
		k.spent(1)
		k.warns("")
		testkit.Eventually(t, "the numbers are told", func() bool {
			_, b := testkit.Fetch(t, "GET", k.OpsURL+"/metrics", "", nil)
			series := string(b)
			return strings.Contains(series, `pepay_refund_wallet_dollars{network="bsc"} 86.01`+"\n") && strings.Contains(series, `pepay_refund_wallet_coins{network="bsc"} 0.99`) &&
				strings.Contains(series, `pepay_refund_transactions_total{network="bsc",outcome="done"} 1`+"\n")
		})
	})
}

// The limit of a day holds, whatever is owed: what is beyond it waits, and goes on the next
// day. What is above the whole limit keeps nothing else.
func TestRefundLimit(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 1000, 20*usd)
		huge, never := k.owe(20*usd + money.Cent)
		k.warns("limit")
		first, to := k.owe(15 * usd)
		k.paid(first)
		k.got(to, 15*usd)
		second, later := k.owe(5*usd + money.Cent)
		k.warns("limit")
		fits, _ := k.owe(4 * usd) // in turn: one that is small does not overtake
		k.clock.Add(23 * time.Hour)
		testkit.Eventually(t, "it is looked at again", func() bool { return k.log.has("refunds wait") })
		k.Mine(3)
		if a, b := k.refund(second).Status, k.refund(fits).Status; a != "PENDING" || b != "PENDING" {
			t.Errorf("within the day: %s, %s", a, b)
		}
		k.got(later, 0)
		k.clock.Add(time.Hour + time.Minute)
		k.paid(second)
		k.paid(fits)
		k.got(later, 5*usd+money.Cent)
		k.got(never, 0)
		if s := k.refund(huge).Status; s != "PENDING" {
			t.Errorf("above the limit: %s", s)
		}
		k.spent(3)
	})
}

// A wallet without dollars, or without gas, says so, and pays once it has them.
func TestRefundWalletEmpty(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		order, to := k.owe(12 * usd)
		k.warns("dollars")
		k.fund(11, false)
		k.clock.Add(2 * time.Minute)
		testkit.Eventually(t, "it is not enough", func() bool {
			_, b := testkit.Fetch(t, "GET", k.OpsURL+"/readyz", "", nil)
			return strings.Contains(string(b), "has 11.000000 DUSDC and needs $12.00")
		})
		k.fund(1, false)
		k.clock.Add(2 * time.Minute)
		k.warns("gas")
		if f := k.refund(order); f.Status != "PENDING" {
			t.Errorf("without gas it is %s", f.Status)
		}
		k.fund(0, true)
		k.clock.Add(2 * time.Minute)
		k.becomes(order, "PROCESSING")
		k.warns("")
		k.paid(order)
		k.got(to, 12*usd)
		k.got(k.wallet(), 0)
	})
}

// A node takes a refund and its answer is lost, for minutes: the outcome is unknown. It is
// looked up, not paid a second time.
func TestRefundWithLostAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", true)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "answers were lost", func() bool { return k.node.times() >= 3 })
		k.node.lose("eth_getTransactionReceipt", "", true)
		k.Mine(4)
		k.clock.Add(time.Hour)
		testkit.Eventually(t, "receipts were lost", func() bool { return k.node.times() >= 1 })
		k.node.lose("", "", false)
		k.clock.Add(10 * time.Minute)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
	})
}

// A refund that never reached a node is sent again, the same bytes; when it has waited
// long, for a better fee under the same nonce. One of the forms lands.
func TestRefundDropped(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "it was lost on its way, again and again", func() bool { return k.node.times() >= 3 })
		if n := len(k.row(order).Sends); n != 1 {
			t.Errorf("%d forms", n)
		}
		for n := 1; n < 4; n++ {
			k.clock.Add(31 * time.Second)
			testkit.Eventually(t, "it is signed for a better fee", func() bool { return len(k.row(order).Sends) > n })
		}
		k.node.lose("", "", false)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
		nonces := map[uint64]bool{}
		for _, s := range k.row(order).Sends {
			nonces[signed(t, s.Raw).Nonce()] = true
		}
		if len(nonces) != 1 {
			t.Errorf("nonces %v", nonces)
		}
	})
}

func signed(t *testing.T, raw string) *types.Transaction {
	t.Helper()
	b, err := hex.DecodeString(raw)
	tx := new(types.Transaction)
	if err == nil {
		err = tx.UnmarshalBinary(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// Another transaction of the wallet takes a refund's nonce. That is believed only after a
// while; then the refund has failed, and goes on when somebody names a destination.
func TestRefundReplaced(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "it is lost", func() bool { return k.node.times() >= 1 })
		own := &testkit.App{Chain: k.Chain, Wallet: &devchain.Wallet{Client: k.Chain.Client(), Key: k.key}}
		own.Bind(t)
		own.Pay(common.Address{}, k.wallet().Hex(), big.NewInt(1))
		k.Mine(4)
		testkit.Eventually(t, "it is in doubt", func() bool { return !k.row(order).DoubtAt.IsZero() })
		k.node.lose("", "", false)
		k.clock.Add(9 * time.Minute)
		k.looks("eth_getTransactionCount")
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("in doubt it is %s", f.Status)
		}
		k.clock.Add(2 * time.Minute)
		k.becomes(order, "FAILED")
		k.got(to, 0)
		k.name(order, to)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(2)
	})
}

// A node that has lost a receipt says of a refund that it cannot be mined any more. The
// token knows better: nothing is paid again.
func TestRefundWithoutReceipt(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_getTransactionReceipt", `"result":null`, true)
		order, to := k.owe(7 * usd)
		k.becomes(order, "PROCESSING")
		k.MineSlowly("it is in doubt", func() bool { return !k.row(order).DoubtAt.IsZero() })
		k.clock.Add(11 * time.Minute)
		testkit.Eventually(t, "a person is called", func() bool { return k.log.has("its payment is unknown and yet") })
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("it is %s", f.Status)
		}
		k.node.lose("", "", false)
		k.clock.Add(10 * time.Minute)
		k.paid(order)
		if !k.row(order).DoubtAt.IsZero() && k.row(order).State != pay.RelayDone {
			t.Errorf("%+v", k.row(order))
		}
		k.got(to, 7*usd)
		k.spent(1)
	})
}

// A refund is mined and reverted: nothing has moved, it has failed, and it can be sent
// elsewhere.
func TestRefundReverted(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 10, 50*usd)
		payer := crypto.PubkeyToAddress(k.Wallet.Key.PublicKey)
		words := func(selector string, args ...common.Hash) []byte {
			data := common.FromHex(selector)
			for _, a := range args {
				data = append(data, a[:]...)
			}
			return data
		}
		all := common.BigToHash(big.NewInt(10e6))
		own := &devchain.Wallet{Client: k.Chain.Client(), Key: k.key}
		if _, err := own.Call(t.Context(), contracts.TestDollar, words("0x095ea7b3", common.BytesToHash(payer[:]), all)); err != nil {
			t.Fatal(err)
		}
		k.Mine(1)
		from := k.wallet()
		// Estimated ahead: once the refund is on its way the wallet's dollars are gone, in a
		// transaction that pays more and so comes first.
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		k.becomes(order, "PROCESSING")
		if _, err := k.Wallet.Call(t.Context(), contracts.TestDollar, words("0x23b872dd", common.BytesToHash(from[:]), common.BytesToHash(payer[:]), all)); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingTransactionCount(t.Context())
			return err == nil && n == 1
		})
		k.Mine(1)
		k.node.lose("", "", false)
		k.MineSlowly("the refund has failed", func() bool { return k.refund(order).Status == "FAILED" })
		if r := k.row(order).Reason; r != "the transaction was reverted" {
			t.Error(r)
		}
		k.fund(10, false)
		other := fresh(t)
		k.name(order, other)
		k.paid(order)
		k.got(to, 0)
		k.got(other, 7*usd)
	})
}

// A reorganisation drops the block of a refund: it is complete only when it is final, in
// another block, and paid once.
func TestRefundReorg(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.Mine(3)
		parent, err := k.Chain.Client().HeaderByNumber(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingNonceAt(t.Context(), k.wallet())
			return err == nil && n == 1
		})
		k.Mine(2)
		k.looks("eth_getTransactionReceipt")
		if err := k.Chain.Fork(parent.Hash()); err != nil {
			t.Fatal(err)
		}
		k.got(to, 0)
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("%s", f.Status)
		}
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
	})
}

// What the token does not let through rests, and keeps no other refund.
func TestRefundRefused(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		blocked := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 3*usd, 0)
		to := fresh(t)
		k.node.lose("eth_estimateGas "+to.Hex()[2:], `"error":{"code":3,"message":"execution reverted: blocked"}`, true)
		k.name(blocked, to)
		testkit.Eventually(t, "it is refused", func() bool { return k.row(blocked).Reason != "" })
		k.warns("refused")
		good, there := k.owe(4 * usd)
		k.paid(good)
		k.got(there, 4*usd)
		if f := k.refund(blocked); f.Status != "PENDING" {
			t.Errorf("%s", f.Status)
		}
		k.node.lose("", "", false)
		k.clock.Add(11 * time.Minute)
		k.paid(blocked)
		k.got(to, 3*usd)
	})
}

// Many refunds, two processes on one database, and others that do not care whose turn it
// is, as one does whose lease has run out while it stood still: each is paid once, and no
// more than the limit.
func TestRefundsByTwoProcesses(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	k := newCashier(t, url, 100, 20*usd)
	testkit.Run(t, k.options(url, 20*usd))
	for range 3 {
		stray := k.payer(20 * usd)
		end, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for {
				_, _ = stray.Pay(context.Background(), "bsc")
				select {
				case <-end:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		t.Cleanup(func() { close(end); <-ended })
	}
	orders, to := map[string]common.Address{}, fresh(t)
	for range 8 {
		order := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 3*usd, 0)
		k.name(order, to)
		orders[order] = to
	}
	done := func() (n money.USD) {
		for order := range orders {
			if k.refund(order).Status == "COMPLETED" {
				n++
			}
		}
		return n
	}
	k.MineSlowly("what the limit allows is paid", func() bool { return done() == 6 })
	k.Mine(3)
	k.got(to, 18*usd)
	k.clock.Add(25 * time.Hour)
	k.MineSlowly("the rest is paid", func() bool { return done() == 8 })
	k.got(to, 24*usd)
	k.spent(8)
}

// payer pays from the wallet by itself.
func (k *cashier) payer(limit money.USD) *settle.Payer {
	n := testkit.BSC(k.Chain.URL(), k.key, limit)
	w := &settle.Wallet{
		Account: settle.Account{Network: n.Network, Key: k.key, Nodes: []*ethclient.Client{k.Chain.Client()}, MaxFee: n.MaxFee, Log: slog.New(slog.DiscardHandler)},
		Token:   n.Refund.Token, Limit: limit,
	}
	return &settle.Payer{Store: k.Store, Wallets: map[pay.NetworkName]*settle.Wallet{n.Name: w}, Tell: k.App.App.Commerce.RefundIn, Log: w.Log}
}

// What the simulator has taken over is not paid.
func TestRefundOfASimulatedOrder(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		order, to := k.owe(5 * usd)
		k.warns("dollars")
		shopper := k.Shopper("cust_1")
		shopper.T = t
		if o := shopper.Simulate(order, "refunded", ""); o.Refund.Status != "COMPLETED" {
			t.Fatalf("%+v", o.Refund)
		}
		k.fund(100, true)
		k.clock.Add(2 * time.Minute)
		testkit.Eventually(t, "the wallet leaves it", func() bool { return k.row(order).State == pay.RelayFailed })
		k.got(to, 0)
		k.spent(0)
	})
}

// What was paid by hand is not paid again; what the wallet is paying is not by hand.
func TestRefundPaidByHand(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		by := func(order string) pay.Code {
			return pay.CodeOf(k.App.App.Commerce.PaidByHand(t.Context(), order, "0x"+strings.Repeat("7c", 32)))
		}
		order, to := k.owe(5 * usd)
		k.warns("dollars")
		if c := by(order); c != "" {
			t.Error(c)
		}
		if f := k.refund(order); f.Status != "COMPLETED" || *f.TxHash != "0x"+strings.Repeat("7c", 32) {
			t.Errorf("%+v", f)
		}
		k.fund(100, true)
		k.clock.Add(2 * time.Minute)
		second, there := k.owe(6 * usd)
		k.becomes(second, "PROCESSING")
		if c := by(second); c != pay.CodeTransition {
			t.Errorf("under way: %q", c)
		}
		k.paid(second)
		k.got(there, 6*usd)
		k.got(to, 0)
		k.spent(1)
	})
}
