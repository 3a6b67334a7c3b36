package pay

import (
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Terms are the conditions under which a deployment sells: fees, limits and times.
type Terms struct {
	ShippingBase   money.USD     // what shipping costs the customer, for each order
	Fee            money.USD     // the commerce fee's fixed part …
	FeeRate        int64         // … and its share of the subtotal, in basis points
	TaxRate        int64         // sales tax on the goods, in basis points
	RefundFee      money.USD     // kept back from each refund
	DeliveryDays   int           // an offer delivered later is not eligible
	EstimateLife   time.Duration // how long an estimate is good for
	InvoiceLife    time.Duration // how long an order's invoice can be paid
	MinimumBalance money.USD     // what the account with the provider must hold for new orders
	Receiver       string        // where proceeds of orders go; "" for the merchant's payout address
}

// DefaultTerms are those of the contract's examples: an item of 9.99 comes to 13.99.
func DefaultTerms() Terms {
	return Terms{
		ShippingBase: 1_00 * money.Cent, Fee: 3_00 * money.Cent, DeliveryDays: 10,
		EstimateLife: 15 * time.Minute, InvoiceLife: 30 * time.Minute, MinimumBalance: 50_00 * money.Cent,
	}
}

// Bounds of commerce (contract 1.9).
const (
	MaxQuantity  = 99 // of one item in a cart or an order
	MaxCartItems = 50 // different items in a cart or an order
	MaxBulk      = 50 // orders in one question about payments
)

// Ineligible says why no offer for a product will do.
func (t Terms) Ineligible() string {
	return "No eligible offers (must be New, Prime/marketplace fulfilled, delivery within " + strconv.Itoa(t.DeliveryDays) + " days)"
}

// Cover reports whether an account with so much in it may pay for new orders.
func (t Terms) Cover(balance money.USD) bool { return balance >= t.MinimumBalance }
