package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/testkit"
)

const secret = "whsec_of_the_shop"

// open opens a shop on a deployment with a test wallet, as pepay dev has.
func open(t *testing.T) (*testkit.App, string) {
	t.Helper()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) {
		node, err := ethclient.Dial(o.Networks[0].RPC[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(node.Close)
		wallet := &devchain.Wallet{Client: node, Key: devchain.Payer()}
		o.TestWallet = func(ctx context.Context, a billing.Allocation) (string, error) {
			tx, err := wallet.Pay(ctx, common.HexToAddress(a.Token.Address), common.HexToAddress(a.Address.Address), a.Quote.Units.Big())
			return tx.Hex(), err
		}
	})
	s := httptest.NewServer(newShop(a.URL, a.Commerce, secret))
	t.Cleanup(s.Close)
	return a, s.URL
}

// shoot saves the page on a phone and on a desktop where SCREENSHOTS says.
func shoot(tb *testkit.Tab, name string) {
	tb.Helper()
	tb.JS(`document.activeElement.blur()`)
	tb.Wait(`[...document.images].every(i => { i.loading = "eager"; return i.complete })`)
	tb.Save("shop-"+name+"-phone.png", 360, 740)
	tb.Save("shop-"+name+"-desktop.png", 1280, 900)
	tb.Size(1280, 900)
}

// fits expects that nothing is wider than the narrowest of phones.
func fits(tb *testkit.Tab, page string) {
	tb.Helper()
	tb.Size(320, 640)
	if got := tb.JS(`document.documentElement.scrollWidth`); got != "320" {
		tb.Errorf("%s is %s wide on a phone of 320", page, got)
	}
	// Everything that can be filled in has a name.
	if got := tb.JS(`[...document.querySelectorAll("input:not([type=hidden])")].filter(i => !i.labels.length).length`); got != "0" {
		tb.Errorf("%s: %s fields have no label", page, got)
	}
	tb.Size(1280, 900)
}

func fill(tb *testkit.Tab, name, value string) {
	tb.Helper()
	tb.JS(fmt.Sprintf(`document.getElementById(%q).value = %q`, name, value))
}

// A customer searches, fills a cart, is corrected about an address, pays with the test
// wallet of the payment page, and follows the order to the door.
func TestBuyInTheBrowser(t *testing.T) {
	t.Parallel()
	a, shop := open(t)
	tb := testkit.NewTab(t)
	tb.Size(1280, 900)
	tb.Open(shop)
	tb.See("Fernway", "For the coffee corner")
	fits(tb, "the first page")
	shoot(tb, "home")
	tb.Theme("dark")
	tb.Save("shop-dark-desktop.png", 1280, 900)
	tb.Theme("light")

	fill(tb, "q", "pour-over dripper")
	tb.Click("header button")
	tb.See("Results for “pour-over dripper”", "$9.99")
	tb.Click(`.tile a[href="/products/amazon/` + testkit.Dripper + `"]`)
	tb.See("Add to cart")
	fits(tb, "a product")
	fill(tb, "quantity", "2")
	tb.Click(".buy button")
	tb.See("Your cart", "$9.99 each", "$19.98")
	fits(tb, "the cart")
	tb.JS(`document.querySelector(".lines input").value = 1`)
	tb.Click(".lines form button")
	tb.See("Goods $9.99")

	tb.Click(".main.button")
	tb.See("Where shall we send it?")
	for name, value := range map[string]string{"first_name": "Ada", "last_name": "Park", "street_address": "1200 Brickell Avenue", "city": "Miami", "state": "FL", "zip_code": "10001", "phone": "305 555 0123"} {
		fill(tb, name, value)
	}
	tb.Click(".sheet button")
	tb.See("ZIP code is not")
	tb.Wait(`document.activeElement.id !== ""`) // where to correct it
	if got := tb.JS(`document.activeElement.id + " " + document.activeElement.getAttribute("aria-invalid") + " " + document.getElementById("city").value`); got != "zip_code true Miami" {
		t.Errorf("a wrong address leaves %s", got)
	}
	fits(tb, "an address")
	shoot(tb, "address")
	fill(tb, "zip_code", "33131")
	tb.Click(".sheet button")
	tb.See("Is everything right?", "1200 Brickell Ave", "+13055550123", "Shipping $1.00", "Fees $3.00", "Total $13.99", "Order and pay $13.99")
	fits(tb, "the review")
	shoot(tb, "review")
	tb.Click(".sheet button")
	tb.See("Waiting for your payment", "What happens on devnet", "Pretend to pay")
	fits(tb, "an order")
	shoot(tb, "order")
	page := tb.JS(`location.href`)
	order := page[strings.LastIndex(page, "/")+1:]

	tb.Click(".pay .main")
	tb.See("How would you like to pay?", "$13.99")
	tb.Click("input[value='10']")
	tb.Click("#go")
	tb.See("Send exactly 13.990000 DUSDC")
	tb.Click("#test")
	tb.See("Payment sent")
	goods := a.Shopper("")
	a.MineSlowly("it is paid", func() bool { return goods.See(order).Status == "processing" })
	tb.Open(page)
	tb.See("Thank you, it is paid", "What you ordered")
	tb.JS(`window.loaded = 1`)
	a.MineSlowly("it is placed", func() bool { return goods.See(order).Status == "placed" })
	tb.See("Your order is placed", "Pretend it is shipped") // by itself
	if got := tb.JS(`window.loaded + document.getElementById("told").textContent`); got != "1Your order is placed" {
		t.Errorf("the page was loaded anew, or told nobody: %s", got)
	}
	tb.Click("#simulate")
	tb.See("It is on its way", "UPS", "Track it")
	shoot(tb, "shipped")
	tb.Click("#simulate")
	tb.See("Delivered. Enjoy!")
	fits(tb, "an order that has come")
	if o := goods.See(order); o.Status != "delivered" || o.Payment.Settlement.Status != "settled" {
		t.Errorf("%+v", o)
	}
	tb.Open(shop + "/orders")
	tb.See("Your orders", "1 product · delivered", "$13.99")
	tb.Open(shop + "/cart")
	tb.See("There is nothing in it yet.")
	tb.Open(shop + "/checkout")
	if got := tb.JS(`document.getElementById("street_address").value`); got != "1200 Brickell Ave" {
		t.Errorf("the address of last time is %q", got)
	}
	for _, host := range strings.Fields(tb.JS(`performance.getEntriesByType("resource").map(e => new URL(e.name).hostname).join(" ")`)) {
		if host != "127.0.0.1" {
			t.Errorf("a page asks %s for something", host)
		}
	}
}

