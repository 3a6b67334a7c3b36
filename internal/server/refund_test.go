package server_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

const customers = "0x52908400098527886E0F7030069857D2E4169EE7"

// A refund that waits gets a destination: on devnet without a wallet it is paid in name,
// at once. The request is carried out once for each key.
func TestRefundDestination(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		order := testkit.Owed(t, d.Store, d.Merchant.ID, pay.Devnet, 1399*money.Cent, 0)
		path := "POST /api/commerce/merchant/orders/" + order + "/refund-destination"
		h := append(append(testkit.Headers{}, s.Headers...), "Idempotency-Key", "k")
		body := `{"refundDestinationWalletAddressBsc":"` + strings.ToLower(customers) + `"}`
		a := d.ask(path, body, h)
		o := decode[api.Wrapped[api.Order]](t, a).Data
		tx := fmt.Sprintf("0x%x", sha256.Sum256([]byte("pepay simulated refund "+order)))
		if want := fmt.Sprintf(`"refundStatus":"COMPLETED","totalAmountUsd":"13.99","commerceFeeUsd":"0.00","refund":{"status":"COMPLETED","amountUsd":"13.99","feeUsd":"0.00","destinationWalletAddressBsc":%q,"txHash":%q}}}`, customers, tx); a.status != 200 || !strings.HasSuffix(a.body, want) {
			t.Errorf("%d %s\nwant … %s", a.status, a.body, want)
		}
		if get := d.ask("GET /api/commerce/merchant/orders/"+order, "", s.Headers); get.body != a.body {
			t.Errorf("GET says %s", get.body)
		}
		if again := d.ask(path, body, h); again.status != 200 || again.body != a.body {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		refused(t, d.ask(path, `{"refundDestinationWalletAddressBsc":"`+devchain.Merchant().Hex()+`"}`, h), 409, "B", "IDEMPOTENCY_CONFLICT")
		events := testkit.Events(t, d.Store, d.Merchant.ID)
		if len(events) != 1 || events[0].Type != "commerce.order.updated" || string(events[0].Object) != strings.TrimSuffix(strings.TrimPrefix(a.body, `{"success":true,"data":`), "}") || o.Status != "failed" {
			t.Errorf("%d events: %s", len(events), events[0].Object)
		}
	})
}

