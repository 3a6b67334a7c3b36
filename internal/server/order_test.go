package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	ordersPath = "GET /api/commerce/merchant/orders"
	bulkPath   = "POST /api/commerce/merchant/payments/bulk-status"
)

// Lists, single orders, payments and invoices: what filters find, and in what words.
func TestOrderReads(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, clock := newShop(t, database, nil)
		first := s.Buy(testkit.Dripper, "")
		clock.Add(time.Minute)
		wallet := s
		wallet.Who = `"wallet_address":"0x52908400098527886e0f7030069857d2e4169ee7","wallet_network":"base"`
		second := wallet.Buy(testkit.Keeper, "")
		clock.Add(time.Minute)
		third := s.Buy(testkit.Dripper, "")
		s.Simulate(third.OrderID, "payment_confirmed", `"walletNetwork":"bsc","walletAddress":"0x0000000000000000000000000000000000000001"`)
		ids := func(q string) string {
			t.Helper()
			var got []string
			for _, o := range decode[api.Wrapped[api.OrderPage]](t, d.ask(ordersPath+q, "", s.Headers)).Data.Orders {
				got = append(got, map[string]string{first.OrderID: "1", second.OrderID: "2", third.OrderID: "3"}[o.OrderID])
			}
			return strings.Join(got, "")
		}
		from := fmt.Sprint(clock.Now().Add(-time.Minute).Unix())
		for q, want := range map[string]string{
			"": "321", "?limit=2": "32", "?limit=2&offset=2": "1", "?offset=3": "", "?customer_id=cust_123456": "31", "?customer_id=x": "", "?status=processing": "3",
			"?status=pending_payment": "21", "?retailer=amazon": "321", "?retailer=ebay": "", "?createdFrom=" + from: "32", "?createdTo=" + from: "21",
			"?wallet=0x52908400098527886e0f7030069857d2e4169ee7&walletNetwork=base": "2", "?wallet=0x52908400098527886E0F7030069857D2E4169EE7&walletNetwork=base": "2",
			"?wallet=0x0000000000000000000000000000000000000001&walletNetwork=bsc": "3", "?wallet=0x0000000000000000000000000000000000000001&walletNetwork=base": "",
		} {
			if got := ids(q); got != want {
				t.Errorf("%q: orders %q, want %q", q, got, want)
			}
		}
		row := fmt.Sprintf(`{"orderId":%q,"invoiceId":%q,"networkEnvironment":"devnet","status":"processing","substatus":null,"actions":{"canCancel":false},"shipmentsSummary":{"shipmentCount":0,"hasTracking":false,"lastTrackingAt":null,"isDelivered":false},"retailer":"amazon","walletAddress":"0x0000000000000000000000000000000000000001","walletNetwork":"bsc","customerId":"cust_123456","total":13.99,"createdAt":%d,"updatedAt":%d,"itemCount":1}`,
			third.OrderID, third.InvoiceID, clock.Now().Unix(), clock.Now().Unix())
		if a, want := d.ask(ordersPath+"?limit=1", "", s.Headers), `{"success":true,"data":{"orders":[`+row+`],"pagination":{"limit":1,"offset":0,"count":1}}}`; a.body != want {
			t.Errorf("%s\nwant\n%s", a.body, want)
		}
		paid := d.ask("GET /api/commerce/merchant/payments/"+third.OrderID+"/status", "", s.Headers)
		v := decode[api.Wrapped[api.OrderPaymentStatus]](t, paid).Data
		if v.Status != "paid" || v.OrderStatus != "processing" || v.Amount != "13.99" || *v.PaidAt != clock.Now().Unix() || v.PaymentDetails.Network != "bsc" || *v.PaymentDetails.WalletAddress != "0x0000000000000000000000000000000000000001" {
			t.Errorf("%s", paid.body)
		}
		unpaid := d.ask("GET /api/commerce/merchant/payments/"+first.OrderID+"/status", "", s.Headers)
		if want := fmt.Sprintf(`{"success":true,"data":{"orderId":%q,"invoiceId":%q,"status":"pending","orderStatus":"pending_payment","customerId":"cust_123456","amount":13.99,"paidAt":null,"paymentDetails":null}}`, first.OrderID, first.InvoiceID); unpaid.body != want {
			t.Errorf("%s\nwant\n%s", unpaid.body, want)
		}
		bulk := d.ask(bulkPath, fmt.Sprintf(`{"orderIds":[%q,%q,%q]}`, third.OrderID, nobody, first.OrderID), s.Headers)
		if want := fmt.Sprintf(`{"success":true,"data":[{"orderId":%q,"status":"paid","error":null},{"orderId":%q,"status":null,"error":"Order not found"},{"orderId":%q,"status":"pending","error":null}]}`, third.OrderID, nobody, first.OrderID); bulk.body != want {
			t.Errorf("%s\nwant\n%s", bulk.body, want)
		}
		found := d.ask("GET /api/commerce/merchant/invoices/"+first.InvoiceID+"/status", "", s.Headers)
		if want := fmt.Sprintf(`{"success":true,"data":{"invoiceId":%q,"orderId":%q,"payment":{"status":"pending","txHash":null,"settlement":{"status":"pending","txHash":null,"network":null}},"order":{"orderId":%q,"status":"pending_payment","substatus":null,"customerId":"cust_123456","actions":{"canCancel":true}}}}`, first.InvoiceID, first.OrderID, first.OrderID); found.body != want {
			t.Errorf("%s\nwant\n%s", found.body, want)
		}
	})
}

func TestBadOrderRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		bought := s.Buy(testkit.Dripper, "")
		plain, _ := d.Open(`{"amount_usd":1}`)
		_, merchantKey, rival := testkit.AddMerchant(t, d.App.App)
		order, cancel := "/api/commerce/merchant/orders/"+bought.OrderID, "/cancel"
		key := []string{"Idempotency-Key", testkit.UUID()}
		many := strings.TrimSuffix(strings.Repeat(`"`+nobody+`",`, 51), ",")
		for _, c := range []struct {
			name, target, body string
			more               []string
			status             int
			code               string
		}{
			{"a wallet without a network", ordersPath + "?wallet=0x0000000000000000000000000000000000000001", "", nil, 400, "INVALID_WALLET_NETWORK"},
			{"a wallet that is none", ordersPath + "?wallet=0x1&walletNetwork=bsc", "", nil, 400, "INVALID_WALLET_ADDRESS"},
			{"a network that is none", ordersPath + "?wallet=0x1&walletNetwork=doge", "", nil, 400, "VALIDATION_ERROR"},
			{"a status that is none", ordersPath + "?status=refunded", "", nil, 400, "VALIDATION_ERROR"},
			{"a retailer that is none", ordersPath + "?retailer=etsy", "", nil, 400, "VALIDATION_ERROR"},
			{"a limit of 0", ordersPath + "?limit=0", "", nil, 400, "VALIDATION_ERROR"},
			{"a limit of 101", ordersPath + "?limit=101", "", nil, 400, "VALIDATION_ERROR"},
			{"an offset below 0", ordersPath + "?offset=-1", "", nil, 400, "VALIDATION_ERROR"},
			{"a time that is none", ordersPath + "?createdFrom=yesterday", "", nil, 400, "VALIDATION_ERROR"},
			{"an end before the beginning", ordersPath + "?createdFrom=2&createdTo=1", "", nil, 400, "VALIDATION_ERROR"},
			{"an order that there is not", ordersPath + "/" + nobody, "", nil, 404, "ORDER_NOT_FOUND"},
			{"an id that is none", ordersPath + "/x", "", nil, 404, "ORDER_NOT_FOUND"},
			{"another's order", "GET " + order, "", []string{"x-api-key", rival}, 404, "ORDER_NOT_FOUND"},
			{"a merchant's key", "GET " + order, "", []string{"x-api-key", merchantKey}, 403, "INSUFFICIENT_SCOPE"},
			{"no key", "GET " + order, "", []string{"x-api-key", ""}, 401, "API_KEY_MISSING"},
			{"cancel another's", "POST " + order + cancel, "", append([]string{"x-api-key", rival}, key...), 404, "ORDER_NOT_FOUND"},
			{"cancel without a key", "POST " + order + cancel, "", nil, 400, "IDEMPOTENCY_KEY_MISSING"},
			{"cancel to nowhere", "POST " + order + cancel, `{"refundDestinationWalletAddressBsc":"0xZ"}`, key, 400, "INVALID_REFUND_DESTINATION"},
			{"cancel what there is not", "POST /api/commerce/merchant/orders/" + nobody + cancel, "", key, 404, "ORDER_NOT_FOUND"},
			{"cancel with a list", "POST " + order + cancel, `[]`, key, 400, "VALIDATION_ERROR"},
			{"another's payment", "GET /api/commerce/merchant/payments/" + bought.OrderID + "/status", "", []string{"x-api-key", rival}, 404, "ORDER_NOT_FOUND"},
			{"an invoice without an order", "GET /api/commerce/merchant/invoices/" + plain.InvoiceID + "/status", "", nil, 404, "INVOICE_NOT_FOUND"},
			{"another's invoice", "GET /api/commerce/merchant/invoices/" + bought.InvoiceID + "/status", "", []string{"x-api-key", rival}, 404, "INVOICE_NOT_FOUND"},
			{"no ids", bulkPath, `{}`, nil, 400, "VALIDATION_ERROR"},
			{"an empty list of ids", bulkPath, `{"orderIds":[]}`, nil, 400, "VALIDATION_ERROR"},
			{"51 ids", bulkPath, `{"orderIds":[` + many + `]}`, nil, 400, "VALIDATION_ERROR"},
			{"ids that are none", bulkPath, `{"orderIds":["x"]}`, nil, 400, "VALIDATION_ERROR"},
		} {
			a := d.stray(c.target, c.body, append(append(testkit.Headers{}, s.Headers...), c.more...))
			if refused(t, a, c.status, "B", c.code); t.Failed() {
				t.Fatal(c.name)
			}
		}
	})
}

