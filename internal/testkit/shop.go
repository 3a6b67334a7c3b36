package testkit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
)

// Products of the catalog, by what becomes of an order of one.
const (
	Dripper = "B0B844T634" // $9.99, with the rest of an order $13.99; it arrives
	SoldOut = "B0FAIL0001" // cannot be bought in the end
	Keeper  = "B0KEEP0001" // cannot be cancelled
)

// Shipping is a good address, in the names of the second step of a checkout.
const Shipping = `{"first_name":"Ada","last_name":"Park","street_address":"1200 Brickell Ave","address_line2":"Apt 5","city":"Miami","state":"FL","zip_code":"33131","country":"US","phone":"+13055550123","email":"ada@example.com"}`

// Shopper is a customer of a merchant that goes through checkouts.
type Shopper struct {
	URL     string
	Headers Headers // with a key of scope commerce
	Who     string  // the JSON fields that name the customer
	T       testing.TB
}

// Shopper returns a customer of the app's merchant.
func (a *App) Shopper(id string) Shopper {
	return Shopper{URL: a.URL, Headers: Headers{"x-api-key", a.Commerce}, Who: fmt.Sprintf(`"customer_id":%q`, id), T: a.t}
}

// Post sends the fields of a body, with the customer's, to a path of the merchant's and
// expects 200.
func (s Shopper) Post(path, fields string) []byte {
	s.T.Helper()
	status, b := Do(s.T, "POST", s.URL+"/api/commerce/merchant/"+path, s.Body(fields), s.Headers)
	if status != 200 {
		s.T.Fatalf("%s: %d %s", path, status, b)
	}
	return b
}

// Body is a request body of the customer's.
func (s Shopper) Body(fields string) string { return "{" + strings.Trim(s.Who+","+fields, ",") + "}" }

// Estimate asks what items cost.
func (s Shopper) Estimate(fields string) api.Estimate {
	s.T.Helper()
	return Ask[api.Wrapped[api.Estimate]](s.T, "POST", s.URL+"/api/commerce/merchant/checkout/estimate", s.Body(fields), s.Headers).Data
}

// Address saves an address for an estimate and returns its id.
func (s Shopper) Address(estimate string) string {
	s.T.Helper()
	return Ask[api.Wrapped[api.CheckoutAddress]](s.T, "POST", s.URL+"/api/commerce/merchant/checkout/address",
		s.Body(fmt.Sprintf(`"estimateId":%q,"address":%s`, estimate, Shipping)), s.Headers).Data.AddressID
}

// Buy goes through a checkout of one product; more are further fields of its last step.
func (s Shopper) Buy(product, more string) api.CheckoutInvoice {
	s.T.Helper()
	e := s.Estimate(fmt.Sprintf(`"items":[{"productId":%q,"quantity":1}]`, product))
	return s.Order(e.EstimateID, s.Address(e.EstimateID), more)
}

// Order makes an order of an estimate.
func (s Shopper) Order(estimate, address, more string) api.CheckoutInvoice {
	s.T.Helper()
	fields := strings.Trim(fmt.Sprintf(`"estimateId":%q,"addressId":%q,%s`, estimate, address, more), ",")
	return Ask[api.Wrapped[api.CheckoutInvoice]](s.T, "POST", s.URL+"/api/commerce/merchant/checkout/invoice", s.Body(fields), s.Headers).Data
}

// See returns an order as it is now.
func (s Shopper) See(order string) api.Order {
	s.T.Helper()
	return Ask[api.Wrapped[api.Order]](s.T, "GET", s.URL+"/api/commerce/merchant/orders/"+order, "", s.Headers).Data
}

// Simulate makes something happen to an order, with further fields.
func (s Shopper) Simulate(order, to, more string) api.Order {
	s.T.Helper()
	body := "{" + strings.Trim(fmt.Sprintf(`"transitionTo":%q,%s`, to, more), ",") + "}"
	return Ask[api.Wrapped[api.Simulated]](s.T, "POST", s.URL+"/api/commerce/devnet/orders/"+order+"/simulate", body, s.Headers).Data.Order
}
