package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Cart is what a customer wants to buy. There is one for each merchant, environment
// and customer; one that nobody has put anything in has zero times.
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
