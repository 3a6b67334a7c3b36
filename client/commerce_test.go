package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/testkit"
)

// ada is where the tests have things sent.
var ada = api.ShippingAddressInput{
	FirstName: "Ada", LastName: "Park", StreetAddress: "1200 Brickell Ave", City: "Miami", State: "FL", ZipCode: "33131", Country: "US", Phone: "+13055550123",
}

// order goes through a checkout of one product.
func order(ctx context.Context, pepay *client.Client, who api.Customer, product string) (v api.CheckoutInvoice, err error) {
	e, err := pepay.Checkout.Estimate(ctx, api.EstimateRequest{Customer: who, Items: []api.EstimateItem{{ProductID: &product, Quantity: new(api.Number("1"))}}})
	if err != nil {
		return v, err
	}
	at, err := pepay.Checkout.Address(ctx, api.CheckoutAddressRequest{Customer: who, EstimateID: &e.EstimateID, Address: &ada})
	if err != nil {
		return v, err
	}
	return pepay.Checkout.Invoice(ctx, api.CheckoutInvoiceRequest{Customer: who, EstimateID: &e.EstimateID, AddressID: &at.AddressID})
}

// Every method of commerce speaks as openapi.yaml says, to a server that does.
func TestCommerceAgainstTheApp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		pepay, ctx := documented(t, client.New(a.URL, a.Commerce)), t.Context()
		who := api.Customer{CustomerID: new("a/b c")}
		findProducts(t, pepay)

		first := must[api.CheckoutInvoice](t)(order(ctx, pepay, who, testkit.Dripper))
		if first.Amount != "13.99" || first.Status != "unpaid" || first.InvoiceURL == "" {
			t.Errorf("%+v", first)
		}
		later := must[api.CheckoutInvoice](t)(order(ctx, pepay, who, testkit.Dripper))
		other := api.Customer{WalletAddress: new("0x52908400098527886E0F7030069857D2E4169EE7"), WalletNetwork: new("base")}
		third := must[api.CheckoutInvoice](t)(order(ctx, pepay, other, testkit.Dripper))

		ids := func(f client.OrderFilter) (got []string) {
			for row, err := range pepay.Orders.List(ctx, f) {
				got = append(got, must[api.OrderRow](t)(row, err).OrderID)
			}
			return got
		}
		now := time.Now()
		for name, c := range map[string]struct {
			f    client.OrderFilter
			want []string
		}{
			"all":           {client.OrderFilter{}, []string{third.OrderID, later.OrderID, first.OrderID}},
			"the newest":    {client.OrderFilter{Offset: client.Offset{Limit: 1}}, []string{third.OrderID}},
			"the next":      {client.OrderFilter{Offset: client.Offset{Skip: 1, Limit: 1}}, []string{later.OrderID}},
			"of a customer": {client.OrderFilter{CustomerID: "a/b c", Status: "pending_payment", Retailer: "amazon", From: now.Add(-time.Hour), To: now.Add(time.Hour)}, []string{later.OrderID, first.OrderID}},
			"of a wallet":   {client.OrderFilter{Wallet: *other.WalletAddress, WalletNetwork: "base"}, []string{third.OrderID}},
			"of long ago":   {client.OrderFilter{To: now.Add(-time.Hour)}, nil},
		} {
			if got := ids(c.f); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v", name, got)
			}
		}
		useAddresses(t, pepay, who)
		useOrders(t, pepay, first, later)

		for what, err := range map[string]error{
			"no key: 401":         second(client.New(a.URL, "no").Products.Status(ctx)),
			"a merchant's: 403":   second(client.New(a.URL, a.Key).Orders.Get(ctx, first.OrderID)),
			"no such order: 404":  second(pepay.Orders.Get(ctx, testkit.UUID())),
			"no product: 404":     second(pepay.Products.Get(ctx, "", "B0/NO NE")),
			"nothing wanted: 400": second(pepay.Products.Search(ctx, client.ProductSearch{})),
			"nobody: 400":         second(pepay.Checkout.Estimate(ctx, api.EstimateRequest{UseCart: new(true)})),
			"not an address: 404": pepay.Addresses.Delete(ctx, "banana"),
			"not paid: 400":       second(pepay.Orders.Simulate(ctx, third.OrderID, api.SimulateRequest{TransitionTo: new("placed")})),
		} {
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.Code == "" || e.Message == "" || e.RequestID == "" || what[len(what)-3:] != strconv.Itoa(e.Status) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// findProducts asks everything there is to ask about products.
func findProducts(t *testing.T, pepay *client.Client) {
	t.Helper()
	ctx := t.Context()
	if v := must[api.CommerceStatus](t)(pepay.Products.Status(ctx)); v.Status != "available" || !v.Features.Checkout {
		t.Errorf("%+v", v)
	}
	if v := must[api.CommerceInfo](t)(pepay.Products.Info(ctx)); v.NetworkEnvironment != "devnet" || len(v.Retailers) == 0 {
		t.Errorf("%+v", v)
	}
	search := client.ProductSearch{Text: "kettle", Retailer: "amazon", MinPrice: "10", MaxPrice: "60.50", Page: 1, Limit: 1}
	found := must[api.SearchResults](t)(pepay.Products.Search(ctx, search))
	if len(found.Products) != 1 || found.Query != "kettle" || found.Pagination.Page != 1 {
		t.Fatalf("%+v", found)
	}
	id := found.Products[0].ProductID
	if v := must[api.Product](t)(pepay.Products.Get(ctx, "amazon", id)); v.ProductID != id || v.Title != found.Products[0].Title {
		t.Errorf("%+v", v)
	}
	if v := must[api.Offers](t)(pepay.Products.Offers(ctx, "", testkit.Dripper, "33131")); len(v.Offers) != 1 || v.Offers[0].Price != "9.99" {
		t.Errorf("%+v", v)
	}
}

// useAddresses lists a customer's addresses and forgets one.
func useAddresses(t *testing.T, pepay *client.Client, who api.Customer) {
	t.Helper()
	ctx := t.Context()
	all := func() (got []api.SavedAddress) {
		for v, err := range pepay.Addresses.List(ctx, who, client.Offset{}) {
			got = append(got, must[api.SavedAddress](t)(v, err))
		}
		return got
	}
	saved := all()
	if len(saved) != 1 || saved[0].AddressLine1 != "1200 Brickell Ave" {
		t.Fatalf("%+v", saved)
	}
	if err := pepay.Addresses.Delete(ctx, saved[0].AddressID); err != nil {
		t.Error(err)
	}
	if left := all(); len(left) != 0 {
		t.Errorf("%+v", left)
	}
}

// useOrders cancels one order and simulates the other to its end.
func useOrders(t *testing.T, pepay *client.Client, one, other api.CheckoutInvoice) {
	t.Helper()
	ctx, orders := t.Context(), pepay.Orders
	if v := must[api.CancelOrder](t)(orders.Cancel(ctx, one.OrderID, api.CancelOrderRequest{})); v.Status != "cancelled" || v.RefundQuote != nil {
		t.Errorf("%+v", v)
	}
	if v, err := orders.WaitForStatus(ctx, one.OrderID, "delivered"); !errors.Is(err, client.ErrFinal) || v.Status != "cancelled" {
		t.Errorf("waiting in vain: %v", err)
	}
	if v := must[api.OrderPaymentStatus](t)(orders.Payment(ctx, other.OrderID)); v.Status != "pending" || v.Amount != "13.99" {
		t.Errorf("%+v", v)
	}
	if v := must[[]api.BulkStatus](t)(orders.Payments(ctx, one.OrderID, other.OrderID, testkit.UUID())); len(v) != 3 || *v[1].Status != "pending" || v[2].Error == nil {
		t.Errorf("%+v", v)
	}
	for _, to := range []string{"payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed"} {
		must[api.Order](t)(orders.Simulate(ctx, other.OrderID, api.SimulateRequest{TransitionTo: &to}))
	}
	v := must[api.Order](t)(orders.WaitForStatus(ctx, other.OrderID))
	if v.Status != "delivered" || v.OrderID != other.OrderID {
		t.Errorf("%+v", v)
	}
	if v := must[api.InvoiceOrder](t)(orders.ByInvoice(ctx, other.InvoiceID)); v.OrderID != other.OrderID || v.Payment.Status != "paid" {
		t.Errorf("%+v", v)
	}
}

// numbered serves orders named 0 to n-1, of which 0 is the newest, as the API does.
type numbered struct{ n, asked, fail int }

func (s *numbered) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.asked++; s.asked == s.fail {
		return with(400, `{"success":false,"error":{"code":"VALIDATION_ERROR","message":"no"}}`)()
	}
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	offset, bad := strconv.Atoi(q.Get("offset"))
	if err != nil || bad != nil || limit < 1 || limit > 100 {
		return with(400, `{"error":"limit"}`)()
	}
	rows := ""
	for n := offset; n < min(s.n, offset+limit); n++ {
		rows += fmt.Sprintf(`,{"orderId":"%d"}`, n)
	}
	return with(200, `{"success":true,"data":{"orders":[`+rows[min(1, len(rows)):]+`]}}`)()
}

