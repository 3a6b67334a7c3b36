package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// The payor's routes, and a body for the one that wants it.
var payorTargets = []string{
	"GET /api/v1/payments/session-details", "GET /api/v1/payments/available-tokens", "POST /api/v1/payments/payment-addresses", "GET /api/v1/payments/payment-status",
}

const dollars = `{"network":"ethereum","tokenId":10}`

func TestSessionsAreChecked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	made, _ := d.Open(`{"amount_usd":1}`)
	second, _ := d.Open(`{"amount_usd":1}`)
	elsewhere, err := auth.New([]byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	token, sig := made.SessionToken, made.Signature
	foreignToken, foreignSig := elsewhere.NewSession(time.Now())
	lostToken, lostSig := d.Billing.Auth.NewSession(time.Now())
	last := "0"
	if strings.HasSuffix(sig, last) {
		last = "1"
	}
	for name, pair := range map[string][2]string{
		"none": {"", ""}, "no signature": {token, ""}, "no token": {"", sig}, "another's signature": {token, second.Signature}, "another's token": {second.SessionToken, sig},
		"of another deployment": {foreignToken, foreignSig}, "other moment": {token, sig[:len(sig)-1] + last}, "no moment": {token, sig[:64]}, "no hash": {token, sig[64:]},
		"longer": {token, sig + "0"}, "in capitals": {token, strings.ToUpper(sig)}, "token in capitals": {strings.ToUpper(token) + " ", sig}, "huge": {strings.Repeat("x", 9000), strings.Repeat("y", 9000)},
	} {
		for _, target := range payorTargets {
			t.Run(name+" "+target, func(t *testing.T) {
				refused(t, d.ask(target, dollars, testkit.Headers{"x-session-token", pair[0], "x-signature", pair[1]}), 401, "A", "INVALID_SIGNATURE")
			})
		}
	}
	for _, target := range payorTargets {
		refused(t, d.ask(target, dollars, d.key), 401, "A", "INVALID_SIGNATURE")
		refused(t, d.ask(target, dollars, testkit.Headers{"x-session-token", lostToken, "x-signature", lostSig}), 404, "A", "INVOICE_NOT_FOUND")
	}
	d.holds(2, 2)
}

func TestBadAllocations(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		_, payor := d.Open(`{"amount_usd":1}`)
		bad := map[string]string{`{"network":"ethereum"}`: "", `{"tokenId":10}`: "", `{"network":"","tokenId":10}`: "", ``: "", `[]`: "", `{`: "", `{"network":["ethereum"],"tokenId":10}`: "", `{"network":null,"tokenId":null}`: ""}
		for _, id := range []string{`"10"`, `"x"`, `0`, `-1`, `1.5`, `10.0`, `1e1`, `null`, `true`, `{}`, `99`, `9223372036854775808`, `1e400`} {
			bad[`{"network":"ethereum","tokenId":`+id+`}`] = ""
		}
		for _, n := range []string{"base", "solana", "bitcoin", "Ethereum", "ethereum ", strings.Repeat("x", 60_000)} {
			bad[`{"network":"`+n+`","tokenId":10}`] = "NETWORK_NOT_SUPPORTED"
		}
		bad[`{"network":"\u0000","tokenId":10}`] = ""
		for body, code := range bad {
			if code == "" {
				code = "INVALID_REQUEST_FORMAT"
			}
			t.Run(fmt.Sprintf("%.60s", body), func(t *testing.T) {
				refused(t, d.ask("POST /api/v1/payments/payment-addresses", body, payor), 400, "A", code)
			})
		}
		for query, code := range map[string]string{
			"mode=some": "INVALID_REQUEST_FORMAT", "mode=network": "INVALID_REQUEST_FORMAT", "mode=network&network=": "INVALID_REQUEST_FORMAT", "available_only=1": "INVALID_REQUEST_FORMAT",
			"mode=network&network=bitcoin": "NETWORK_NOT_SUPPORTED",
		} {
			refused(t, d.ask("GET /api/v1/payments/available-tokens?"+query, "", payor), 400, "A", code)
		}
		d.holds(1, 1)
	})
}

// A token of a network that the deployment serves, but asked for on another.
func TestTokenOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Networks[0].Tokens = append(o.Networks[0].Tokens, pay.Token{ID: 77, Network: "base", Environment: pay.Devnet, Symbol: "X", Name: "X", Type: pay.Native, Decimals: 18, Price: "ETH"})
	})
	_, payor := d.Open(`{"amount_usd":1}`)
	refused(t, d.ask("POST /api/v1/payments/payment-addresses", `{"network":"ethereum","tokenId":77}`, payor), 400, "A", "INVALID_REQUEST_FORMAT")
}

