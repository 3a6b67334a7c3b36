package commerce_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// Whatever is put in a cart is refused as a whole, or is within all bounds and shows.
func FuzzCartItem(f *testing.F) {
	for _, s := range []string{
		`{"productId":"B0B844T634","retailer":"amazon","title":"Dripper","price":9.99,"quantity":2,"imageUrl":"https://x/a","productUrl":"","rating":4.567,"numReviews":12}`,
		`{"productId":"p","retailer":"other","title":"T","price":1e6,"rating":5,"numReviews":1000000000,"quantity":99}`, `{}`, `{"price":1e-3}`, `{"price":1e80,"rating":1e80}`,
		`{"productId":"p","retailer":"ebay","title":"T","price":0.01,"rating":0.00e1}`, `{"productId":"p","retailer":"ebay","title":"T","price":0.01,"rating":1e-80,"quantity":-0}`,
		`{"productId":"p","retailer":"ebay","title":"T","price":01}`, `{"title":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r api.CartItemRequest
		if !utf8.Valid(body) || json.Unmarshal(body, &r) != nil {
			return
		}
		i, err := commerce.CartItem(r)
		if err != nil {
			if pay.CodeOf(err) != pay.CodeValidation {
				t.Fatal(err)
			}
			return
		}
		if i.Price < pay.MinPrice || i.Price > pay.MaxAmount || i.Quantity < 1 || i.Quantity > pay.MaxQuantity || i.Rating < -1 || i.Rating > pay.MaxRating ||
			i.Reviews < -1 || i.Reviews > pay.MaxReviews || i.ProductID == "" || i.Title == "" || len(i.ImageURL) > 4*pay.MaxURL {
			t.Fatalf("%+v", i)
		}
		view.JSON(view.Cart(pay.Cart{Items: []pay.CartItem{i}}))
	})
}