// A list of commerce has each object once and asks no more often than it must.
func TestListsByOffset(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server             numbered
		at                 client.Offset
		first, last        int // of what it has; last is below first for nothing
		asked              int
		failed, leaveEarly bool
	}{
		"nothing":            {numbered{n: 0}, client.Offset{}, 0, -1, 1, false, false},
		"less than a page":   {numbered{n: 99}, client.Offset{}, 0, 98, 1, false, false},
		"just a page":        {numbered{n: 100}, client.Offset{}, 0, 99, 2, false, false},
		"pages":              {numbered{n: 250}, client.Offset{}, 0, 249, 3, false, false},
		"a limit":            {numbered{n: 250}, client.Offset{Limit: 7}, 0, 6, 1, false, false},
		"a limit over pages": {numbered{n: 250}, client.Offset{Limit: 120}, 0, 119, 2, false, false},
		"a limit of a page":  {numbered{n: 250}, client.Offset{Limit: 100}, 0, 99, 1, false, false},
		"older":              {numbered{n: 250}, client.Offset{Skip: 200}, 200, 249, 1, false, false},
		"older, some":        {numbered{n: 250}, client.Offset{Skip: 3, Limit: 2}, 3, 4, 1, false, false},
		"too far":            {numbered{n: 5}, client.Offset{Skip: 7}, 7, 6, 1, false, false},
		"an error":           {numbered{n: 250, fail: 2}, client.Offset{}, 0, 99, 2, true, false},
		"left early":         {numbered{n: 250}, client.Offset{}, 0, 0, 1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pepay := client.New("http://pepay.test", "k")
			pepay.HTTP = &http.Client{Transport: &c.server}
			list := pepay.Orders.List(t.Context(), client.OrderFilter{Offset: c.at})
			for range 2 { // a sequence can be ranged over again
				next, failed := c.first, false
				c.server.asked = 0
				for row, err := range list {
					if failed = err != nil; failed {
						continue
					}
					if row.OrderID != strconv.Itoa(next) {
						t.Fatalf("order %s, want %d", row.OrderID, next)
					}
					if next++; c.leaveEarly {
						break
					}
				}
				if next != c.last+1 || failed != c.failed || c.server.asked != c.asked {
					t.Errorf("up to %d, failed: %v, %d requests", next-1, failed, c.server.asked)
				}
			}
		})
	}
}

// What is asked to have a refund go somewhere, word for word.
func TestRefundDestination(t *testing.T) {
	t.Parallel()
	asked := ""
	pepay := client.New("http://pepay.test", "k")
	pepay.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.RequestURI() + " " + string(body)
		return with(200, `{"success":true,"data":{"orderId":"o/1","refundStatus":"PENDING"}}`)()
	})}
	v := must[api.Order](t)(pepay.Orders.SetRefundDestination(t.Context(), "o/1", "0x0000000000000000000000000000000000000001"))
	const want = `POST /api/commerce/merchant/orders/o%2F1/refund-destination {"refundDestinationWalletAddressBsc":"0x0000000000000000000000000000000000000001"}`
	if asked != want || v.RefundStatus != "PENDING" {
		t.Errorf("%s: %+v", asked, v)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
