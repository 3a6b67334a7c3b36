package api

import "encoding/json"

// Features are the parts of commerce, and whether each can be used now.
type Features struct {
	Search   bool `json:"search"`
	Cart     bool `json:"cart"`
	Checkout bool `json:"checkout"`
	Orders   bool `json:"orders"`
}

// CommerceStatus answers GET /api/commerce/status. Amounts are dollars.
type CommerceStatus struct {
	Status          string      `json:"status"`          // available, degraded
	EscrowBalance   json.Number `json:"escrowBalance"`   // of the account that pays for orders
	MinimumRequired json.Number `json:"minimumRequired"` // in it, for new ones
	Features        Features    `json:"features"`
}

// CommerceInfo answers GET /api/commerce/info.
type CommerceInfo struct {
	Retailers          []Retailer     `json:"retailers"`
	Features           Features       `json:"features"`
	Limits             CommerceLimits `json:"limits"`
	Fees               CommerceFees   `json:"fees"`
	NetworkEnvironment string         `json:"networkEnvironment"`
}

// Retailer is one whose products can be named.
type Retailer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// CommerceLimits are the bounds of carts, orders and times.
type CommerceLimits struct {
	MaxCartItems       int         `json:"maxCartItems"`
	MaxQuantityPerItem int         `json:"maxQuantityPerItem"`
	MinItemPrice       json.Number `json:"minItemPrice"` // dollars
	BulkStatusMax      int         `json:"bulkStatusMax"`
	EstimateTTLSeconds int64       `json:"estimateTtlSeconds"`
	InvoiceTTLSeconds  int64       `json:"invoiceTtlSeconds"`
	DeliveryDaysMax    int         `json:"deliveryDaysMax"`
}

// CommerceFees are what an order costs beside the goods, in dollars.
type CommerceFees struct {
	ShippingBase json.Number `json:"shippingBase"`
	Fixed        json.Number `json:"fixed"`
	Percentage   json.Number `json:"percentage"` // of the subtotal, in per cent
	RefundFee    json.Number `json:"refundFee"`  // kept back from a refund
}

// SearchResults answers GET /api/commerce/search.
type SearchResults struct {
	Products   []FoundProduct `json:"products"`
	Pagination Pagination     `json:"pagination"`
	Query      string         `json:"query"`
	Retailer   string         `json:"retailer"`
}

// FoundProduct is a product in a list. Stars and Rating are the same, and so are
// NumReviews and ReviewCount: clients read either.
type FoundProduct struct {
	ProductID   string      `json:"productId"`
	Title       string      `json:"title"`
	Price       json.Number `json:"price"` // dollars
	Image       string      `json:"image"`
	Stars       json.Number `json:"stars"` // 0 to 5
	Rating      json.Number `json:"rating"`
	NumReviews  int         `json:"numReviews"`
	ReviewCount int         `json:"reviewCount"`
	Fresh       bool        `json:"fresh"`
	Retailer    string      `json:"retailer"`
	URL         string      `json:"url"`
	Brand       string      `json:"brand"`
	Categories  []string    `json:"categories"`
}

// Pagination is where in a search a page is.
type Pagination struct {
	Page         int  `json:"page"` // from 1
	TotalPages   int  `json:"totalPages"`
	TotalResults int  `json:"totalResults"`
	HasNext      bool `json:"hasNext"`
}

// Product answers GET /api/commerce/products/{productId}. What a retailer does not say
// is empty, zero or, for a few fields, absent.
type Product struct {
	ProductID      string       `json:"productId"`
	ASIN           string       `json:"asin,omitempty"` // of Amazon's
	Retailer       string       `json:"retailer"`
	Title          string       `json:"title"`
	Brand          string       `json:"brand"`
	Description    string       `json:"description"`
	Price          json.Number  `json:"price"` // dollars
	OriginalPrice  *json.Number `json:"originalPrice,omitempty"`
	ShipPrice      json.Number  `json:"shipPrice"`
	MainImage      string       `json:"mainImage"`
	Images         []string     `json:"images"`
	Bullets        []string     `json:"bullets"`
	ProductDetails []string     `json:"productDetails"` // "Key: value"
	Categories     []string     `json:"categories"`
	Rating         json.Number  `json:"rating"` // 0 to 5
	ReviewCount    int          `json:"reviewCount"`
	QuestionCount  int          `json:"questionCount"`
	NumSales       int          `json:"numSales"`
	NumOffers      int          `json:"numOffers"`
	Availability   string       `json:"availability"` // available, unavailable
	URL            string       `json:"url"`
	ParentASIN     string       `json:"parentAsin,omitempty"` // of a variant
	Fresh          bool         `json:"fresh"`
	Pantry         bool         `json:"pantry"`
	Handmade       bool         `json:"handmade"`
	Digital        bool         `json:"digital"`
	GiftCard       bool         `json:"giftCard"`
	Addon          bool         `json:"addon"`
}

// Offers answers GET /api/commerce/products/{productId}/offers, the best first.
type Offers struct {
	ProductID string  `json:"productId"`
	Retailer  string  `json:"retailer"`
	Offers    []Offer `json:"offers"`
}

// Offer is what one seller asks for a product. Amounts are dollars.
type Offer struct {
	OfferID       string      `json:"offerId"`
	SellerID      string      `json:"sellerId"`
	SellerName    string      `json:"sellerName"`
	Price         json.Number `json:"price"`
	Shipping      json.Number `json:"shipping"`
	TotalCost     json.Number `json:"totalCost"` // price + shipping
	Prime         bool        `json:"prime"`
	PrimeOnly     bool        `json:"primeOnly"`
	Condition     string      `json:"condition"`
	HandlingDays  Days        `json:"handlingDays"`
	International bool        `json:"international"`
	Available     bool        `json:"available"`
}

// Days are a number of days, at least and at most.
type Days struct {
	Min int `json:"min"`
	Max int `json:"max"`
}