// says holds the JSON of an answer to what it must be; "*" stands for anything.
func says(t *testing.T, a answer, want string) {
	t.Helper()
	var got, hope any
	if err := errors.Join(json.Unmarshal([]byte(a.body), &got), json.Unmarshal([]byte(want), &hope)); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if a.status != http.StatusOK || !like(got, hope) {
		t.Errorf("got %d %s\nwant %s", a.status, a.body, want)
	}
}

func like(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for k := range w {
			if _, has := g[k]; !has || !like(g[k], w[k]) {
				return false
			}
		}
		return ok && len(g) == len(w)
	case []any:
		g, ok := got.([]any)
		for n := range w {
			if n >= len(g) || !like(g[n], w[n]) {
				return false
			}
		}
		return ok && len(g) == len(w)
	}
	return want == "*" || got == want
}

// What a payor is told in each state of an invoice, word for word.
func TestPayorsView(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(moved)
		d := newDesk(t, url, func(o *app.Options) { o.Now = clock.Now })
		made, payor := d.Open(`{"amount_usd":25.5,"description":"Two cups","expires_in":3600000,"payment_return_url":"https://shop.example/done","invoice_title":"Order 7"}`)
		details := func(id, status, remaining, locked string) string {
			left := `"*"`
			if status != "unpaid" && status != "underpaid" {
				left = "0"
			}
			return fmt.Sprintf(`{"invoice_id":%q,"amount_usd":25.5,"amount_remaining_usd":%s,"description":"Two cups","expires_at":"*","invoice_status":%q,"remaining_time":%s,`+
				`"remaining_seconds":%s,"merchant_name":"Corner Coffee","merchant_email":"hello@corner.example","network_environment":"devnet",%s,`+
				`"invoice_title":"Order 7","invoice_footer":"Corner Coffee","payment_return_url":"https://shop.example/done","payment_return_url_enabled":true}`, id, remaining, status, left, left, locked)
		}
		const free = `"locked_network":null,"locked_token_id":null,"locked_payment_address":null`
		const dollar = `{"id":10,"token_symbol":"DUSDC","token_name":"Devnet USDC","token_type":"erc20","network":"ethereum","token_decimals":6,"token_address":"*","requires_memo":false,` +
			`"photo_uri":null,"has_settlement_route":true,"supports_stable_settlement":true,"availability_status":"DEVNET"}`
		const ether = `{"id":11,"token_symbol":"ETH","token_name":"Devnet Ether","token_type":"native","network":"ethereum","token_decimals":18,"token_address":null,"requires_memo":false,` +
			`"photo_uri":null,"has_settlement_route":true,"supports_stable_settlement":false,"availability_status":"DEVNET"}`
		says(t, d.ask(payorTargets[0], "", payor), details(made.InvoiceID, "unpaid", "25.5", free))
		for query, want := range map[string]string{
			"": dollar + "," + ether, "?mode=monitored": dollar + "," + ether, "?mode=all&available_only=true": dollar + "," + ether, "?available_only=false": dollar + "," + ether,
			"?mode=network&network=ethereum": dollar + "," + ether, "?mode=network&network=solana": "",
		} {
			says(t, d.ask(payorTargets[1]+query, "", payor), "["+want+"]")
		}
		says(t, d.ask(payorTargets[3]+"?invoice_id=ignored", "", payor), `{"status":"unpaid","paid_at":null}`)

		const quoted = `{"success":true,"quote_status":"available","status_code":"ok","message":null,"temp_address":"*","network":"ethereum","supported_token_id":%d,"estimated_token_amount":%q,` +
			`"exchange_rate":%q,"usd_amount":25.5,"quote_last_updated_at":"*","quote_valid_until":"*","quote_expires_in_seconds":300,"retryable":null,"retry_after_seconds":null,` +
			`"ws_connection":{"token":"*","endpoint":"/ws/payment","format":"event_v1","ws_url":"/ws/payment?format=event_v1"}}`
		first := d.ask(payorTargets[2], dollars, payor)
		says(t, first, fmt.Sprintf(quoted, 10, "25.500000", "1.00"))
		native := d.ask(payorTargets[2], `{"network":"ethereum","tokenId":11}`, payor)
		says(t, native, fmt.Sprintf(quoted, 11, "0.010251000000000000", "2500.00")) // with half a percent against price moves
		a, other := decode[api.PaymentAddress](t, first), decode[api.PaymentAddress](t, native)
		clock.Add(2 * time.Second)
		b := decode[api.PaymentAddress](t, d.ask(payorTargets[2], dollars, payor))
		if a.TempAddress != b.TempAddress || a.TempAddress == other.TempAddress || *b.QuoteValidUntil < *a.QuoteValidUntil+2 || *a.QuoteValidUntil != *a.QuoteLastUpdatedAt+300 {
			t.Errorf("asked again, %+v became %+v; the other pair is %+v", a, b, other)
		}

		d.Pay(contracts.TestDollar, a.TempAddress, big.NewInt(10_000_000))
		d.MineSlowly("underpaid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "underpaid" })
		says(t, d.ask(payorTargets[0], "", payor), details(made.InvoiceID, "underpaid", "15.5", `"locked_network":"ethereum","locked_token_id":10,"locked_payment_address":"`+a.TempAddress+`"`))
		says(t, d.ask(payorTargets[1], "", payor), "["+dollar+"]")
		says(t, d.ask(payorTargets[3], "", payor), `{"status":"underpaid","paid_at":null}`)
		says(t, d.ask(payorTargets[2], dollars, payor), fmt.Sprintf(quoted, 10, "15.500000", "1.00"))
		refused(t, d.ask("POST /api/v1/invoices/"+made.InvoiceID+"/cancel", "", d.key), 400, "B", "INVALID_INVOICE_STATE")

		d.Pay(contracts.TestDollar, a.TempAddress, big.NewInt(15_500_000))
		d.MineSlowly("paid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
		says(t, d.ask(payorTargets[0], "", payor), details(made.InvoiceID, "paid", "0", free))
		says(t, d.ask(payorTargets[3], "", payor), `{"status":"paid","paid_at":"*"}`)
		if v := decode[api.PaymentStatus](t, d.ask(payorTargets[3], "", payor)); v.PaidAt == nil {
			t.Error("paid at no time")
		}
		refused(t, d.ask(payorTargets[2], dollars, payor), 400, "A", "INVALID_INVOICE_STATE")
		refused(t, d.ask("POST /api/v1/invoices/"+made.InvoiceID+"/cancel", "", d.key), 400, "B", "INVALID_INVOICE_STATE")
		d.expansions(made.InvoiceID)
	})
}

