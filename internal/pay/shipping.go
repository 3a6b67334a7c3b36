package pay

import "time"

// ShippingAddress is where an order goes. A customer's are kept to be used again; an
// order keeps its own copy.
type ShippingAddress struct {
	ID          string
	MerchantID  int64
	Environment Environment
	Customer    Customer
	FirstName   string
	LastName    string
	Line1       string
	Line2       string
	City        string
	State       string // two letters
	Zip         string // five digits, or nine as 12345-6789
	Country     string // "US"
	Phone       string // as in +13055550123
	Email       string
	ValidatedAt time.Time // zero for not
	CreatedAt   time.Time
}
