package client_test

import (
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/testkit"
)

// Everything there is to do with a cart, as openapi.yaml says, up to its estimate.
func TestCartsAgainstTheApp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		pepay, ctx, who := documented(t, client.New(a.URL, a.Commerce)), t.Context(), api.Customer{CustomerID: new("a/b c")}
		carts, cart := pepay.Carts, must[api.Cart](t)
		item := func(product string, quantity api.Number) api.CartItemRequest {
			return api.CartItemRequest{ProductID: &product, Retailer: new("amazon"), Title: new("T"), Price: new(api.Number("8.50")), Quantity: &quantity}
		}
		if v := cart(carts.Begin(ctx, api.CartRequest{Customer: who, Item: new(item(testkit.Dripper, "1"))})); v.ItemCount != 1 || v.Subtotal != "8.5" {
			t.Errorf("%+v", v)
		}
		added := must[api.CartItemAdded](t)(carts.Add(ctx, api.AddCartItemRequest{Customer: who, CartItemRequest: item(testkit.Dripper, "2")}))
		if !added.Updated || added.Quantity != 3 {
			t.Errorf("%+v", added)
		}
		other := must[api.CartItemAdded](t)(carts.Add(ctx, api.AddCartItemRequest{Customer: who, CartItemRequest: item("B0GONE0001", "1")}))
		if v := must[api.CartItemChanged](t)(carts.SetQuantity(ctx, added.ItemID, api.CartQuantityRequest{Customer: who, Quantity: new(api.Number("2"))})); v.Quantity != 2 {
			t.Errorf("%+v", v)
		}
		if v := must[api.CartCheck](t)(carts.Check(ctx, who)); v.Valid || v.Summary.AvailableItems != 1 || !v.Items[0].PriceChanged || v.Items[0].CurrentPrice != "9.99" {
			t.Errorf("%+v", v)
		}
		if v := must[api.CartTotals](t)(carts.Totals(ctx, who, "94105")); v.Total != "23.98" || *v.ZipCode != "94105" {
			t.Errorf("%+v", v)
		}
		if v := must[api.CartItemRemoved](t)(carts.Remove(ctx, who, other.ItemID)); v.ItemID != other.ItemID || v.Title != "T" {
			t.Errorf("%+v", v)
		}
		if v := cart(carts.Get(ctx, who)); len(v.Items) != 1 || v.Items[0].ItemID != added.ItemID || v.Items[0].Quantity != 2 {
			t.Errorf("%+v", v)
		}
		if v := must[api.Estimate](t)(pepay.Checkout.Estimate(ctx, api.EstimateRequest{Customer: who, UseCart: new(true)})); v.Pricing.Total != "23.98" {
			t.Errorf("%+v", v)
		}
		if v := must[api.CartCleared](t)(carts.Clear(ctx, who)); v.ItemsRemoved != 1 {
			t.Errorf("%+v", v)
		}
	})
}
