package client

import (
	"context"
	"net/http"

	"github.com/pepay/pepay/api"
)

// Checkout is the way from goods to an order, in three steps: Estimate, Address and
// Invoice. Name the same customer in all of them.
type Checkout struct{ c *Client }

const checkoutPath = "/api/commerce/merchant/checkout/"

// Estimate returns what items, or what is in the customer's cart, cost now with
// everything: for a quarter of an hour. Look at InvalidItems, which are not ordered.
// The cart stays as it is.
func (s Checkout) Estimate(ctx context.Context, in api.EstimateRequest) (api.Estimate, error) {
	return unwrapped[api.Estimate](ctx, s.c, http.MethodPost, checkoutPath+"estimate", nil, in)
}

// Address says where an estimate's goods go. It is checked and saved; what is wrong with
// it is an *Error with the code INVALID_ADDRESS, whose message names the field.
func (s Checkout) Address(ctx context.Context, in api.CheckoutAddressRequest) (api.CheckoutAddress, error) {
	return unwrapped[api.CheckoutAddress](ctx, s.c, http.MethodPost, checkoutPath+"address", nil, in)
}

// Invoice makes the order and its invoice: send the customer to InvoiceURL. An estimate
// makes one order, however often it is asked; keep OrderID.
func (s Checkout) Invoice(ctx context.Context, in api.CheckoutInvoiceRequest) (api.CheckoutInvoice, error) {
	return unwrapped[api.CheckoutInvoice](ctx, s.c, http.MethodPost, checkoutPath+"invoice", nil, in)
}
