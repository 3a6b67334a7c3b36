package pay

import (
	"slices"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Cart is what a customer wants to buy. There is one for each merchant, environment
// and customer; one that was never stored has zero times.
type Cart struct {
	MerchantID  int64
	Environment Environment
	Customer    Customer
	Items       []CartItem // in the order they came
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// CartItem is a product in a cart, as the merchant described it. What counts for an
// order is what the retailer says.
type CartItem struct {
	ID         string
	ProductID  string
	Retailer   string
	Title      string
	ImageURL   string
	ProductURL string
	Price      money.USD
	Quantity   int // 1 to MaxQuantity
	Rating     int // of five stars, in hundredths; -1 for unknown
	Reviews    int // -1 for unknown
	AddedAt    time.Time
	UpdatedAt  time.Time
}

// CartLife is how long a cart is kept that nobody changes.
const CartLife = 180 * 24 * time.Hour

// Bounds of what a merchant says of an item.
const (
	MaxTitle   = 500     // characters; shops have long ones
	MaxRating  = 5 * 100 // hundredths of a star
	MaxReviews = 1_000_000_000
)

// errNoItem is what an id gets that names nothing in a cart, whosever it is.
var errNoItem = Errorf(CodeCartItemNotFound, "There is no such item in this customer's cart")

// Total is what the item costs at the price the merchant gave.
func (i CartItem) Total() money.USD { return i.Price * money.USD(i.Quantity) }

// Subtotal is what the items cost at the prices the merchant gave.
func (c Cart) Subtotal() (sum money.USD) {
	for _, i := range c.Items {
		sum = sum.Add(i.Total())
	}
	return sum
}

// For notes whom the cart is for: a wallet that comes beside a customer's id is
// remembered, in the place of an earlier one.
func (c Cart) For(who Customer) Cart {
	if who.Wallet != "" {
		c.Customer.Wallet, c.Customer.Network = who.Wallet, who.Network
	}
	return c
}

// Holds reports whether a product is in the cart.
func (c Cart) Holds(product, retailer string) bool { return c.find(product, retailer) >= 0 }

func (c Cart) find(product, retailer string) int {
	return slices.IndexFunc(c.Items, func(i CartItem) bool { return i.ProductID == product && i.Retailer == retailer })
}

// Add puts an item in the cart and returns it as it is there. Of a product that is in
// the cart already it adds the quantity, and takes what is newly said of it; updated is
// true then. The error has CodeValidation when that is too many.
func (c Cart) Add(i CartItem, now time.Time) (_ Cart, added CartItem, updated bool, err error) {
	i.AddedAt, i.UpdatedAt = now, now
	n := c.find(i.ProductID, i.Retailer)
	if n < 0 {
		if len(c.Items) >= MaxCartItems {
			return c, i, false, Errorf(CodeValidation, "A cart holds at most %d different products; remove one first", MaxCartItems)
		}
		c.Items = append(slices.Clone(c.Items), i)
		return c, i, false, nil
	}
	was := c.Items[n]
	if i.Quantity += was.Quantity; i.Quantity > MaxQuantity {
		return c, was, true, Errorf(CodeValidation, "At most %d of one product; the cart has %d of it", MaxQuantity, was.Quantity)
	}
	i.ID, i.AddedAt = was.ID, was.AddedAt
	if i.ImageURL == "" {
		i.ImageURL = was.ImageURL
	}
	if i.ProductURL == "" {
		i.ProductURL = was.ProductURL
	}
	if i.Rating < 0 {
		i.Rating = was.Rating
	}
	if i.Reviews < 0 {
		i.Reviews = was.Reviews
	}
	c.Items = slices.Clone(c.Items)
	c.Items[n] = i
	return c, i, true, nil
}

// SetQuantity changes how many of an item there are; 0 removes it. It returns the item
// as it is then. The error has CodeCartItemNotFound.
func (c Cart) SetQuantity(id string, quantity int, now time.Time) (Cart, CartItem, error) {
	n := slices.IndexFunc(c.Items, func(i CartItem) bool { return i.ID == id })
	if n < 0 {
		return c, CartItem{}, errNoItem
	}
	i := c.Items[n]
	i.Quantity, i.UpdatedAt = quantity, now
	c.Items = slices.Clone(c.Items)
	if c.Items[n] = i; quantity == 0 {
		c.Items = slices.Delete(c.Items, n, n+1)
	}
	return c, i, nil
}

// Checked is an item of a cart and the best eligible offer for it there is now.
type Checked struct {
	CartItem
	Offer     Offer
	Available bool // there is one
}

// Current is what the item costs now; the price in the cart when nobody offers it.
func (i Checked) Current() money.USD {
	if !i.Available {
		return i.Price
	}
	return i.Offer.Price
}

// Changed reports whether the item costs something else now than the cart says.
func (i Checked) Changed() bool { return i.Current() != i.Price }

// Line is the line of an order that the item would be. It must be available.
func (i Checked) Line() OrderLine {
	return OrderLine{
		ProductID: i.ProductID, Retailer: i.Retailer, Title: i.Title, ImageURL: i.ImageURL, OfferID: i.Offer.ID, Quantity: i.Quantity,
		Price: i.Offer.Price, Shipping: i.Offer.Shipping,
	}
}