// Cancelling: once with each key, not when it is paid, not when it is shipped, not twice.
func TestCancelOrder(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		path := func(o api.CheckoutInvoice) string {
			return "POST /api/commerce/merchant/orders/" + o.OrderID + "/cancel"
		}
		key := func(k string) testkit.Headers {
			return append(append(testkit.Headers{}, s.Headers...), "Idempotency-Key", k)
		}
		unpaid, paid := s.Buy(testkit.Dripper, ""), s.Buy(testkit.Dripper, "")
		a := d.ask(path(unpaid), "", key("one"))
		if want := fmt.Sprintf(`{"success":true,"data":{"orderId":%q,"status":"cancelled","substatus":null,"customerId":"cust_123456","refundQuote":null}}`, unpaid.OrderID); a.body != want {
			t.Errorf("%s\nwant\n%s", a.body, want)
		}
		if again := d.ask(path(unpaid), "", key("one")); again.body != a.body {
			t.Errorf("again: %s", again.body)
		}
		refused(t, d.ask(path(unpaid), `{"refundDestinationWalletAddressBsc":null}`, key("one")), 409, "B", "IDEMPOTENCY_CONFLICT")
		refused(t, d.ask(path(unpaid), "", key("two")), 400, "B", "CANCELLATION_NOT_ALLOWED")
		if i := d.Status(unpaid.InvoiceID).Invoice; i.Status != "canceled" {
			t.Errorf("its invoice is %s", i.Status)
		}
		s.Simulate(paid.OrderID, "payment_confirmed", "")
		refused(t, d.ask(path(paid), "", key("three")), 400, "B", "CANCELLATION_NOT_ALLOWED")
		s.Simulate(paid.OrderID, "payment_settled", "")
		s.Simulate(paid.OrderID, "placed", "")
		refused(t, d.ask(path(paid), "", key("four")), 400, "B", "REFUND_DESTINATION_REQUIRED")
		s.Simulate(paid.OrderID, "shipped", "")
		refused(t, d.ask(path(paid), "", key("five")), 400, "B", "CANCELLATION_NOT_ALLOWED")
	})
}

