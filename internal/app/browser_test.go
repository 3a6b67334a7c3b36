package app_test

import (
	"context"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// startDev starts a deployment as the dev command does: with the test wallet and the
// dashboard. It outlives the tabs that are opened after it.
func startDev(t *testing.T, change func(*app.Options)) *testkit.App {
	var key atomic.Pointer[string]
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) {
		client, err := ethclient.Dial(o.Networks[0].RPC[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		wallet := &devchain.Wallet{Client: client, Key: devchain.Payer()}
		o.TestWallet = func(ctx context.Context, a billing.Allocation) (string, error) {
			tx, err := wallet.Pay(ctx, common.HexToAddress(a.Token.Address), common.HexToAddress(a.Address.Address), a.Quote.Units.Big())
			return tx.Hex(), err
		}
		o.DashboardKey = func() string { return *key.Load() }
		if change != nil {
			change(o)
		}
	})
	key.Store(&a.Key)
	return a
}

// mineSent makes the next block once it will hold a transaction.
func mineSent(t *testing.T, a *testkit.App) {
	t.Helper()
	testkit.Eventually(t, "a transaction waits for a block", func() bool {
		n, err := a.Chain.Client().PendingTransactionCount(t.Context())
		return err == nil && n > 0
	})
	a.Mine(1)
}

// The payor chooses a token, presses a button, and watches the network confirm it.
func TestPayInTheBrowser(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee","invoice_title":"Order 10482"}`)
	tb.open(made)
	tb.See("Corner Coffee", "$25.50", "Two bags of coffee", "Expires in 11:59:", "How would you like to pay?")
	tb.shoot("choose")
	tb.Click("input[value='10']")
	tb.Click("#go")
	tb.See("Pay with DUSDC", "Send exactly 25.500000 DUSDC", "Price held for 4:")
	tb.Wait(`heard.includes("open")`)
	tb.shoot("address")
	tb.Click("#test")
	tb.See("Payment sent")
	tb.shoot("sent")
	mineSent(t, a)
	tb.See("Payment seen", "1 of 3", "25.500000 DUSDC")
	tb.shoot("seen")
	a.Mine(1)
	tb.See("Confirming your payment", "2 of 3")
	tb.shoot("confirming")
	a.Mine(1)
	tb.See("Paid. Thank you.", "Confirmed on")
	tb.shoot("paid")
	// The settlement that follows may be heard of too, by then or later.
	if got := tb.JS(`heard.filter(h => h.startsWith("invoice")).slice(0, 3).join(" ")`); got != "invoice_payment.created invoice_payment.updated invoice.updated" {
		t.Errorf("the websocket told the page of %s", got)
	}
	tb.Reload()
	tb.See("Paid. Thank you.", "Confirmed on")
}

// A payor whose tab was reloaded finds the address that was given out, and one who
// sent too little is asked for the rest.
func TestBrowserUnderpaid(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	made, payor := a.Open(`{"amount_usd":30,"description":"Three bags of coffee"}`)
	tb.open(made)
	tb.Click("input[value='10']")
	tb.Click("#go")
	tb.See("Send exactly 30.000000 DUSDC")
	address := tb.JS(`document.getElementById("address").textContent`)
	tb.Reload()
	tb.See("Send exactly 30.000000 DUSDC")
	if got := tb.JS(`document.getElementById("address").textContent`); got != address {
		t.Errorf("after a reload the address is %s, was %s", got, address)
	}
	tb.Click("#change")
	tb.See("How would you like to pay?")
	tb.Click("#go")
	tb.See("Send exactly 30.000000 DUSDC")

	a.Pay(contracts.TestDollar, address, big.NewInt(10_000_000))
	a.Mine(1)
	tb.See("Payment seen", "10.000000 DUSDC")
	a.Mine(2)
	tb.See("Left to pay $20.00", "$10.00 has arrived. Send the remaining $20.00", "Send exactly 20.000000 DUSDC")
	tb.shoot("underpaid")
	tb.Reload()
	tb.See("Send exactly 20.000000 DUSDC")
	if rest := a.Allocate(payor, testkit.Dollar); rest.TempAddress != address {
		t.Errorf("the rest goes to %s, the first part went to %s", rest.TempAddress, address)
	}
	tb.Click("#test")
	tb.See("Payment sent")
	mineSent(t, a)
	a.Mine(2)
	tb.See("Paid. Thank you.", "10.000000 DUSDC", "20.000000 DUSDC")
}

// An open page notices by itself that the time is up.
func TestBrowserExpired(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	made, _ := a.Open(`{"amount_usd":25.50,"expires_in":6000,"description":"Two bags of coffee"}`)
	tb.open(made)
	tb.See("How would you like to pay?", "Expires in 0:0")
	tb.See("This invoice has expired")
	tb.shoot("expired")
}

// Without a price the page says so, and another token still works.
func TestBrowserWithoutPrice(t *testing.T) {
	t.Parallel()
	a := startDev(t, func(o *app.Options) { delete(o.Sources[0].(*rates.Static).Rates, "ETH") })
	tb := newTab(t)
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee"}`)
	tb.open(made)
	tb.Click("input[value='11']")
	tb.Click("#go")
	tb.See("No price for ETH right now", "We try again in 0:")
	tb.shoot("unavailable")
	tb.Click("#other")
	tb.See("How would you like to pay?")
	tb.Click("input[value='10']")
	tb.Click("#go")
	tb.See("Send exactly 25.500000 DUSDC")
}

// A page whose script does not arrive says so, and does not spin for ever.
func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	a := startDev(t, nil)
	behind, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(behind)
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pay.js") {
			http.Error(w, "lost", http.StatusBadGateway)
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(lossy.Close)
	tb := newTab(t)
	tb.Forgive("/pay.js")
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee"}`)
	tb.Open(strings.Replace(made.PaymentURL, a.URL, lossy.URL, 1))
	tb.Wait(`getComputedStyle(document.getElementById("late")).visibility === "visible"`)
	tb.See("Please reload this page.")
	tb.shoot("incomplete")
	tb.Open(made.PaymentURL)
	tb.Wait(`!document.getElementById("late")`)
}

