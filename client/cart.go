package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/pepay/pepay/api"
)

// Carts are what customers mean to buy: one for each customer, kept by the server.
// Checkout.Estimate with UseCart begins to buy what is in it.
type Carts struct{ c *Client }

const cartPath = "/api/commerce/merchant/carts"

// told is unwrapped for the answers that say a word more.
func told[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (T, error) {
	v, err := call[api.Told[T]](ctx, c, method, path, query, in)
	return v.Data, err
}

// Get returns a customer's cart, which may be empty.
func (s Carts) Get(ctx context.Context, who api.Customer) (api.Cart, error) {
	return unwrapped[api.Cart](ctx, s.c, http.MethodGet, cartPath, customer(who), nil)
}

// Begin makes sure that a customer has a cart and returns it. An item that comes with
// the request is added, unless its product is in the cart already.
func (s Carts) Begin(ctx context.Context, in api.CartRequest) (api.Cart, error) {
	return told[api.Cart](ctx, s.c, http.MethodPost, cartPath, nil, in)
}

// Clear removes everything from a cart.
func (s Carts) Clear(ctx context.Context, who api.Customer) (api.CartCleared, error) {
	return told[api.CartCleared](ctx, s.c, http.MethodDelete, cartPath, customer(who), nil)
}

// Add puts a product in a cart, on top of those of it that are there.
func (s Carts) Add(ctx context.Context, in api.AddCartItemRequest) (api.CartItemAdded, error) {
	return told[api.CartItemAdded](ctx, s.c, http.MethodPost, cartPath+"/items", nil, in)
}

func cartItemPath(id string) string { return cartPath + "/items/" + url.PathEscape(id) }

// SetQuantity says how many of an item there are to be; 0 removes it.
func (s Carts) SetQuantity(ctx context.Context, item string, in api.CartQuantityRequest) (api.CartItemChanged, error) {
	return told[api.CartItemChanged](ctx, s.c, http.MethodPut, cartItemPath(item), nil, in)
}

// Remove removes an item.
func (s Carts) Remove(ctx context.Context, who api.Customer, item string) (api.CartItemRemoved, error) {
	return told[api.CartItemRemoved](ctx, s.c, http.MethodDelete, cartItemPath(item), customer(who), nil)
}

// Check compares a cart with what is offered now. It changes nothing.
func (s Carts) Check(ctx context.Context, who api.Customer) (api.CartCheck, error) {
	return call[api.CartCheck](ctx, s.c, http.MethodPost, cartPath+"/validate", nil, who)
}

// Totals returns what the items that are available would cost now, sent to a ZIP code,
// "" for anywhere. What counts is an estimate.
func (s Carts) Totals(ctx context.Context, who api.Customer, zip string) (api.CartTotals, error) {
	q := customer(who)
	set(q, "zip_code", zip)
	return unwrapped[api.CartTotals](ctx, s.c, http.MethodGet, cartPath+"/totals", q, nil)
}
