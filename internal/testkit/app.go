package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/server"
)

// Token ids of the development chain.
const (
	Dollar = 10
	Ether  = 11
)

// App is a whole deployment with a development chain of its own, which mines when
// Mine is called and not before.
type App struct {
	*app.App
	Chain    *devchain.Chain
	Wallet   *devchain.Wallet
	Merchant pay.Merchant
	Key      string // of scope merchant
	Commerce string // of scope commerce
	t        testing.TB
}

// StartChain starts a development chain in memory that mines only when told.
func StartChain(t testing.TB) *devchain.Chain {
	t.Helper()
	c, err := devchain.Start(context.Background(), devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// OptionsAt returns the options of a deployment on a database and the development
// chain at an address.
func OptionsAt(database, rpc string) app.Options {
	price := func(s string) money.Rate {
		r, err := money.ParseRate(s)
		if err != nil {
			panic(err)
		}
		return r
	}
	network := pay.Devchain
	network.BlockTime = 50 * time.Millisecond // blocks come when a test makes them: what waits for one must not wait long
	return app.Options{
		Listen: "127.0.0.1:0", Database: database, Secret: bytes.Repeat([]byte("s"), 32), Dev: true, Log: slog.New(slog.DiscardHandler),
		Terms: pay.DefaultTerms(), Providers: map[pay.Environment]retail.Provider{pay.Devnet: catalog.New()},
		Limits:  app.LimitOptions{Rates: server.Rates{PerKey: 1e6, PerSession: 1e6, WrongKeys: 1e6, SignIns: 1e6}},
		Sources: []rates.Source{&rates.Static{Rates: map[string]money.Rate{"ETH": price("2500"), "USDC": price("1")}, Now: time.Now}},
		Networks: []app.NetworkOptions{{
			Network: network, Tokens: pay.DevchainTokens(contracts.TestDollar.Hex()), RPC: []string{rpc},
			Relayer: devchain.Relayer(), MaxFee: big.NewInt(1e12), Poll: 10 * time.Millisecond,
		}},
	}
}

// StartApp starts a deployment with a merchant and its keys, and stops it when the
// test ends. change may alter the options; it may be nil.
func StartApp(t testing.TB, database string, change func(*app.Options)) *App {
	t.Helper()
	c := StartChain(t)
	o := OptionsAt(database, c.URL())
	if change != nil {
		change(&o)
	}
	a := &App{App: Run(t, o), Chain: c, Wallet: &devchain.Wallet{Client: c.Client(), Key: c.Payer()}, t: t}
	a.Merchant, a.Key, a.Commerce = AddMerchant(t, a.App)
	return a
}

// Run starts a deployment and stops it when the test ends.
func Run(t testing.TB, o app.Options) *app.App {
	t.Helper()
	Schema(o.Database)
	a, err := app.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}

// AddMerchant makes a merchant of the development chain, with a key of each scope.
func AddMerchant(t testing.TB, a *app.App) (m pay.Merchant, key, commerce string) {
	t.Helper()
	m, err := a.Billing.AddMerchant(context.Background(), pay.Merchant{
		Name: "Corner Coffee", Email: "hello@corner.example", Environment: pay.Devnet, Mainnet: true,
	}, map[pay.Family]string{pay.EVM: devchain.Merchant().Hex()})
	if err == nil {
		_, key, err = a.Billing.AddKey(context.Background(), m.ID, "test", pay.ScopeMerchant, pay.Devnet, 0)
	}
	if err == nil {
		_, commerce, err = a.Billing.AddKey(context.Background(), m.ID, "test", pay.ScopeCommerce, pay.Devnet, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, key, commerce
}

// Bind makes the app fail a test, for one that was not made by StartApp.
func (a *App) Bind(t testing.TB) { a.t = t }

// MineAlways makes a block every period until the function it returns is called.
func MineAlways(c *devchain.Chain, period time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(period):
				c.Mine()
			}
		}
	}()
	return func() { close(end); <-ended }
}

// MineWhile returns what begins to make a block every period, until all who called it have
// called what it returned. A chain that grows while nobody looks costs those who do.
func MineWhile(c *devchain.Chain, period time.Duration) (begin func() (end func())) {
	var mu sync.Mutex
	var users int
	var stop func()
	return func() func() {
		mu.Lock()
		defer mu.Unlock()
		if users++; users == 1 {
			stop = MineAlways(c, period)
		}
		return func() {
			mu.Lock()
			defer mu.Unlock()
			if users--; users == 0 {
				stop()
			}
		}
	}
}

// Mine makes n blocks.
func (a *App) Mine(n int) {
	for range n {
		a.Chain.Mine()
	}
}

// Pay sends units of a token (zero: the native coin) from the payor's wallet, and
// returns when the next block will hold it.
func (a *App) Pay(token common.Address, to string, units *big.Int) common.Hash {
	a.t.Helper()
	ctx, from := context.Background(), crypto.PubkeyToAddress(a.Wallet.Key.PublicKey)
	before, err := a.Chain.Client().PendingNonceAt(ctx, from)
	if err != nil {
		a.t.Fatal(err)
	}
	h, err := a.Wallet.Pay(ctx, token, common.HexToAddress(to), units)
	if err != nil {
		a.t.Fatal(err)
	}
	Eventually(a.t, "the node is ready to mine the payment", func() bool {
		now, err := a.Chain.Client().PendingNonceAt(ctx, from)
		return err == nil && now > before
	})
	return h
}

// MineSlowly makes blocks until f returns true. They are a second apart by their own
// clock, so it never runs more than a few ahead of ours: the watcher would take them
// for blocks of the future.
func (a *App) MineSlowly(what string, f func() bool) {
	a.t.Helper()
	Eventually(a.t, what, func() bool {
		head, err := a.Chain.Client().HeaderByNumber(context.Background(), nil)
		if err == nil && time.Until(time.Unix(int64(head.Time), 0)) < 8*time.Second {
			a.Mine(1)
		}
		<-time.After(50 * time.Millisecond)
		return f()
	})
}

// Headers are the headers of a request, name and value in turn.
type Headers []string

// Do sends a request and returns the answer's status and body. In tests the exchange is
// held to our own document; in benchmarks that would be what is measured.
func Do(t testing.TB, method, url, body string, h Headers) (int, []byte) {
	t.Helper()
	if _, measured := t.(*testing.B); measured {
		return Fetch(t, method, url, body, h)
	}
	return send(t, &http.Client{Transport: OpenAPI(t).Transport(t, http.DefaultTransport)}, method, url, body, h)
}

// Fetch is Do for what our document has no word for.
func Fetch(t testing.TB, method, url, body string, h Headers) (int, []byte) {
	t.Helper()
	return send(t, http.DefaultClient, method, url, body, h)
}

func send(t testing.TB, client *http.Client, method, url, body string, h Headers) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}

