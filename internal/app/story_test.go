package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/testkit"
)

// A payor pays $25.50 from outside, with go-ethereum's own client, in two parts:
// once in a token and once in the native coin. Polling, the payor's websocket, the
// events API and a webhook whose first delivery fails all tell the same story, and
// in the end the money is with the merchant.
func TestPayInTwoParts(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string]struct {
		id    int
		token common.Address
	}{"token": {testkit.Dollar, contracts.TestDollar}, "native": {testkit.Ether, common.Address{}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				payInTwoParts(t, testkit.StartApp(t, url, nil), pair.id, pair.token)
			})
		})
	}
}

func payInTwoParts(t *testing.T, a *testkit.App, id int, token common.Address) {
	sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
	merchant := testkit.Headers{"x-api-key", a.Key}
	endpoint := testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`/hook"}`, merchant)
	before := balance(t, a, token, devchain.Merchant())
	made, payor := a.Open(`{"amount_usd":25.50,"metadata":{"order":"7"}}`)
	address := a.Allocate(payor, id)
	socket := testkit.Dial(t, "ws"+a.URL[4:]+address.WSConnection.WSURL+"&token="+address.WSConnection.Token, nil)
	first, ok := new(big.Int).SetString(strings.ReplaceAll(address.EstimatedTokenAmount, ".", ""), 10)
	if !ok {
		t.Fatal(address.EstimatedTokenAmount)
	}
	first.Quo(first, big.NewInt(3))
	at := common.HexToAddress(address.TempAddress)
	if s := a.Status(made.InvoiceID).Invoice.Status; s != "unpaid" {
		t.Fatalf("status %s", s)
	}

	a.Pay(token, address.TempAddress, first)
	a.Mine(1)
	seen := socket.Until(func(e api.Event) bool { return e.Type == "invoice_payment.created" })
	if bytes.Contains(seen.Data.Object, []byte("merchant_id")) {
		t.Errorf("the payor was told %s", seen.Data.Object)
	}
	if s := a.Status(made.InvoiceID); s.Invoice.Status != "unpaid" || s.LatestPayment.Status != "pending" {
		t.Errorf("with a payment in sight: %+v", s)
	}
	a.Mine(2)
	socket.Until(func(e api.Event) bool { return e.Type == "invoice.updated" && status(e) == "underpaid" })
	details := testkit.Ask[api.SessionDetails](t, "GET", a.URL+"/api/v1/payments/session-details", "", payor)
	if details.InvoiceStatus != "underpaid" || details.LockedNetwork == nil || *details.LockedTokenID != int64(id) || *details.LockedPaymentAddress != address.TempAddress {
		t.Errorf("locked: %+v", details)
	}
	other := testkit.Dollar + testkit.Ether - id
	if code, body := testkit.Do(t, "POST", a.URL+"/api/v1/payments/payment-addresses", `{"network":"ethereum","tokenId":`+itoa(other)+`}`, payor); code != 400 || !bytes.Contains(body, []byte("INVALID_PAYMENT_TOKEN")) {
		t.Errorf("another token: %d %s", code, body)
	}
	if code, body := testkit.Do(t, "POST", a.URL+"/api/v1/payments/payment-addresses", `{"network":"base","tokenId":`+itoa(other)+`}`, payor); code != 400 || !bytes.Contains(body, []byte("INVALID_PAYMENT_NETWORK")) {
		t.Errorf("another network: %d %s", code, body)
	}

	rest := a.Allocate(payor, id)
	if rest.TempAddress != address.TempAddress {
		t.Errorf("the address changed from %s to %s", address.TempAddress, rest.TempAddress)
	}
	second, _ := new(big.Int).SetString(strings.ReplaceAll(rest.EstimatedTokenAmount, ".", ""), 10)
	a.Pay(token, address.TempAddress, second)
	a.Mine(3)
	paid := socket.Until(func(e api.Event) bool { return e.Type == "invoice.updated" && status(e) == "paid" })
	if v := testkit.Ask[api.PaymentStatus](t, "GET", a.URL+"/api/v1/payments/payment-status", "", payor); v.Status != "paid" || v.PaidAt == nil {
		t.Errorf("polling: %+v", v)
	}
	a.MineSlowly("both payments are settled", func() bool {
		i := testkit.Ask[api.Invoice](t, "GET", a.URL+"/api/v1/invoices/"+made.InvoiceID+"?expand=payments", "", merchant)
		n := 0
		for _, p := range i.Payments.Data {
			if p.SettlementStatus == "settled" && p.Settlement.SettlementTxHash != nil {
				n++
			}
		}
		return n == 2
	})
	total := new(big.Int).Add(first, second)
	if got := new(big.Int).Sub(balance(t, a, token, devchain.Merchant()), before); got.Cmp(total) != 0 {
		t.Errorf("the merchant got %s of %s", got, total)
	}
	if left := balance(t, a, token, at); left.Sign() != 0 {
		t.Errorf("%s is left at the deposit address", left)
	}
	sameEverywhere(t, a, sink, endpoint.Secret, paid)
}

// sameEverywhere holds the events that the webhook received against the events API:
// the same ids and the same bytes, rightly signed, the refused one delivered again.
func sameEverywhere(t *testing.T, a *testkit.App, sink *testkit.Sink, secret string, paid api.Event) {
	t.Helper()
	merchant := testkit.Headers{"x-api-key", a.Key}
	var all []json.RawMessage
	testkit.Eventually(t, "every event was delivered", func() bool {
		list := testkit.Ask[api.Wrapped[api.List[json.RawMessage]]](t, "GET", a.URL+"/api/v1/events?limit=100", "", merchant)
		all = list.Data.Data
		taken := map[string]bool{}
		for _, g := range sink.Got() {
			if g.Status == 200 {
				taken[g.Header.Get(api.HeaderEventID)] = true
			}
		}
		return len(taken) == len(all)
	})
	refused := sink.Got()[0]
	if refused.Status != 500 {
		t.Errorf("the first delivery was answered %d", refused.Status)
	}
	bodies := map[string]string{}
	for _, raw := range all {
		var e api.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		bodies[e.ID] = string(raw)
	}
	if _, ok := bodies[paid.ID]; !ok {
		t.Errorf("the websocket's %s is no event of the merchant's", paid.ID)
	}
	for _, g := range sink.Got() {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(g.Header.Get("X-Pepay-Timestamp") + "." + string(g.Body)))
		if hex.EncodeToString(mac.Sum(nil)) != g.Header.Get("X-Pepay-Signature") {
			t.Errorf("the signature of %s is wrong", g.Header.Get("X-Pepay-Event-ID"))
		}
		id := g.Header.Get("X-Pepay-Event-ID")
		one := testkit.Ask[api.Wrapped[json.RawMessage]](t, "GET", a.URL+"/api/v1/events/"+id, "", merchant)
		if string(g.Body) != bodies[id] || string(g.Body) != string(one.Data) {
			t.Errorf("%s is told differently:\nwebhook %s\nlist    %s\none     %s", id, g.Body, bodies[id], one.Data)
		}
	}
}

func status(e api.Event) string {
	var v struct{ Status string }
	_ = json.Unmarshal(e.Data.Object, &v)
	return v.Status
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

func balance(t *testing.T, a *testkit.App, token, of common.Address) *big.Int {
	t.Helper()
	var b *big.Int
	var err error
	if token == (common.Address{}) {
		b, err = a.Chain.Client().BalanceAt(t.Context(), of, nil)
	} else {
		b, err = contracts.BalanceOf(t.Context(), a.Chain.Client(), token, of)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
