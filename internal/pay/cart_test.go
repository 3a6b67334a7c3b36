package pay_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// goods is an item as a request describes it.
func goods(id, product, retailer string, quantity int) pay.CartItem {
	return pay.CartItem{ID: id, ProductID: product, Retailer: retailer, Title: "T", Price: 10 * money.Cent, Quantity: quantity, Rating: -1, Reviews: -1}
}

// held prints what is in a cart.
func held(c pay.Cart) (s string) {
	for _, i := range c.Items {
		s += fmt.Sprintf("%s:%s/%s×%d ", i.ID, i.Retailer, i.ProductID, i.Quantity)
	}
	return s
}

func TestCartAdd(t *testing.T) {
	t.Parallel()
	full := pay.Cart{}
	for n := range pay.MaxCartItems {
		full.Items = append(full.Items, goods(fmt.Sprint("f", n), fmt.Sprint("p", n), "amazon", 1))
	}
	two := pay.Cart{Items: []pay.CartItem{goods("1", "a", "amazon", 2), goods("2", "a", "ebay", 99)}}
	for name, c := range map[string]struct {
		cart    pay.Cart
		item    pay.CartItem
		want    string // "" for a refusal
		updated bool
	}{
		"the first":                    {pay.Cart{}, goods("n", "a", "amazon", 3), "n:amazon/a×3 ", false},
		"another product":              {two, goods("n", "b", "amazon", 1), "1:amazon/a×2 2:ebay/a×99 n:amazon/b×1 ", false},
		"another retailer":             {two, goods("n", "a", "target", 1), "1:amazon/a×2 2:ebay/a×99 n:target/a×1 ", false},
		"more of one":                  {two, goods("n", "a", "amazon", 5), "1:amazon/a×7 2:ebay/a×99 ", true},
		"up to the most":               {two, goods("n", "a", "amazon", 97), "1:amazon/a×99 2:ebay/a×99 ", true},
		"one above the most":           {two, goods("n", "a", "amazon", 98), "", true},
		"more of what is at the most":  {two, goods("n", "a", "ebay", 1), "", true},
		"letters count":                {two, goods("n", "A", "amazon", 1), "1:amazon/a×2 2:ebay/a×99 n:amazon/A×1 ", false},
		"the last that fits":           {pay.Cart{Items: full.Items[1:]}, goods("n", "z", "amazon", 1), held(pay.Cart{Items: full.Items[1:]}) + "n:amazon/z×1 ", false},
		"one too many":                 {full, goods("n", "z", "amazon", 1), "", false},
		"more of one in a full cart":   {full, goods("n", "p0", "amazon", 1), "f0:amazon/p0×2 " + held(pay.Cart{Items: full.Items[1:]}), true},
		"another retailer's in a full": {full, goods("n", "p0", "ebay", 1), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := held(c.cart)
			got, item, updated, err := c.cart.Add(c.item, start)
			if held(c.cart) != before {
				t.Errorf("the cart that was there became %s", held(c.cart))
			}
			if c.want == "" {
				if pay.CodeOf(err) != pay.CodeValidation || held(got) != before {
					t.Errorf("%s, %v", held(got), err)
				}
				return
			}
			n := len(got.Items) - 1
			if c.updated {
				n = 0
			}
			if err != nil || held(got) != c.want || updated != c.updated || !reflect.DeepEqual(item, got.Items[n]) || !item.UpdatedAt.Equal(start) {
				t.Errorf("%s, %+v, %t, %v; want %s", held(got), item, updated, err, c.want)
			}
		})
	}
}