// Ask sends a request that must be answered with 200, and decodes the answer.
func Ask[T any](t testing.TB, method, url, body string, h Headers) (v T) {
	t.Helper()
	status, b := Do(t, method, url, body, h)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, status, b)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s %s: %v in %s", method, url, err, b)
	}
	return v
}

// UUID returns a fresh UUID of version 4.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Open makes an invoice and returns it with its payor's headers.
func (a *App) Open(body string) (api.CreatedInvoice, Headers) {
	a.t.Helper()
	v := Ask[api.CreatedInvoice](a.t, "POST", a.URL+"/api/v1/invoices", body, Headers{"x-api-key", a.Key, "Idempotency-Key", UUID()})
	return v, Headers{"x-session-token", v.SessionToken, "x-signature", v.Signature}
}

// Allocate asks for the address to pay in a token.
func (a *App) Allocate(payor Headers, token int) api.PaymentAddress {
	a.t.Helper()
	return Ask[api.PaymentAddress](a.t, "POST", a.URL+"/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":"ethereum","tokenId":%d}`, token), payor)
}

// Status asks for the state of an invoice as its merchant sees it.
func (a *App) Status(id string) api.InvoiceStatus {
	a.t.Helper()
	return Ask[api.InvoiceStatus](a.t, "GET", a.URL+"/api/v1/invoices/"+id+"/status", "", Headers{"x-api-key", a.Key})
}

// Replace makes the payor's wallet send another transaction in the place of one
// that was dropped from the chain: to itself, for a fee ten times as high.
func (a *App) Replace(lost *types.Transaction) {
	a.t.Helper()
	Eventually(a.t, "the node takes the replacement, having noticed the fork", func() bool {
		return a.Wallet.Replace(context.Background(), lost) == nil
	})
}
