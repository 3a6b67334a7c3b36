package server_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/testkit"
	"github.com/pepay/pepay/internal/view"
)

const (
	estimatePath = "POST /api/commerce/merchant/checkout/estimate"
	addressPath  = "POST /api/commerce/merchant/checkout/address"
	invoicePath  = "POST /api/commerce/merchant/checkout/invoice"
	nobody       = "550e8400-e29b-41d4-a716-446655440000" // the id of nothing
)

// shop is a desk without networks, where time stands still, and a customer at it.
func newShop(t *testing.T, database string, change func(*app.Options)) (*desk, testkit.Shopper, *testkit.Clock) {
	t.Helper()
	clock := new(testkit.Clock)
	d := newDesk(t, database, func(o *app.Options) {
		o.Now, o.Networks = clock.Now, nil
		if change != nil {
			change(o)
		}
	})
	return d, d.Shopper("cust_123456"), clock
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// The three steps of a checkout, word for word, and the events that they append.
func TestCheckout(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, clock := newShop(t, database, nil)
		now, image := clock.Now().Unix(), d.URL+"/catalog/images/"
		a := d.ask(estimatePath, `{"customer_id":"cust_123456","items":[{"productId":"B0B844T634","quantity":1,"price":0.01,"title":"mine"},{"product_id":"B000000000","quantity":2,"retailer":"amazon"},{"productId":"nosuch","quantity":1}]}`, s.Headers)
		id := ids.FindString(a.body)
		want := fmt.Sprintf(`{"success":true,"data":{"estimateId":%q,"merchantId":1,"networkEnvironment":"devnet","customerId":"cust_123456","walletAddress":null,"walletNetwork":null,`+
			`"validItems":[{"productId":"B0B844T634","retailer":"amazon","title":"Ceramic pour-over coffee dripper","quantity":1,"price":9.99,"totalPrice":9.99,"metadata":{"image":"%sB0B844T634.svg"}}],`+
			`"invalidItems":[{"productId":"B000000000","retailer":"amazon","error":"No eligible offers (must be New, Prime/marketplace fulfilled, delivery within 10 days)"},{"productId":"nosuch","retailer":"amazon","error":"Product not found"}],`+
			`"pricing":{"subtotal":9.99,"shipping":1,"tax":0,"fees":{"fixed":3,"percentage":0,"total":3},"total":13.99},"feeBreakdown":{"shippingBase":1,"commerceFee":3,"totalFees":4},"expiresAt":%d,"createdAt":%d}}`,
			id, image, now+900, now)
		if a.status != 200 || a.body != want {
			t.Fatalf("estimate: %d\n%s\nwant\n%s", a.status, a.body, want)
		}
		a = d.ask(addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, id, testkit.Shipping)), s.Headers)
		address := ids.FindString(a.body)
		want = fmt.Sprintf(`{"success":true,"data":{"addressId":%q,"validated":true,"standardized":%s,"shippingOptions":[{"id":"standard","name":"Standard Shipping","price":5.99,"estimatedDays":"5-7 business days"}]}}`, address, testkit.Shipping)
		if a.status != 200 || a.body != want {
			t.Fatalf("address: %d\n%s\nwant\n%s", a.status, a.body, want)
		}
		before := len(testkit.Events(t, d.Store, d.Merchant.ID))
		body := s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q,"webhookUrl":"https://evil.example/","refundDestinationWalletAddressBsc":"0x0000000000000000000000000000000000000001"`, id, address))
		a = d.ask(invoicePath, body, s.Headers)
		v := decode[api.Wrapped[api.CheckoutInvoice]](t, a).Data
		want = fmt.Sprintf(`{"success":true,"data":{"orderId":%q,"invoiceId":%q,"invoiceUrl":%q,"session":%q,"signature":%q,"payment_session_headers":{"x-session-token":%q,"x-signature":%q},"merchantId":1,"networkEnvironment":"devnet","customerId":"cust_123456","amount":13.99,"expiresAt":%d,"status":"unpaid","endpoints":{"checkOrder":"/api/commerce/merchant/orders/%s","checkPayment":"/api/commerce/merchant/payments/%s/status","cancelOrder":"/api/commerce/merchant/orders/%s/cancel"}}}`,
			v.OrderID, v.InvoiceID, v.InvoiceURL, v.Session, v.Signature, v.Session, v.Signature, now+1800, v.OrderID, v.OrderID, v.OrderID)
		if a.status != 200 || a.body != want || !strings.HasPrefix(v.InvoiceURL, d.URL+"/pay?session="+v.Session) {
			t.Fatalf("invoice: %d\n%s\nwant\n%s", a.status, a.body, want)
		}
		var types []string
		for _, e := range testkit.Events(t, d.Store, d.Merchant.ID)[before:] {
			types = append(types, string(e.Type))
			if e.OrderID != v.OrderID || e.InvoiceID != v.InvoiceID || e.CustomerID != "cust_123456" {
				t.Errorf("event %+v", e)
			}
		}
		if got := strings.Join(types, " "); got != "invoice.created commerce.order.created" {
			t.Errorf("events: %s", got)
		}
		if again := d.ask(invoicePath, body, s.Headers); again.body != a.body {
			t.Errorf("asked again: %s", again.body)
		}
		clock.Add(29 * time.Minute)
		if again := d.ask(invoicePath, body, append(s.Headers, "Idempotency-Key", "k")); again.body != a.body {
			t.Errorf("asked again, the estimate having expired: %s", again.body)
		}
		o := fmt.Sprintf(`{"success":true,"data":{"object":"commerce_order","id":%q,"environment":"devnet","orderId":%q,"invoiceId":%q,"merchantId":1,"networkEnvironment":"devnet","retailer":"amazon","createdAt":%d,"updatedAt":%d,"customerId":"cust_123456","walletAddress":null,"walletNetwork":null,"status":"pending_payment","substatus":null,"actions":{"canCancel":true},"timeline":[],"payment":{"status":"pending","txHash":null,"settlement":{"status":"pending","txHash":null,"network":null}},"fulfillment":{"shipments":[]},"lineItems":[{"productId":"B0B844T634","title":"Ceramic pour-over coffee dripper","imageUrl":"%sB0B844T634.svg","quantity":1,"price":"9.99","status":"pending"}],"shippingAddress":{"firstName":"Ada","lastName":"Park","addressLine1":"1200 Brickell Ave","addressLine2":"Apt 5","city":"Miami","state":"FL","zipCode":"33131","country":"US","phoneNumber":"+13055550123","email":"ada@example.com"},"cancellationStatus":"none","refundStatus":"NONE","totalAmountUsd":"13.99","commerceFeeUsd":"3.00","refund":{"status":"NONE","amountUsd":null,"feeUsd":null,"destinationWalletAddressBsc":"0x0000000000000000000000000000000000000001","txHash":null}}}`,
			v.OrderID, v.OrderID, v.InvoiceID, now, now, image)
		if a := d.ask("GET /api/commerce/merchant/orders/"+v.OrderID, "", s.Headers); a.body != o {
			t.Errorf("order: %s\nwant\n%s", a.body, o)
		}
		if i := d.Status(v.InvoiceID).Invoice; i.InvoiceType != "commerce" || *i.CommerceOrderID != v.OrderID || i.AmountDecimal != "13.990" {
			t.Errorf("invoice: %+v", i)
		}
	})
}

// The seed's own example of the last step, answered by us and judged by the seed.
func TestCheckoutInvoiceSeed(t *testing.T) {
	t.Parallel()
	seed := testkit.Seed(t, "checkout-invoice")
	d, s, _ := newShop(t, t.TempDir()+"/a.db", nil)
	d.client = &http.Client{Transport: seed.Transport(t, http.DefaultTransport)}
	examples := seed.Doc.Paths.Value("/api/commerce/merchant/checkout/invoice").Post.RequestBody.Value.Content.Get("application/json").Examples
	for _, h := range []testkit.Headers{{"x-api-key", d.Commerce}, {"x-commerce-api-key", d.Commerce}} {
		s.Headers = h
		e := s.Estimate(`"items":[{"productId":"B0B844T634","quantity":1}]`)
		address := s.Address(e.EstimateID)
		body := string(view.JSON(examples["create_invoice"].Value.Value))
		body = strings.ReplaceAll(strings.ReplaceAll(body, nobody, e.EstimateID), "550e8400-e29b-41d4-a716-446655440222", address)
		if a := d.ask(invoicePath, body, h); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// Whatever is wrong with a checkout is said, and leaves nothing behind.
func TestBadCheckouts(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, clock := newShop(t, database, nil)
		item := `"items":[{"productId":"B0B844T634","quantity":1}]`
		e := s.Estimate(item)
		address := s.Address(e.EstimateID)
		invalid := s.Estimate(`"items":[{"productId":"B000000000","quantity":1}]`)
		usedEstimate := s.Estimate(item)
		s.Order(usedEstimate.EstimateID, address, "")
		other := d.Shopper("cust_other")
		foreign := other.Estimate(item)
		foreignAddress := other.Address(foreign.EstimateID)
		_, _, rival := testkit.AddMerchant(t, d.App.App)
		wallet := `"wallet_address":"0x0000000000000000000000000000000000000001","wallet_network":"bsc"`
		invoices, events := d.written()
		many := strings.Repeat(`{"productId":"x","quantity":1},`, 51)
		for _, c := range []struct {
			name, target, body string
			status             int
			code               string
		}{
			{"nobody", estimatePath, "{" + item + "}", 400, "CUSTOMER_IDENTIFICATION_REQUIRED"},
			{"half a wallet", estimatePath, `{"wallet_network":"bsc",` + item + "}", 400, "CUSTOMER_IDENTIFICATION_REQUIRED"},
			{"the other half", estimatePath, `{"wallet_address":"0x1",` + item + "}", 400, "CUSTOMER_IDENTIFICATION_REQUIRED"},
			{"a wallet of no network", estimatePath, `{"wallet_address":"0x1","wallet_network":"doge",` + item + "}", 400, "INVALID_WALLET_NETWORK"},
			{"a wallet that is none", estimatePath, `{"wallet_address":"0x1","wallet_network":"base",` + item + "}", 400, "INVALID_WALLET_ADDRESS"},
			{"a customer too long", estimatePath, `{"customer_id":"` + strings.Repeat("é", 256) + `",` + item + "}", 400, "VALIDATION_ERROR"},
			{"neither items nor cart", estimatePath, s.Body(""), 400, "INVALID_CHECKOUT_MODE"},
			{"both", estimatePath, s.Body(`"useCart":true,` + item), 400, "INVALID_CHECKOUT_MODE"},
			{"overrides without a cart", estimatePath, s.Body(`"itemOverrides":[{"productId":"x","quantity":0}]`), 400, "INVALID_CHECKOUT_MODE"},
			{"overrides of items", estimatePath, s.Body(item + `,"itemOverrides":[]`), 400, "INVALID_CHECKOUT_MODE"},
			{"an empty cart", estimatePath, s.Body(`"useCart":true`), 400, "CART_EMPTY"},
			{"no items", estimatePath, s.Body(`"items":[]`), 400, "VALIDATION_ERROR"},
			{"too many items", estimatePath, s.Body(`"items":[` + strings.TrimSuffix(many, ",") + `]`), 400, "VALIDATION_ERROR"},
			{"an item twice", estimatePath, s.Body(`"items":[{"productId":"x","quantity":1},{"product_id":"x","quantity":2}]`), 400, "VALIDATION_ERROR"},
			{"no product", estimatePath, s.Body(`"items":[{"quantity":1}]`), 400, "VALIDATION_ERROR"},
			{"no quantity", estimatePath, s.Body(`"items":[{"productId":"x"}]`), 400, "VALIDATION_ERROR"},
			{"quantity 0", estimatePath, s.Body(`"items":[{"productId":"x","quantity":0}]`), 400, "VALIDATION_ERROR"},
			{"quantity 100", estimatePath, s.Body(`"items":[{"productId":"x","quantity":100}]`), 400, "VALIDATION_ERROR"},
			{"quantity -1", estimatePath, s.Body(`"items":[{"productId":"x","quantity":-1}]`), 400, "VALIDATION_ERROR"},
			{"quantity 1.5", estimatePath, s.Body(`"items":[{"productId":"x","quantity":1.5}]`), 400, "VALIDATION_ERROR"},
			{"quantity as text", estimatePath, s.Body(`"items":[{"productId":"x","quantity":"1"}]`), 400, "VALIDATION_ERROR"},
			{"a retailer nobody knows", estimatePath, s.Body(`"items":[{"productId":"x","quantity":1,"retailer":"etsy"}]`), 400, "VALIDATION_ERROR"},
			{"items that are none", estimatePath, s.Body(`"items":{}`), 400, "VALIDATION_ERROR"},

			{"an address for nothing", addressPath, s.Body(`"address":` + testkit.Shipping), 400, "VALIDATION_ERROR"},
			{"no address", addressPath, s.Body(fmt.Sprintf(`"estimateId":%q`, e.EstimateID)), 400, "VALIDATION_ERROR"},
			{"an estimate that there is not", addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, nobody, testkit.Shipping)), 404, "ESTIMATE_NOT_FOUND"},
			{"another's estimate", addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, foreign.EstimateID, testkit.Shipping)), 404, "ESTIMATE_NOT_FOUND"},
			{"the estimate under another name", addressPath, fmt.Sprintf(`{%s,"estimateId":%q,"address":%s}`, wallet, e.EstimateID, testkit.Shipping), 404, "ESTIMATE_NOT_FOUND"},
			{"an estimate that is used", addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, usedEstimate.EstimateID, testkit.Shipping)), 400, "ESTIMATE_ALREADY_USED"},
			{"an address that is none", addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, e.EstimateID, strings.Replace(testkit.Shipping, "33131", "90210", 1))), 400, "INVALID_ADDRESS"},

			{"no estimate", invoicePath, s.Body(fmt.Sprintf(`"addressId":%q`, address)), 400, "VALIDATION_ERROR"},
			{"no address id", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q`, e.EstimateID)), 400, "VALIDATION_ERROR"},
			{"ids that are none", invoicePath, s.Body(`"estimateId":"1","addressId":"2"`), 400, "VALIDATION_ERROR"},
			{"nothing to order", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, invalid.EstimateID, address)), 400, "NO_VALID_ITEMS"},
			{"another's estimate to order", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, foreign.EstimateID, address)), 404, "ESTIMATE_NOT_FOUND"},
			{"another's address", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e.EstimateID, foreignAddress)), 404, "ADDRESS_NOT_FOUND"},
			{"an address that there is not", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e.EstimateID, nobody)), 404, "ADDRESS_NOT_FOUND"},
			{"a used estimate to another address", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, usedEstimate.EstimateID, nobody)), 400, "ESTIMATE_ALREADY_USED"},
			{"a refund to nowhere", invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q,"refundDestinationWalletAddressBsc":"0x12"`, e.EstimateID, address)), 400, "INVALID_REFUND_DESTINATION"},
		} {
			a := d.stray(c.target, c.body, s.Headers)
			if refused(t, a, c.status, "B", c.code); t.Failed() {
				t.Fatal(c.name)
			}
		}
		s.Headers = testkit.Headers{"x-api-key", rival}
		refused(t, d.ask(invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e.EstimateID, address)), s.Headers), 404, "B", "ESTIMATE_NOT_FOUND")
		s.Headers = testkit.Headers{"x-api-key", d.Commerce}
		clock.Add(15 * time.Minute)
		refused(t, d.ask(addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, e.EstimateID, testkit.Shipping)), s.Headers), 400, "B", "ESTIMATE_EXPIRED")
		refused(t, d.ask(invoicePath, s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e.EstimateID, address)), s.Headers), 400, "B", "ESTIMATE_EXPIRED")
		if i, n := d.written(); i != invoices || n != events {
			t.Errorf("%d invoices and %d events were left behind", i-invoices, n-events)
		}
	})
}

// However many ask at once, with whatever keys, one order comes of an estimate.
func TestCheckoutOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		e := s.Estimate(`"items":[{"productId":"B0B844T634","quantity":2}]`)
		body := s.Body(fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e.EstimateID, s.Address(e.EstimateID)))
		invoices, events := d.written()
		answers := make([]answer, 32)
		var wg sync.WaitGroup
		for n := range answers {
			wg.Go(func() {
				h := s.Headers
				if n%2 == 0 {
					h = testkit.Headers{"x-api-key", d.Commerce, "Idempotency-Key", testkit.UUID()}
				}
				answers[n] = d.ask(invoicePath, body, h)
			})
		}
		wg.Wait()
		for _, a := range answers {
			if a.status != 200 || a.body != answers[0].body {
				t.Errorf("%d %s\nand\n%s", a.status, a.body, answers[0].body)
			}
		}
		if i, n := d.written(); i != invoices+1 || n != events+2 {
			t.Errorf("%d invoices and %d events", i-invoices, n-events)
		}
		if v := decode[api.Wrapped[api.OrderPage]](t, d.ask("GET /api/commerce/merchant/orders", "", s.Headers)); v.Data.Pagination.Count != 1 {
			t.Errorf("%+v", v.Data)
		}
	})
}

// away is the catalog, which may be gone.
type away struct {
	*catalog.Catalog
	gone atomic.Bool
}

func (p *away) Offers(ctx context.Context, retailer, id, zip string) ([]pay.Offer, error) {
	if p.gone.Load() {
		return nil, retail.ErrUnavailable
	}
	return p.Catalog.Offers(ctx, retailer, id, zip)
}

// An estimate that was given is given again, whether or not anybody sells meanwhile.
func TestEstimateOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		p := &away{Catalog: catalog.New()}
		d, s, _ := newShop(t, database, func(o *app.Options) { o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: p} })
		h := append(append(testkit.Headers{}, s.Headers...), "Idempotency-Key", "one")
		body := s.Body(`"items":[{"productId":"B0B844T634","quantity":1}]`)
		a := d.ask(estimatePath, body, h)
		p.gone.Store(true)
		if again := d.ask(estimatePath, body, h); again.status != 200 || again.body != a.body {
			t.Errorf("%d %s\nwant\n%s", again.status, again.body, a.body)
		}
		refused(t, d.ask(estimatePath, s.Body(`"items":[{"productId":"B0B844T634","quantity":2}]`), h), 409, "B", "IDEMPOTENCY_CONFLICT")
		refused(t, d.ask(estimatePath, body, s.Headers), 503, "B", "PROVIDER_UNAVAILABLE")
	})
}

// While the account that pays retailers is short, nothing new is sold; what was, is.
func TestCheckoutNeedsABalance(t *testing.T) {
	t.Parallel()
	terms := func(o *app.Options) { o.Terms.MinimumBalance = 50_01 * money.Cent }
	d, s, _ := newShop(t, t.TempDir()+"/a.db", terms)
	refused(t, d.ask(estimatePath, s.Body(`"items":[{"productId":"B0B844T634","quantity":1}]`), s.Headers), 503, "B", "COMMERCE_UNAVAILABLE")
}

// The same request of a key of the other environment is another request.
func TestEnvironmentsAreApart(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, func(o *app.Options) { o.Providers[pay.Mainnet] = o.Providers[pay.Devnet] })
		_, mainnet, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "main", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		body, key := s.Body(`"items":[{"productId":"B0B844T634","quantity":1}]`), []string{"Idempotency-Key", "one"}
		dev := decode[api.Wrapped[api.Estimate]](t, d.ask(estimatePath, body, append(testkit.Headers{"x-api-key", d.Commerce}, key...))).Data
		main := decode[api.Wrapped[api.Estimate]](t, d.ask(estimatePath, body, append(testkit.Headers{"x-api-key", mainnet}, key...))).Data
		if dev.NetworkEnvironment != "devnet" || main.NetworkEnvironment != "mainnet" || dev.EstimateID == main.EstimateID {
			t.Errorf("%+v\n%+v", dev, main)
		}
		refused(t, d.ask(addressPath, s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, main.EstimateID, testkit.Shipping)), s.Headers), 404, "B", "ESTIMATE_NOT_FOUND")
	})
}
