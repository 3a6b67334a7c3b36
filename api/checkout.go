package api

// EstimateRequest is the body of POST /api/commerce/merchant/checkout/estimate: items,
// or the customer's cart, perhaps with overrides.
type EstimateRequest struct {
	Customer
	UseCart       *bool          `json:"useCart,omitempty"`
	Items         []EstimateItem `json:"items,omitempty"`         // not with UseCart
	ItemOverrides []EstimateItem `json:"itemOverrides,omitempty"` // only with UseCart; quantity 0 leaves an item out
}

// EstimateItem is a product and how many of it. What a client says of its price and
// title does not count.
type EstimateItem struct {
	ProductID *string `json:"productId,omitempty"`
	OldID     *string `json:"product_id,omitempty"` // the older name of productId
	Retailer  *string `json:"retailer,omitempty"`   // amazon when left out
	Quantity  *Number `json:"quantity,omitempty"`   // 1 to 99
}

// Estimate answers it.
type Estimate struct {
	EstimateID         string        `json:"estimateId"`
	MerchantID         int64         `json:"merchantId"`
	NetworkEnvironment string        `json:"networkEnvironment"`
	CustomerID         *string       `json:"customerId"`
	WalletAddress      *string       `json:"walletAddress"`
	WalletNetwork      *string       `json:"walletNetwork"`
	ValidItems         []ValidItem   `json:"validItems"`
	InvalidItems       []InvalidItem `json:"invalidItems"`
	Pricing            Pricing       `json:"pricing"`
	FeeBreakdown       FeeBreakdown  `json:"feeBreakdown"`
	ExpiresAt          int64         `json:"expiresAt"`
	CreatedAt          int64         `json:"createdAt"`
}

// ValidItem is an item that can be ordered, at the price of the best eligible offer.
type ValidItem struct {
	ProductID  string            `json:"productId"`
	Retailer   string            `json:"retailer"`
	Title      string            `json:"title"`
	Quantity   int               `json:"quantity"`
	Price      Dollars           `json:"price"`
	TotalPrice Dollars           `json:"totalPrice"`
	Metadata   ValidItemMetadata `json:"metadata"`
}

// ValidItemMetadata is what to show of an item.
type ValidItemMetadata struct {
	Image *string `json:"image"`
}

// InvalidItem is an item that cannot be ordered, and why.
type InvalidItem struct {
	ProductID string `json:"productId"`
	Retailer  string `json:"retailer"`
	Error     string `json:"error"`
}

// Pricing is what makes up a total, in dollars.
type Pricing struct {
	Subtotal Dollars `json:"subtotal"`
	Shipping Dollars `json:"shipping"`
	Tax      Dollars `json:"tax"`
	Fees     Fees    `json:"fees"`
	Total    Dollars `json:"total"`
}

// Fees is the commerce fee: a fixed part, and per cent of the subtotal.
type Fees struct {
	Fixed      Dollars `json:"fixed"`
	Percentage Dollars `json:"percentage"`
	Total      Dollars `json:"total"`
}

// FeeBreakdown is what is added to the goods, in dollars.
type FeeBreakdown struct {
	ShippingBase Dollars `json:"shippingBase"`
	CommerceFee  Dollars `json:"commerceFee"`
	TotalFees    Dollars `json:"totalFees"`
}

// CheckoutAddressRequest is the body of POST /api/commerce/merchant/checkout/address.
type CheckoutAddressRequest struct {
	Customer
	EstimateID *string               `json:"estimateId,omitempty"`
	Address    *ShippingAddressInput `json:"address,omitempty"`
}

// CheckoutAddress answers it.
type CheckoutAddress struct {
	AddressID       string           `json:"addressId"`
	Validated       bool             `json:"validated"`
	Standardized    StandardAddress  `json:"standardized"`
	ShippingOptions []ShippingOption `json:"shippingOptions"`
}

// CheckoutInvoiceRequest is the body of POST /api/commerce/merchant/checkout/invoice.
type CheckoutInvoiceRequest struct {
	Customer
	EstimateID        *string `json:"estimateId,omitempty"`
	AddressID         *string `json:"addressId,omitempty"`
	RefundDestination *string `json:"refundDestinationWalletAddressBsc,omitempty"`
}

// CheckoutInvoice answers it. The session pair is given here and to the same request
// again, while the invoice is unpaid.
type CheckoutInvoice struct {
	OrderID               string                `json:"orderId"`
	InvoiceID             string                `json:"invoiceId"`
	InvoiceURL            string                `json:"invoiceUrl"`
	Session               string                `json:"session"`
	Signature             string                `json:"signature"`
	PaymentSessionHeaders PaymentSessionHeaders `json:"payment_session_headers"`
	MerchantID            int64                 `json:"merchantId"`
	NetworkEnvironment    string                `json:"networkEnvironment"`
	CustomerID            *string               `json:"customerId"`
	Amount                Dollars               `json:"amount"`
	ExpiresAt             int64                 `json:"expiresAt"`
	Status                string                `json:"status"`
	Endpoints             OrderEndpoints        `json:"endpoints"`
}

// OrderEndpoints are the paths at which an order is followed.
type OrderEndpoints struct {
	CheckOrder   string `json:"checkOrder"`
	CheckPayment string `json:"checkPayment"`
	CancelOrder  string `json:"cancelOrder"`
}
