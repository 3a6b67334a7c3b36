package pay

import (
	"cmp"
	"slices"

	"github.com/pepay/pepay/internal/money"
)

// Retailers are the names of retailers that the contract knows.
var Retailers = []string{"amazon", "walmart", "target", "ebay", "bestbuy", "other"}

// DefaultRetailer is the one meant where none is named.
const DefaultRetailer = "amazon"

// Product is something a retailer sells. Where a retailer does not say, a field is zero.
type Product struct {
	ID            string // the retailer's own, such as an ASIN
	Retailer      string
	Title         string
	Brand         string
	Description   string
	Price         money.USD
	OriginalPrice money.USD
	ShipPrice     money.USD
	Image         string   // URL of the main picture
	Images        []string // URLs of all
	Bullets       []string
	Details       []string // "Key: value"
	Categories    []string
	Rating        int // of five stars, in tenths
	Reviews       int
	Questions     int
	Sold          int
	Offers        int
	URL           string // the retailer's page
	Parent        string // of a variant
	Available     bool
	Fresh         bool
	Pantry        bool
	Handmade      bool
	Digital       bool
	GiftCard      bool
	Addon         bool
}

// Offer is one seller's price for a product, and the terms.
type Offer struct {
	ID            string
	SellerID      string
	SellerName    string
	Price         money.USD
	Shipping      money.USD
	Prime         bool
	PrimeOnly     bool
	Fulfilled     bool // by the retailer, for a seller on its marketplace
	Condition     string
	HandlingMin   int // days
	HandlingMax   int
	DeliveryDays  int // at most until it arrives, handling included
	International bool
	Available     bool
}

// New is the only condition that is sold.
const New = "New"

// Cost is what the offer costs in all.
func (o Offer) Cost() money.USD { return o.Price.Add(o.Shipping) }

// Eligible reports whether an order may be placed by this offer: new, shipped by the
// retailer, from within the country, at hand, delivered in so many days, and at a price
// that can be reckoned with.
func (o Offer) Eligible(days int) bool {
	return o.Available && o.Condition == New && (o.Prime || o.Fulfilled) && !o.International && o.DeliveryDays <= days &&
		o.Price >= MinPrice && o.Price <= MaxAmount && o.Shipping >= 0 && o.Shipping <= MaxAmount
}

// MinPrice is the least price of anything.
const MinPrice = 1 * money.Cent

// ByValue sorts offers, the best first: the cheapest in all, then the one with prime,
// then the one handled sooner, then by id.
func ByValue(os []Offer) []Offer {
	return slices.SortedStableFunc(slices.Values(os), func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.Cost(), b.Cost()), cmp.Compare(yes(b.Prime), yes(a.Prime)), cmp.Compare(a.HandlingMax, b.HandlingMax), cmp.Compare(a.ID, b.ID))
	})
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Best returns the eligible offer of the best value, and false when there is none.
func Best(os []Offer, days int) (Offer, bool) {
	for _, o := range ByValue(os) {
		if o.Eligible(days) {
			return o, true
		}
	}
	return Offer{}, false
}