// What is newly said of a product counts; what is not said stays.
func TestCartAddSaysMore(t *testing.T) {
	t.Parallel()
	was := pay.CartItem{
		ID: "1", ProductID: "a", Retailer: "amazon", Title: "Old", ImageURL: "i", ProductURL: "u", Price: 10 * money.Cent, Quantity: 1,
		Rating: 450, Reviews: 3, AddedAt: start, UpdatedAt: start,
	}
	cart, later := pay.Cart{Items: []pay.CartItem{was}}, start.Add(time.Hour)
	said := goods("2", "a", "amazon", 2)
	said.Title, said.Price = "New", 12*money.Cent
	want := was
	want.Title, want.Price, want.Quantity, want.UpdatedAt = "New", 12*money.Cent, 3, later
	if _, got, _, err := cart.Add(said, later); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	said.ImageURL, said.ProductURL, said.Rating, said.Reviews = "i2", "u2", 0, 0
	want.ImageURL, want.ProductURL, want.Rating, want.Reviews = "i2", "u2", 0, 0
	if _, got, _, err := cart.Add(said, later); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestCartSetQuantity(t *testing.T) {
	t.Parallel()
	c := pay.Cart{Items: []pay.CartItem{goods("1", "a", "amazon", 2), goods("2", "b", "amazon", 3), goods("3", "c", "amazon", 4)}}
	before := held(c)
	for _, s := range []struct {
		id       string
		quantity int
		want     string // "" for a refusal
	}{
		{"2", 99, "1:amazon/a×2 2:amazon/b×99 3:amazon/c×4 "},
		{"2", 1, "1:amazon/a×2 2:amazon/b×1 3:amazon/c×4 "},
		{"1", 0, "2:amazon/b×3 3:amazon/c×4 "},
		{"2", 0, "1:amazon/a×2 3:amazon/c×4 "},
		{"3", 0, "1:amazon/a×2 2:amazon/b×3 "},
		{"4", 0, ""},
		{"4", 1, ""},
		{"", 1, ""},
		{"a", 1, ""},
	} {
		got, item, err := c.SetQuantity(s.id, s.quantity, start)
		switch {
		case s.want == "":
			if pay.CodeOf(err) != pay.CodeCartItemNotFound || held(got) != before {
				t.Errorf("%v: %s, %v", s, held(got), err)
			}
		case err != nil || held(got) != s.want || item.ID != s.id || item.Quantity != s.quantity || !item.UpdatedAt.Equal(start):
			t.Errorf("%v: %s, %+v, %v", s, held(got), item, err)
		}
		if held(c) != before {
			t.Fatalf("%v: the cart that was there became %s", s, held(c))
		}
	}
}

func TestCartMoney(t *testing.T) {
	t.Parallel()
	c := pay.Cart{}
	if c.Subtotal() != 0 {
		t.Error("an empty cart costs something")
	}
	for n := range pay.MaxCartItems {
		i := goods("", fmt.Sprint(n), "amazon", pay.MaxQuantity)
		i.Price = pay.MaxAmount
		c.Items = append(c.Items, i)
	}
	if got, want := c.Subtotal(), pay.MaxAmount*pay.MaxCartItems*pay.MaxQuantity; got != want {
		t.Errorf("the dearest cart costs %s, want %s", got, want)
	}

	i := pay.Checked{CartItem: goods("1", "a", "amazon", 3)}
	if i.Changed() || i.Current() != i.Price {
		t.Error("what nobody offers has another price")
	}
	i.Available, i.Offer = true, pay.Offer{ID: "o", Price: 10 * money.Cent, Shipping: 2 * money.Cent}
	if i.Changed() {
		t.Error("the same price is another")
	}
	i.Offer.Price = 11 * money.Cent
	want := pay.OrderLine{ProductID: "a", Retailer: "amazon", Title: "T", OfferID: "o", Quantity: 3, Price: 11 * money.Cent, Shipping: 2 * money.Cent}
	if !i.Changed() || i.Current() != 11*money.Cent || i.Line() != want {
		t.Errorf("%+v", i.Line())
	}
}

func TestCartFor(t *testing.T) {
	t.Parallel()
	ann, wallet := pay.Customer{ID: "ann"}, pay.Customer{ID: "ann", Wallet: "0xA", Network: "bsc"}
	for _, c := range []struct{ was, who, want pay.Customer }{
		{ann, ann, ann},
		{ann, wallet, wallet},
		{wallet, ann, wallet},
		{wallet, pay.Customer{ID: "ann", Wallet: "0xB", Network: "base"}, pay.Customer{ID: "ann", Wallet: "0xB", Network: "base"}},
	} {
		if got := (pay.Cart{Customer: c.was}).For(c.who).Customer; got != c.want {
			t.Errorf("%+v for %+v is for %+v, want %+v", c.was, c.who, got, c.want)
		}
	}
}