func TestBadRefundDestinations(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		s := d.Shopper("cust_123456")
		_, merchantKey, rival := testkit.AddMerchant(t, d.App.App)
		bought := s.Buy(testkit.Dripper, "")
		_, payor := d.Open(`{"amount_usd":10}`)
		deposit := d.Allocate(payor, testkit.Dollar).TempAddress
		order := testkit.Owed(t, d.Store, d.Merchant.ID, pay.Devnet, 10*money.Cent, 0)
		done := testkit.Owed(t, d.Store, d.Merchant.ID, pay.Devnet, 10*money.Cent, 0)
		path := func(id string) string { return "POST /api/commerce/merchant/orders/" + id + "/refund-destination" }
		to := func(address string) string { return `{"refundDestinationWalletAddressBsc":"` + address + `"}` }
		if a := d.ask(path(done), to(customers), s.Headers); a.status != 200 {
			t.Fatal(a.body)
		}
		_, before := d.written()
		for _, c := range []struct {
			name, target, body string
			more               []string
			status             int
			code               string
		}{
			{"nothing said", path(order), `{}`, nil, 400, "INVALID_REFUND_DESTINATION"},
			{"null", path(order), `{"refundDestinationWalletAddressBsc":null}`, nil, 400, "INVALID_REFUND_DESTINATION"},
			{"no body", path(order), ``, nil, 400, "VALIDATION_ERROR"},
			{"a number", path(order), `{"refundDestinationWalletAddressBsc":1}`, nil, 400, "VALIDATION_ERROR"},
			{"no address", path(order), to("0xZ"), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"a mistyped one", path(order), to(strings.Replace(customers, "E7", "e7", 1)), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"nobody's", path(order), to("0x" + strings.Repeat("0", 40)), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"the factory", path(order), to(contracts.Factory.Hex()), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"the forwarder", path(order), to(contracts.Forwarder.Hex()), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"a token", path(order), to(strings.ToLower(contracts.TestDollar.Hex())), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"a deposit address", path(order), to(deposit), nil, 400, "INVALID_REFUND_DESTINATION"},
			{"no order", path(nobody), to(customers), nil, 404, "ORDER_NOT_FOUND"},
			{"no id", path("x"), to(customers), nil, 404, "ORDER_NOT_FOUND"},
			{"another's order", path(order), to(customers), []string{"x-api-key", rival}, 404, "ORDER_NOT_FOUND"},
			{"a merchant's key", path(order), to(customers), []string{"x-api-key", merchantKey}, 403, "INSUFFICIENT_SCOPE"},
			{"no key", path(order), to(customers), []string{"x-api-key", ""}, 401, "API_KEY_MISSING"},
			{"a bad idempotency key", path(order), to(customers), []string{"Idempotency-Key", "a b"}, 400, "VALIDATION_ERROR"},
			{"no refund", path(bought.OrderID), to(customers), nil, 400, "INVALID_TRANSITION"},
			{"a refund that is paid", path(done), to(devchain.Merchant().Hex()), nil, 400, "INVALID_TRANSITION"},
			{"checkout to the factory", "POST /api/commerce/merchant/checkout/invoice", s.Body(`"estimateId":"` + nobody + `","addressId":"` + nobody + `","refundDestinationWalletAddressBsc":"` + contracts.Factory.Hex() + `"`), nil, 400, "INVALID_REFUND_DESTINATION"},
		} {
			a := d.stray(c.target, c.body, append(append(testkit.Headers{}, s.Headers...), c.more...))
			if refused(t, a, c.status, "B", c.code); t.Failed() {
				t.Fatal(c.name)
			}
		}
		if _, after := d.written(); after != before {
			t.Errorf("%d events came of it", after-before)
		}
	})
}

// On mainnet, without a wallet, a refund waits for somebody to pay it by hand. One that the
// fee eats up is over at once.
func TestRefundByHand(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		_, key, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "test", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.Headers = testkit.Headers{"x-api-key", key}
		name := func(order string) api.Refund {
			t.Helper()
			a := d.ask("POST /api/commerce/merchant/orders/"+order+"/refund-destination", `{"refundDestinationWalletAddressBsc":"`+customers+`"}`, s.Headers)
			return decode[api.Wrapped[api.Order]](t, a).Data.Refund
		}
		order := testkit.Owed(t, d.Store, d.Merchant.ID, pay.Mainnet, 1399*money.Cent, 100*money.Cent)
		eaten := testkit.Owed(t, d.Store, d.Merchant.ID, pay.Mainnet, 50*money.Cent, 100*money.Cent)
		if r := name(order); r.Status != "PENDING" || *r.FeeUSD != "1.00" || r.TxHash != nil {
			t.Errorf("%+v", r)
		}
		if r := name(eaten); r.Status != "COMPLETED" || r.TxHash != nil {
			t.Errorf("eaten up: %+v", r)
		}
		shop := d.App.App.Commerce
		list, err := shop.Refunds(t.Context())
		if err != nil || len(list) != 1 || list[0].OrderID != order || list[0].Amount != 1299*money.Cent || list[0].Destination != customers {
			t.Errorf("%+v (%v)", list, err)
		}
		tx := "0x" + strings.Repeat("7c", 32)
		for _, c := range []struct {
			order, tx string
			code      pay.Code
		}{{order, "0x12", pay.CodeValidation}, {nobody, tx, pay.CodeOrderNotFound}, {order, tx, ""}, {order, tx, pay.CodeTransition}} {
			if code := pay.CodeOf(shop.PaidByHand(t.Context(), c.order, c.tx)); code != c.code {
				t.Errorf("%s by %s: %q, want %q", c.order, c.tx, code, c.code)
			}
		}
		if o := s.See(order); o.Refund.Status != "COMPLETED" || *o.Refund.TxHash != tx {
			t.Errorf("%+v", o.Refund)
		}
		if list, err := shop.Refunds(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%+v (%v)", list, err)
		}
	})
}