// visit asks the shop for a page as a browser with a jar of cookies does.
func visit(t *testing.T, browser *http.Client, method, page string, form url.Values, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	resp, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, fmt.Sprint(resp.Header) + string(b)
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// bought is the page of an order that a browser has made.
func bought(t *testing.T, shop string, browser *http.Client) string {
	t.Helper()
	visit(t, browser, "POST", shop+"/cart", url.Values{"retailer": {"amazon"}, "product": {testkit.Dripper}, "quantity": {"1"}})
	_, review := visit(t, browser, "POST", shop+"/checkout", url.Values{
		"first_name": {"Ada"}, "last_name": {"Park"}, "street_address": {"1200 Brickell Ave"}, "city": {"Miami"}, "state": {"FL"}, "zip_code": {"33131"}, "phone": {"+13055550123"},
	})
	ids := regexp.MustCompile(`name="(?:estimate|address)" value="([^"]+)"`).FindAllStringSubmatch(review, -1)
	if len(ids) != 2 {
		t.Fatal(review)
	}
	form := url.Values{"estimate": {ids[0][1]}, "address": {ids[1][1]}}
	_, order := visit(t, browser, "POST", shop+"/orders", form)
	_, again := visit(t, browser, "POST", shop+"/orders", form)
	id := regexp.MustCompile(`/orders/[0-9a-f-]{36}`)
	if first := id.FindString(order); first == "" || first != id.FindString(again) {
		t.Fatalf("an order, %s, and when the button is pressed twice, %s", first, id.FindString(again))
	}
	return shop + id.FindString(order)
}

// What goes wrong is said kindly, and nobody sees what is not for them.
func TestShopAndStrangers(t *testing.T) {
	t.Parallel()
	a, shop := open(t)
	ada, eve := newBrowser(t), newBrowser(t)
	page := bought(t, shop, ada)
	for name, c := range map[string]struct {
		browser      *http.Client
		method, page string
		form         url.Values
		header       []string
		status       int
		says         string
	}{
		"her own order":            {ada, "GET", page, nil, nil, 200, "Waiting for your payment"},
		"another's order":          {eve, "GET", page, nil, nil, 404, "There is nothing here."},
		"paying another's":         {eve, "GET", page + "/pay", nil, nil, 400, "Sorry"},
		"simulating another's":     {eve, "POST", page + "/simulate", url.Values{"step": {"payment_confirmed"}}, nil, 404, "There is nothing here."},
		"another's list":           {eve, "GET", shop + "/orders", nil, nil, 200, "You have not ordered anything yet."},
		"a step that has passed":   {ada, "POST", page + "/simulate", url.Values{"step": {"shipped"}}, nil, 200, "Waiting for your payment"},
		"a button of another site": {ada, "POST", shop + "/cart", url.Values{"retailer": {"amazon"}, "product": {testkit.Dripper}, "quantity": {"1"}}, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin"},
		"no such order":            {ada, "GET", shop + "/orders/" + testkit.UUID(), nil, nil, 404, "Order not found"},
		"no such product":          {ada, "GET", shop + "/products/amazon/B000NONE00", nil, nil, 404, "not found"},
		"no such retailer":         {ada, "GET", shop + "/products/corner/B000NONE00", nil, nil, 400, "retailer"},
		"no such page":             {ada, "GET", shop + "/admin", nil, nil, 404, ""},
		"too many":                 {ada, "POST", shop + "/cart", url.Values{"retailer": {"amazon"}, "product": {testkit.Dripper}, "quantity": {"100"}}, nil, 400, "quantity"},
		"no number":                {ada, "POST", shop + "/cart", url.Values{"retailer": {"amazon"}, "product": {testkit.Dripper}, "quantity": {"a few"}}, nil, 502, "Sorry"},
		"nothing to check out":     {eve, "POST", shop + "/checkout", url.Values{}, nil, 400, "cart"},
		"an estimate made up":      {eve, "POST", shop + "/orders", url.Values{"estimate": {testkit.UUID()}, "address": {testkit.UUID()}}, nil, 404, "not found"},
		"script in a search":       {eve, "GET", shop + "/?q=" + url.QueryEscape(`"><script>alert(1)</script>`), nil, nil, 200, "Results for “&#34;&gt;&lt;script&gt;"},
		"a page of no number":      {eve, "GET", shop + "/?q=kettle&page=-7", nil, nil, 200, "Results"},
		"a webhook of anybody":     {eve, "POST", shop + "/hook", url.Values{}, nil, 400, "not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			status, said := visit(t, c.browser, c.method, c.page, c.form, c.header...)
			if status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("%d %s", status, said)
			}
			if strings.Contains(said, a.Commerce) || strings.Contains(said, a.Key) || strings.Contains(said, "<script>alert") {
				t.Errorf("it gives away too much: %s", said)
			}
		})
	}
	resp, err := (&http.Client{Jar: ada.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(page + "/pay")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is read
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, a.URL+"/pay?session=") {
		t.Errorf("paying leads to %d %s", resp.StatusCode, to)
	}
}

// A page that waits for news is answered when a signed webhook brings some.
func TestShopHearsOfOrders(t *testing.T) {
	t.Parallel()
	a, shop := open(t)
	ada := newBrowser(t)
	page := bought(t, shop, ada)
	_, shown := visit(t, ada, "GET", page, nil)
	seen := regexp.MustCompile(`data-seen="([0-9a-f]+)"`).FindStringSubmatch(shown)
	if seen == nil {
		t.Fatal(shown)
	}
	testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+shop+`/hook","enabled_events":["commerce.order.*"]}`, testkit.Headers{"x-api-key", a.Key})
	answer := make(chan string, 1)
	go func() {
		_, said := visit(t, ada, "GET", page+"?seen="+seen[1], nil)
		answer <- said
	}()
	a.Shopper("").Simulate(page[strings.LastIndex(page, "/")+1:], "payment_confirmed", "")
	select {
	case said := <-answer:
		if !strings.Contains(said, "Thank you, it is paid") {
			t.Error(said)
		}
	case <-time.After(15 * time.Second): // at twenty it is answered without news
		t.Error("the page waits on")
	}

	body := `{"id":"evt_1765540800123-42","object":"event","type":"commerce.order.updated"}`
	h := http.Header{}
	client.SignWebhook(h, []byte(body), secret, time.Now())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop+"/hook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Errorf("a signed webhook: %d", resp.StatusCode)
	}
}

func TestDollars(t *testing.T) {
	t.Parallel()
	for in, want := range map[json.Number]string{"9.9": "$9.90", "9.99": "$9.99", "9": "$9.00", "0": "$0.00", "1234.5": "$1234.50", "0.005": "$0.005"} {
		if got := usd(in); got != want {
			t.Errorf("%s is written %s, want %s", in, got, want)
		}
	}
}
