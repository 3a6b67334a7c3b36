package commerce

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Cart returns a customer's cart, which is empty until something is put in it.
func (c *Commerce) Cart(ctx context.Context, by billing.Caller, in api.Customer) (cart pay.Cart, err error) {
	who, err := c.Customer(in)
	if err != nil {
		return cart, err
	}
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		cart, err = tx.Cart(by.Merchant.ID, by.Environment, who)
		return err
	})
	return cart, err
}

// changeCart carries out a change of a customer's cart, once for each idempotency key.
// No other change of it happens meanwhile. Units that changed several carts in one commit
// would wait for each other in a circle, so each is alone.
func (c *Commerce) changeCart(ctx context.Context, by billing.Caller, operation string, in api.Customer, o billing.Once, change func(*store.Tx, pay.Cart) (pay.Cart, any, error)) ([]byte, error) {
	who, err := c.Customer(in)
	if err != nil {
		return nil, err
	}
	return c.Billing.WriteAlone(ctx, by.Merchant.ID, operationOf(by, operation), o, func(tx *store.Tx) (any, error) {
		cart, err := tx.CartForUpdate(by.Merchant.ID, by.Environment, who)
		if err != nil {
			return nil, err
		}
		cart.UpdatedAt = tx.Now()
		cart, answer, err := change(tx, cart.For(who))
		if err != nil {
			return nil, err
		}
		return answer, tx.SaveCart(cart)
	})
}

// BeginCart makes a customer's cart if there is none, and returns it. An item is put in
// it unless the product is there already: to begin twice is to begin once.
func (c *Commerce) BeginCart(ctx context.Context, by billing.Caller, in api.CartRequest, o billing.Once) ([]byte, error) {
	var item pay.CartItem
	if in.Item != nil {
		var err error
		if item, err = cartItem(*in.Item); err != nil {
			return nil, err
		}
	}
	return c.changeCart(ctx, by, "cart.begin", in.Customer, o, func(tx *store.Tx, cart pay.Cart) (_ pay.Cart, answer any, err error) {
		if in.Item != nil && !cart.Holds(item.ProductID, item.Retailer) {
			i := item
			i.ID = tx.NewID()
			if cart, _, _, err = cart.Add(i, tx.Now()); err != nil {
				return cart, nil, err
			}
		}
		return cart, told("Cart initialized", view.Cart(cart)), nil
	})
}

// AddToCart puts an item in a customer's cart, or adds to one of the same product.
func (c *Commerce) AddToCart(ctx context.Context, by billing.Caller, in api.AddCartItemRequest, o billing.Once) ([]byte, error) {
	item, err := cartItem(in.CartItemRequest)
	if err != nil {
		return nil, err
	}
	return c.changeCart(ctx, by, "cart.add", in.Customer, o, func(tx *store.Tx, cart pay.Cart) (pay.Cart, any, error) {
		i := item
		i.ID = tx.NewID()
		cart, i, updated, err := cart.Add(i, tx.Now())
		return cart, told("Item added to cart", view.CartItemAdded(i, updated)), err
	})
}

// SetCartQuantity changes how many of an item a customer wants; none removes it.
func (c *Commerce) SetCartQuantity(ctx context.Context, by billing.Caller, id string, in api.CartQuantityRequest, o billing.Once) ([]byte, error) {
	n, ok := whole(in.Quantity, 0, pay.MaxQuantity)
	if !ok {
		return nil, pay.Errorf(pay.CodeValidation, "quantity is required: a whole number from 0 to %d", pay.MaxQuantity)
	}
	return c.changeCart(ctx, by, "cart.set", in.Customer, o, func(tx *store.Tx, cart pay.Cart) (pay.Cart, any, error) {
		cart, i, err := cart.SetQuantity(id, n, tx.Now())
		return cart, told("Cart item updated", view.CartItemChanged(i)), err
	})
}

// RemoveFromCart removes an item from a customer's cart.
func (c *Commerce) RemoveFromCart(ctx context.Context, by billing.Caller, id string, in api.Customer, o billing.Once) ([]byte, error) {
	return c.changeCart(ctx, by, "cart.remove", in, o, func(tx *store.Tx, cart pay.Cart) (pay.Cart, any, error) {
		cart, i, err := cart.SetQuantity(id, 0, tx.Now())
		return cart, told("Item removed from cart", api.CartItemRemoved{ItemID: i.ID, Title: i.Title}), err
	})
}

// ClearCart removes everything from a customer's cart.
func (c *Commerce) ClearCart(ctx context.Context, by billing.Caller, in api.Customer, o billing.Once) ([]byte, error) {
	return c.changeCart(ctx, by, "cart.clear", in, o, func(_ *store.Tx, cart pay.Cart) (pay.Cart, any, error) {
		answer := told("Cart cleared", api.CartCleared{ItemsRemoved: len(cart.Items)})
		cart.Items = nil
		return cart, answer, nil
	})
}