// expansions holds the ways to ask for an invoice of two payments to each other.
func (d *desk) expansions(id string) {
	t, one := d.t, "GET /api/v1/invoices/"+id
	both := decode[api.Invoice](t, d.ask(one+"?expand=payments,latest_payment", "", d.key))
	if both.Payments == nil || len(both.Payments.Data) != 2 || both.Payments.HasMore || both.Payments.Data[0].Amount != 15_500 || both.Payments.Data[1].Amount != 10_000 {
		t.Fatalf("payments %+v", both.Payments)
	}
	capped := decode[api.Invoice](t, d.ask(one+"?expand=payments&payments_limit=1", "", d.key))
	if len(capped.Payments.Data) != 1 || !capped.Payments.HasMore || capped.Payments.Data[0].ID != both.Payments.Data[0].ID || capped.LatestPayment != nil {
		t.Errorf("one payment: %+v", capped.Payments)
	}
	if plain := decode[api.Invoice](t, d.ask(one, "", d.key)); plain.Payments != nil || plain.LatestPayment != nil {
		t.Errorf("unasked: %+v", plain)
	}
	status := decode[api.InvoiceStatus](t, d.ask(one+"/status", "", d.key))
	var latest api.Payment
	if err := json.Unmarshal(both.LatestPayment, &latest); err != nil || status.LatestPayment.ID != latest.ID || latest.ID != both.Payments.Data[0].ID || status.Object != "invoice_status" {
		t.Errorf("latest %+v, of the status %+v: %v", latest, status, err)
	}
	l := decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices?status=paid&expand=payments,latest_payment&payments_limit=1", "", d.key))
	if len(l.Data) != 1 || len(l.Data[0].Payments.Data) != 1 || !strings.Contains(string(l.Data[0].LatestPayment), latest.ID) {
		t.Errorf("listed %+v", l)
	}
}

// A checkout on another site may send what a payor's requests have, and what its own tracing adds to each request.
func TestPreflight(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	for _, target := range []string{"OPTIONS /api/v1/payments/payment-status", "OPTIONS /api/v1/invoice/inv_1/verify"} {
		a := d.stray(target, "", testkit.Headers{"Origin", "https://shop.example"})
		allowed := strings.Split(a.header.Get("Access-Control-Allow-Headers"), ", ")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", target, a.status, a.header)
		}
		for _, h := range []string{"content-type", "x-session-token", "x-signature", "idempotency-key", "x-request-id", "traceparent", "tracestate"} {
			if !slices.Contains(allowed, h) {
				t.Errorf("%s: %s is not allowed: %v", target, h, allowed)
			}
		}
	}
}
