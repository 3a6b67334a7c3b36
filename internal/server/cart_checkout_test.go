package server_test

import (
	"fmt"
	"testing"

	"github.com/pepay/pepay/internal/testkit"
)

// A checkout takes the customer's cart, with other quantities for this once, and leaves
// it as it is.
func TestCartCheckout(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d, s, _ := newShop(t, database, nil)
		for _, p := range []string{testkit.Dripper, "B08N5WRWNW", "B000000000"} {
			s.Post("carts/items", fmt.Sprintf(`"productId":%q,"retailer":"amazon","title":"as the shop calls it","price":0.01,"quantity":2`, p))
		}
		cart := func() string {
			return d.ask("GET /api/commerce/merchant/carts?customer_id=cust_123456", "", s.Headers).body
		}
		before := cart()
		for fields, want := range map[string]string{
			`"useCart":true`: "B0B844T634 2 9.99, B08N5WRWNW 2 29.99; B000000000; 83.96",
			`"useCart":true,"itemOverrides":[{"productId":"B08N5WRWNW","quantity":0},{"productId":"B000000000","retailer":"amazon","quantity":0}]`: "B0B844T634 2 9.99; ; 23.98",
			`"useCart":true,"items":null,"itemOverrides":[{"product_id":"B0B844T634","quantity":5}]`:                                               "B0B844T634 5 9.99, B08N5WRWNW 2 29.99; B000000000; 113.93",
		} {
			e := s.Estimate(fields)
			got := ""
			for n, i := range e.ValidItems {
				got += fmt.Sprintf("%s%s %d %s", []string{"", ", "}[min(n, 1)], i.ProductID, i.Quantity, i.Price)
			}
			got += "; "
			for _, i := range e.InvalidItems {
				got += i.ProductID
			}
			if got += "; " + string(e.Pricing.Total); got != want {
				t.Errorf("%s: %s, want %s", fields, got, want)
			}
			s.Order(e.EstimateID, s.Address(e.EstimateID), "")
		}
		if after := cart(); after != before {
			t.Errorf("the cart was\n%s\nand is\n%s", before, after)
		}
		none := s.Body(`"useCart":true,"itemOverrides":[{"productId":"B0B844T634","quantity":0},{"productId":"B08N5WRWNW","quantity":0},{"productId":"B000000000","quantity":0}]`)
		refused(t, d.ask(estimatePath, none, s.Headers), 400, "B", "CART_EMPTY")
		refused(t, d.ask(estimatePath, s.Body(`"useCart":true,"itemOverrides":[{"productId":"other","quantity":1}]`), s.Headers), 400, "B", "VALIDATION_ERROR")
		refused(t, d.ask(estimatePath, s.Body(`"useCart":true,"itemOverrides":[{"productId":"B0B844T634","quantity":100}]`), s.Headers), 400, "B", "VALIDATION_ERROR")
	})
}
