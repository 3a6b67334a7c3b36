package api

import "encoding/json"

// CartRequest is the body of POST /api/commerce/merchant/carts.
type CartRequest struct {
	Customer
	Item *CartItemRequest `json:"item,omitempty"` // to begin with
}

// AddCartItemRequest is the body of POST /api/commerce/merchant/carts/items.
type AddCartItemRequest struct {
	Customer
	CartItemRequest
}

// CartItemRequest is a product to put in a cart. Absent fields are nil.
type CartItemRequest struct {
	ProductID  *string `json:"productId,omitempty"` // required, as are retailer, title and price
	Retailer   *string `json:"retailer,omitempty"`  // amazon, walmart, target, ebay, bestbuy, other
	Title      *string `json:"title,omitempty"`
	Price      *Number `json:"price,omitempty"`    // dollars
	Quantity   *Number `json:"quantity,omitempty"` // 1 to 99; 1 when absent
	ImageURL   *string `json:"imageUrl,omitempty"`
	ProductURL *string `json:"productUrl,omitempty"`
	Rating     *Number `json:"rating,omitempty"` // of five stars
	NumReviews *Number `json:"numReviews,omitempty"`
}

// CartQuantityRequest is the body of PUT /api/commerce/merchant/carts/items/{itemId}.
type CartQuantityRequest struct {
	Customer
	Quantity *Number `json:"quantity"` // 0 to 99; 0 removes the item
}

// Cart is a customer's cart.
type Cart struct {
	MerchantID    int64       `json:"merchantId"`
	CustomerID    *string     `json:"customerId"`
	WalletAddress *string     `json:"walletAddress"`
	WalletNetwork *string     `json:"walletNetwork"`
	Items         []CartItem  `json:"items"`
	Subtotal      json.Number `json:"subtotal"`  // dollars
	ItemCount     int         `json:"itemCount"` // different products
	CreatedAt     *int64      `json:"createdAt"` // epoch seconds; null while the cart is empty
	UpdatedAt     *int64      `json:"updatedAt"`
}

// CartItem is a product in a cart.
type CartItem struct {
	ItemID     string       `json:"itemId"`
	ProductID  string       `json:"productId"`
	Retailer   string       `json:"retailer"`
	Title      string       `json:"title"`
	ImageURL   *string      `json:"imageUrl"`
	ProductURL *string      `json:"productUrl"`
	Price      json.Number  `json:"price"` // dollars, of one
	Quantity   int          `json:"quantity"`
	Subtotal   json.Number  `json:"subtotal"`
	Rating     *json.Number `json:"rating"`
	NumReviews *int         `json:"numReviews"`
	AddedAt    int64        `json:"addedAt"` // epoch seconds
	UpdatedAt  int64        `json:"updatedAt"`
}

// CartItemAdded says what became of a product put in a cart.
type CartItemAdded struct {
	ItemID   string `json:"itemId"`
	Quantity int    `json:"quantity"` // in the cart now
	Updated  bool   `json:"updated"`  // it was in the cart before
}

// CartItemChanged says how many of an item there are now.
type CartItemChanged struct {
	ItemID    string `json:"itemId"`
	Quantity  int    `json:"quantity"`
	UpdatedAt int64  `json:"updatedAt"`
}

// CartItemRemoved says what was removed.
type CartItemRemoved struct {
	ItemID string `json:"itemId"`
	Title  string `json:"title"`
}

// CartCleared says how many items were removed.
type CartCleared struct {
	ItemsRemoved int `json:"itemsRemoved"`
}

// CartCheck answers POST /api/commerce/merchant/carts/validate.
type CartCheck struct {
	Success bool              `json:"success"`
	Valid   bool              `json:"valid"` // every item is available
	Items   []CheckedCartItem `json:"items"`
	Summary CartCheckSummary  `json:"summary"`
}

// CheckedCartItem compares an item with what is offered now. Prices are dollars.
type CheckedCartItem struct {
	ItemID       string      `json:"itemId"`
	Available    bool        `json:"available"`
	CurrentPrice json.Number `json:"currentPrice"` // the saved one when not available
	SavedPrice   json.Number `json:"savedPrice"`
	PriceChanged bool        `json:"priceChanged"`
}

// CartCheckSummary counts the items of a CartCheck.
type CartCheckSummary struct {
	TotalItems        int `json:"totalItems"`
	AvailableItems    int `json:"availableItems"`
	UnavailableItems  int `json:"unavailableItems"`
	PriceChangedItems int `json:"priceChangedItems"`
}

// CartTotals is what the available items of a cart cost now, in dollars.
type CartTotals struct {
	Subtotal  json.Number `json:"subtotal"`
	Shipping  json.Number `json:"shipping"`
	Tax       json.Number `json:"tax"`
	Fees      CartFees    `json:"fees"`
	Total     json.Number `json:"total"`
	ItemCount int         `json:"itemCount"`
	ZipCode   *string     `json:"zipCode"`
}

// CartFees are the fees of CartTotals: total = fixed + percentageAmount.
type CartFees struct {
	Fixed            json.Number `json:"fixed"`
	Percentage       json.Number `json:"percentage"` // of the subtotal
	PercentageAmount json.Number `json:"percentageAmount"`
	Total            json.Number `json:"total"`
}