// A key for idempotency counts in one environment: the answer of devnet is none of mainnet.
func TestOnceInAnEnvironment(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, func(o *app.Options) { o.Providers[pay.Mainnet] = o.Providers[pay.Devnet] })
		_, mainnet, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "main", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{d.Commerce: "devnet", mainnet: "mainnet"} {
			for range 2 {
				a := d.ask(estimatePath, s.Body(`"items":[{"productId":"`+testkit.Dripper+`","quantity":1}]`), testkit.Headers{"x-api-key", key, "Idempotency-Key", "k"})
				if got := decode[api.Wrapped[api.Estimate]](t, a).Data.NetworkEnvironment; got != want {
					t.Errorf("%s was answered with an estimate of %s", want, got)
				}
			}
		}
	})
}

// Every transition of the simulator from every state: what the contract says goes, and
// nothing else does; and the events of each.
func TestSimulator(t *testing.T) {
	t.Parallel()
	steps := []string{"payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed", "failed", "cancelled", "refunded"}
	const payer = `"walletNetwork":"bsc","walletAddress":"0x0000000000000000000000000000000000000001"`
	for _, c := range []struct {
		path, goes string // transitions, and those that go from there
		events     string // of the last
	}{
		{"", "payment_confirmed", ""},
		{"payment_confirmed", "payment_settled failed", "invoice_payment.created invoice.updated commerce.order.updated"},
		{"payment_confirmed payment_settled", "placed failed", "invoice_payment.updated commerce.order.updated"},
		{"payment_confirmed payment_settled placed", "shipped cancelled", "commerce.order.updated"},
		{"payment_confirmed payment_settled placed shipped", "delivery_confirmed", "commerce.order.updated"},
		{"payment_confirmed payment_settled placed shipped delivery_confirmed", "", "commerce.order.updated"},
		{"payment_confirmed failed", "refunded", "commerce.order.updated"},
		{"payment_confirmed payment_settled placed cancelled", "refunded", "commerce.order.updated"},
		{"payment_confirmed failed refunded", "", "commerce.order.updated"},
	} {
		t.Run(strings.ReplaceAll(c.path, " ", ","), func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, database string) {
				d, s, _ := newShop(t, database, nil)
				for _, to := range steps {
					o := s.Buy(testkit.Dripper, "")
					before := len(testkit.Events(t, d.Store, d.Merchant.ID))
					for _, step := range strings.Fields(c.path) {
						before = len(testkit.Events(t, d.Store, d.Merchant.ID))
						s.Simulate(o.OrderID, step, payer)
					}
					var types []string
					for _, e := range testkit.Events(t, d.Store, d.Merchant.ID)[before:] {
						types = append(types, string(e.Type))
					}
					if got := strings.Join(types, " "); got != c.events {
						t.Errorf("events %q, want %q", got, c.events)
					}
					was := d.ask(ordersPath+"/"+o.OrderID, "", s.Headers).body
					a := d.ask("POST /api/commerce/devnet/orders/"+o.OrderID+"/simulate", fmt.Sprintf(`{"transitionTo":%q,%s}`, to, payer), s.Headers)
					if strings.Contains(" "+c.goes+" ", " "+to+" ") {
						if a.status != 200 {
							t.Errorf("%s: %d %s", to, a.status, a.body)
						}
						continue
					}
					refused(t, a, 400, "B", "INVALID_TRANSITION")
					if is := d.ask(ordersPath+"/"+o.OrderID, "", s.Headers).body; is != was {
						t.Errorf("%s was refused and changed\n%s\nto\n%s", to, was, is)
					}
				}
			})
		})
	}
}

