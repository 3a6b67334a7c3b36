package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Estimate is what an order would cost, good for a short time. One order at most comes
// of it.
type Estimate struct {
	ID          string
	MerchantID  int64
	Environment Environment
	Customer    Customer
	Lines       []OrderLine // what can be ordered
	Invalid     []InvalidItem
	Pricing     Pricing
	RefundFee   money.USD
	OrderID     string // what came of it, "" for nothing yet
	AddressID   string // where that goes
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// InvalidItem is something that was asked for and cannot be ordered.
type InvalidItem struct{ ProductID, Retailer, Reason string }

// Pricing is what makes up a total. Subtotal + Shipping + Tax + Fee = Total.
type Pricing struct {
	Subtotal     money.USD
	ShippingBase money.USD
	Shipping     money.USD // with what the offers ask for
	Tax          money.USD
	FeeFixed     money.USD
	FeeRate      int64 // basis points of the subtotal
	Fee          money.USD
	Total        money.USD
}

// Price adds up lines by the terms; nothing costs nothing.
func (t Terms) Price(lines []OrderLine) (p Pricing) {
	if len(lines) == 0 {
		return p
	}
	p = Pricing{ShippingBase: t.ShippingBase, Shipping: t.ShippingBase, FeeFixed: t.Fee, FeeRate: t.FeeRate}
	for _, l := range lines {
		p.Subtotal = p.Subtotal.Add(l.Total())
		p.Shipping = p.Shipping.Add(l.Shipping)
	}
	p.Tax = p.Subtotal.Share(t.TaxRate)
	p.Fee = t.Fee.Add(p.Subtotal.Share(t.FeeRate))
	p.Total = p.Subtotal.Add(p.Shipping).Add(p.Tax).Add(p.Fee)
	return p
}
