package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/server/web"
	"github.com/pepay/pepay/internal/testkit"
)

// An eleventh network is one section of the configuration: a payor pays on it in its coin
// and in a token, the merchant is paid out, and its name may stand wherever one may.
func TestOwnNetwork(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		c, err := devchain.Start(context.Background(), devchain.Options{ChainID: 137})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		served, err := networks(t, fmt.Sprintf(`
			[networks.polygon]
			rpc = [%q]
			chain_id = 137
			chain = "testnet"
			block_time_ms = 50
			confirmations = 2
			explorer = "https://polygonscan.example"
			relayer_key = %q
			max_fee_gwei = 1000
			tokens = ["1000 POL native 18", "1001 USDC %s 6 stable spelled=DUSDC"]
		`, c.URL(), hex.EncodeToString(crypto.FromECDSA(devchain.Relayer())), contracts.TestDollar))
		if err != nil {
			t.Fatal(err)
		}
		o := testkit.OptionsAt(database, c.URL())
		o.Networks = served
		pol, _ := money.ParseRate("0.5")
		one, _ := money.ParseRate("1")
		o.Sources = []rates.Source{&rates.Static{Rates: map[string]money.Rate{"POL": pol, "USDC": one}, Now: time.Now}}
		a := &testkit.App{Chain: c, Wallet: &devchain.Wallet{Client: c.Client(), Key: c.Payer()}}
		a.Bind(t)
		a.App = testkit.Run(t, o)
		a.Merchant, a.Key, a.Commerce = testkit.AddMerchant(t, a.App)
		for id, token := range map[int]common.Address{1001: contracts.TestDollar, 1000: {}} {
			payOnPolygon(t, a, id, token)
		}
	})
}

func payOnPolygon(t *testing.T, a *testkit.App, id int, token common.Address) {
	t.Helper()
	merchant := testkit.Headers{"x-api-key", a.Key}
	before := balance(t, a, token, devchain.Merchant())
	made, payor := a.Open(`{"amount_usd":10}`)
	offered := testkit.Ask[[]api.AvailableToken](t, "GET", a.URL+"/api/v1/payments/available-tokens?network=polygon", "", payor)
	if len(offered) != 2 || offered[0].Network != "polygon" || offered[0].ID != 1000 || offered[1].ID != 1001 {
		t.Fatalf("offered %+v", offered)
	}
	at := testkit.Ask[api.PaymentAddress](t, "POST", a.URL+"/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":"polygon","tokenId":%d}`, id), payor)
	units, _ := new(big.Int).SetString(strings.ReplaceAll(at.EstimatedTokenAmount, ".", ""), 10)
	hash := a.Pay(token, at.TempAddress, units)
	a.Mine(2)
	p := latest(t, a, made.InvoiceID, "it is confirmed", func(p api.Payment) bool { return p.Status == "confirmed" })
	if p.Network != "polygon" || p.SupportedTokenID != int64(id) || p.RequiredConfirmations != 2 || p.TxHash != strings.ToLower(hash.Hex()) || p.Amount != 10_000 {
		t.Errorf("payment %+v", p)
	}
	settled(t, a, made.InvoiceID)
	if got := new(big.Int).Sub(balance(t, a, token, devchain.Merchant()), before); got.Cmp(units) != 0 {
		t.Errorf("the merchant got %s of %s", got, units)
	}

	state := testkit.Ask[web.State](t, "GET", a.URL+"/pay/state", "", payor)
	if url := state.Payments[0].ExplorerURL; url != "https://polygonscan.example/tx/"+p.TxHash {
		t.Errorf("the page links to %q", url)
	}

	// Wherever the API takes a network's name it takes this one, and says so of no other.
	for _, q := range []struct {
		method, url, body string
		as                testkit.Headers
		holds             string
	}{
		{"GET", "/api/v1/invoices?payer_wallet_network=NET", "", merchant, made.InvoiceID},
		{"GET", "/api/v1/events?wallet_network=NET&limit=100", "", merchant, made.InvoiceID},
		{"GET", "/api/v1/merchant/tokens/search?search=&network=NET", "", merchant, `"id":1001`},
		{"GET", "/api/v1/quotes?network=NET&token_id=1001&amount_usd=5", "", merchant, `"network":"polygon"`},
		{"GET", "/api/v1/payments/available-tokens?network=NET", "", payor, `"token_symbol":"POL"`},
		{"POST", "/api/v1/invoice/" + made.InvoiceID + "/verify", `{"network":"NET"}`, payor, `"network":"polygon"`},
	} {
		ask := func(name string) (int, []byte) {
			return testkit.Do(t, q.method, a.URL+strings.ReplaceAll(q.url, "NET", name), strings.ReplaceAll(q.body, "NET", name), q.as)
		}
		if code, body := ask("polygon"); code/100 != 2 || !bytes.Contains(body, []byte(q.holds)) {
			t.Errorf("%s of polygon: %d %s", q.url, code, body)
		}
		if code, body := ask("dogecoin"); code != 400 || !strings.Contains(q.url, "quotes") && !bytes.Contains(body, []byte("cardano sui polygon]")) {
			t.Errorf("%s of dogecoin: %d %s", q.url, code, body)
		}
	}
}