// What the simulator says is always the same, and it is for devnet alone.
func TestSimulatorAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, func(o *app.Options) { o.Providers[pay.Mainnet] = o.Providers[pay.Devnet] })
		o := s.Buy(testkit.Dripper, "")
		path := "POST /api/commerce/devnet/orders/" + o.OrderID + "/simulate"
		_, _, rival := testkit.AddMerchant(t, d.App.App)
		_, mainnet, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "main", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		main := s
		main.Headers = testkit.Headers{"x-api-key", mainnet}
		real := main.Buy(testkit.Dripper, "")
		for _, c := range []struct {
			name, target, body, key string
			status                  int
			code                    string
		}{
			{"no transition", path, `{}`, "", 400, "VALIDATION_ERROR"},
			{"none of the eight", path, `{"transitionTo":"delivered"}`, "", 400, "VALIDATION_ERROR"},
			{"a network that is none", path, `{"transitionTo":"payment_confirmed","walletNetwork":"doge"}`, "", 400, "INVALID_WALLET_NETWORK"},
			{"a wallet that is none", path, `{"transitionTo":"payment_confirmed","walletNetwork":"bsc","walletAddress":"bsc1"}`, "", 400, "INVALID_WALLET_ADDRESS"},
			{"an order that there is not", "POST /api/commerce/devnet/orders/" + nobody + "/simulate", `{"transitionTo":"placed"}`, "", 404, "ORDER_NOT_FOUND"},
			{"another's order", path, `{"transitionTo":"payment_confirmed"}`, rival, 404, "ORDER_NOT_FOUND"},
			{"a mainnet key", path, `{"transitionTo":"payment_confirmed"}`, mainnet, 403, "DEVNET_ONLY"},
			{"a mainnet order", "POST /api/commerce/devnet/orders/" + real.OrderID + "/simulate", `{"transitionTo":"payment_confirmed"}`, "", 403, "DEVNET_ONLY"},
			{"tracking without end", path, `{"transitionTo":"shipped","tracking":{"carrier":"` + strings.Repeat("x", 256) + `"}}`, "", 400, "VALIDATION_ERROR"},
		} {
			h := s.Headers
			if c.key != "" {
				h = testkit.Headers{"x-api-key", c.key}
			}
			if refused(t, d.ask(c.target, c.body, h), c.status, "B", c.code); t.Failed() {
				t.Fatal(c.name)
			}
		}
		for _, step := range []string{"payment_confirmed", "payment_settled", "placed"} {
			s.Simulate(o.OrderID, step, "")
		}
		h := append(append(testkit.Headers{}, s.Headers...), "Idempotency-Key", "k")
		body := `{"transitionTo":"shipped","tracking":{"carrier":"USPS","tracking_number":"94 00","retailerTrackingNumber":"TBA1","deliveryStatus":"On its way"}}`
		a := d.ask(path, body, h)
		if again := d.ask(path, body, h); again.body != a.body {
			t.Errorf("again: %s", again.body)
		}
		parcel := decode[api.Wrapped[api.Simulated]](t, a).Data.Order.Fulfillment.Shipments[0]
		if *parcel.Carrier != "USPS" || *parcel.TrackingNumber != "94 00" || *parcel.CarrierTrackingURL != "https://t.17track.net/en#nums=94+00" || *parcel.RetailerTrackingNumber != "TBA1" || *parcel.DeliveryStatus != "On its way" {
			t.Errorf("%s", a.body)
		}
		if v := s.Simulate(o.OrderID, "delivery_confirmed", ""); *v.Fulfillment.Shipments[0].DeliveryStatus != "Delivered" || v.Payment.Settlement.Network == nil || *v.Payment.Settlement.Network != "bsc" {
			t.Errorf("%+v", v)
		}
		lost := s.Buy(testkit.Dripper, "")
		s.Simulate(lost.OrderID, "payment_confirmed", `"walletNetwork":"solana"`)
		s.Simulate(lost.OrderID, "failed", "")
		refused(t, d.ask("POST /api/commerce/devnet/orders/"+lost.OrderID+"/simulate", `{"transitionTo":"refunded"}`, s.Headers), 400, "B", "REFUND_DESTINATION_REQUIRED")
	})
}