// CheckCart compares a customer's cart with what is offered now to a zip code, which
// may be "". The cart stays as it is. The error has CodeProviderDown when the provider
// does not answer to everything, and CodeCommerceDown when there is none.
func (c *Commerce) CheckCart(ctx context.Context, by billing.Caller, in api.Customer, zip string) ([]pay.Checked, error) {
	cart, err := c.Cart(ctx, by, in)
	if err != nil {
		return nil, err
	}
	p, err := c.provider(by.Environment)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	items := make([]pay.Checked, len(cart.Items))
	for n, i := range cart.Items {
		g.Go(func() error {
			os, err := p.Offers(ctx, i.Retailer, i.ProductID, zip)
			if err != nil && !errors.Is(err, retail.ErrNotFound) { // what the retailer does not know, nobody offers
				return fmt.Errorf("ask for the offers of %s: %w", i.ProductID, err)
			}
			items[n].CartItem = i
			items[n].Offer, items[n].Available = pay.Best(os, c.Terms.DeliveryDays)
			return nil
		})
	}
	return items, asked(g.Wait(), errNoProduct)
}

// CartTotals returns what the items of a customer's cart that can be ordered cost now,
// and how many those are. Its errors are those of CheckCart.
func (c *Commerce) CartTotals(ctx context.Context, by billing.Caller, in api.Customer, zip string) (pay.Pricing, int, error) {
	items, err := c.CheckCart(ctx, by, in, zip)
	if err != nil {
		return pay.Pricing{}, 0, err
	}
	var lines []pay.OrderLine
	for _, i := range items {
		if i.Available {
			lines = append(lines, i.Line())
		}
	}
	return c.Terms.Price(lines), len(lines), nil
}

func told[T any](message string, v T) api.Told[T] {
	return api.Told[T]{Success: true, Message: message, Data: v}
}

// cartItem reads an item of a request, field by field.
func cartItem(r api.CartItemRequest) (i pay.CartItem, err error) {
	i = pay.CartItem{Quantity: 1, Rating: -1, Reviews: -1}
	for _, f := range []struct {
		name     string
		from     *string
		to       *string
		link     bool // which may be left out
		maxChars int
	}{
		{"productId", r.ProductID, &i.ProductID, false, pay.MaxText},
		{"retailer", r.Retailer, &i.Retailer, false, pay.MaxText},
		{"title", r.Title, &i.Title, false, pay.MaxTitle},
		{"imageUrl", r.ImageURL, &i.ImageURL, true, pay.MaxURL},
		{"productUrl", r.ProductURL, &i.ProductURL, true, pay.MaxURL},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
		if !f.link && strings.TrimSpace(*f.to) == "" {
			return i, pay.Errorf(pay.CodeValidation, "%s is required", f.name)
		}
		if utf8.RuneCountInString(*f.to) > f.maxChars {
			return i, pay.Errorf(pay.CodeValidation, "%s must have at most %d characters", f.name, f.maxChars)
		}
		if f.link && *f.to != "" && !webLink(*f.to) {
			return i, pay.Errorf(pay.CodeValidation, "%s must be a URL that begins with https:// or http://", f.name)
		}
	}
	if !slices.Contains(pay.Retailers, i.Retailer) {
		return i, pay.Errorf(pay.CodeValidation, "retailer must be one of %s", strings.Join(pay.Retailers, ", "))
	}
	if i.Price, err = cartPrice(r.Price); err != nil {
		return i, err
	}
	for _, f := range []struct {
		name        string
		from        *api.Number
		to          *int
		least, most int
	}{{"quantity", r.Quantity, &i.Quantity, 1, pay.MaxQuantity}, {"numReviews", r.NumReviews, &i.Reviews, 0, pay.MaxReviews}} {
		if n, ok := whole(f.from, f.least, f.most); ok {
			*f.to = n
		} else if f.from != nil {
			return i, pay.Errorf(pay.CodeValidation, "%s must be a whole number from %d to %d", f.name, f.least, f.most)
		}
	}
	if r.Rating != nil {
		i.Rating, err = stars(*r.Rating)
	}
	return i, err
}

func webLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func cartPrice(n *api.Number) (money.USD, error) {
	if n == nil {
		return 0, pay.Errorf(pay.CodeValidation, "price is required: a number of dollars such as 9.99")
	}
	usd, err := money.ParseUSD(string(*n))
	if err != nil || usd < pay.MinPrice || usd > pay.MaxAmount {
		return 0, pay.Errorf(pay.CodeValidation, "price must be a number of dollars from %s to %s, with at most three decimals", pay.MinPrice.Cents(), pay.MaxAmount.Number())
	}
	return usd, nil
}

// whole returns a whole number within bounds; false for anything else, or nothing.
func whole(n *api.Number, least, most int) (int, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.Atoi(string(*n))
	return v, err == nil && v >= least && v <= most
}

var fiveStars = money.NewRate(big.NewInt(pay.MaxRating), 2)

// stars returns a rating in hundredths; what is finer is left out.
func stars(n api.Number) (int, error) {
	r, err := money.ParseRate(string(n))
	if err != nil || r.Cmp(fiveStars) > 0 {
		return 0, pay.Errorf(pay.CodeValidation, "rating must be a number from 0 to 5")
	}
	ones, part, _ := strings.Cut(r.String(), ".") // two decimals or more
	return strconv.Atoi(ones + part[:2])
}