// The dashboard of development makes an invoice and keeps itself up to date.
func TestDashboard(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	tb.Size(1280, 900)
	tb.Open(a.URL)
	tb.See("Corner Coffee", "Latest invoices", "None yet.", "0 webhook endpoints", a.Key)

	_, _ = a.Open(`{"amount_usd":4.20,"description":"Espresso"}`)
	gone, _ := a.Open(`{"amount_usd":18,"description":"Filter papers"}`)
	testkit.Ask[api.Invoice](t, "POST", a.URL+"/api/v1/invoices/"+gone.InvoiceID+"/cancel", "", testkit.Headers{"x-api-key", a.Key})
	part, payor := a.Open(`{"amount_usd":30,"description":"Three bags of coffee"}`)
	a.Pay(contracts.TestDollar, a.Allocate(payor, testkit.Dollar).TempAddress, big.NewInt(10_000_000))
	whole, payor := a.Open(`{"amount_usd":9.90,"invoice_title":"Order 10481","description":"A mug"}`)
	a.Pay(contracts.TestDollar, a.Allocate(payor, testkit.Dollar).TempAddress, big.NewInt(9_900_000))
	a.Mine(3)
	tb.See("Espresso", "Filter papers canceled $18.00", "Three bags of coffee underpaid $30.00 "+part.InvoiceID, "$10.00 paid",
		"Order 10481 paid $9.90 "+whole.InvoiceID, "$9.90 paid")
	tb.JS(`document.querySelector("#new").removeAttribute("target")`)
	tb.Click("#new button")
	tb.See("Two bags of coffee", "How would you like to pay?")
	tb.Wait(`location.href === "` + a.URL + `/pay"`) // once its script has put the session out of sight
	tb.Back()
	tb.See("Two bags of coffee unpaid $25.50")
	tb.Save("dashboard.png", 1280, 900)
}

// Only a browser on this machine that shows our own page may use the dashboard.
func TestDashboardIsAtHome(t *testing.T) {
	t.Parallel()
	a := startDev(t, nil)
	ask := func(method, url string, headers ...string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("amount=1&description=x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for n := 0; n < len(headers); n += 2 {
			if r.Header.Set(headers[n], headers[n+1]); headers[n] == "Host" {
				r.Host = headers[n+1]
			}
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	home := strings.TrimPrefix(a.URL, "http://")
	for _, c := range []struct {
		want    int
		method  string
		headers []string
	}{
		{200, "GET", nil},
		{200, "GET", []string{"Host", "localhost:3000"}},
		{200, "GET", []string{"Host", "[::1]:3000"}},
		{403, "GET", []string{"Host", "evil.example"}},
		{403, "GET", []string{"Host", "localhost.evil.example:3000"}},
		{403, "GET", []string{"Host", "192.168.1.2:3000"}},
		{403, "GET", []string{"X-Forwarded-For", "198.51.100.7"}},
		{303, "POST", nil},
		{303, "POST", []string{"Sec-Fetch-Site", "same-origin"}},
		{303, "POST", []string{"Origin", "http://" + home}},
		{403, "POST", []string{"Host", "evil.example"}},
		{403, "POST", []string{"Sec-Fetch-Site", "cross-site"}},
		{403, "POST", []string{"Sec-Fetch-Site", "same-site"}},
		{403, "POST", []string{"Origin", "https://evil.example"}},
		{403, "POST", []string{"Origin", "null"}},
	} {
		if got := ask(c.method, a.URL+"/", c.headers...); got != c.want {
			t.Errorf("%s with %q: %d, want %d", c.method, c.headers, got, c.want)
		}
	}
	production := testkit.StartApp(t, t.TempDir()+"/test.db", nil)
	if got := ask("GET", production.URL+"/"); got != 404 {
		t.Errorf("outside development: %d", got)
	}
}
