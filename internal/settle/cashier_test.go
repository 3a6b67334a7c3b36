package settle_test

import (
	"bytes"
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

// payer pays from the wallet by itself.
func (k *cashier) payer(limit money.USD) *settle.Payer {
	n := testkit.BSC(k.Chain.URL(), k.key, limit)
	w := &settle.Wallet{
		Account: settle.Account{Network: n.Network, Key: k.key, Nodes: []*ethclient.Client{k.Chain.Client()}, MaxFee: n.MaxFee, Log: slog.New(slog.DiscardHandler), Now: time.Now},
		Token:   n.Refund.Token, Limit: limit,
	}
	return &settle.Payer{Store: k.Store, Wallets: map[pay.NetworkName]*settle.Wallet{n.Name: w}, Tell: k.App.App.Commerce.RefundIn, Log: w.Log}
}
