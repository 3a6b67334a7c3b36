package api

// Order is the order object: by GET, in events, by webhook and stream the same.
type Order struct {
	Object             string        `json:"object"` // "commerce_order"
	ID                 string        `json:"id"`     // as OrderID
	Environment        string        `json:"environment"`
	OrderID            string        `json:"orderId"`
	InvoiceID          string        `json:"invoiceId"`
	MerchantID         int64         `json:"merchantId"`
	NetworkEnvironment string        `json:"networkEnvironment"`
	Retailer           string        `json:"retailer"`
	CreatedAt          int64         `json:"createdAt"`
	UpdatedAt          int64         `json:"updatedAt"`
	CustomerID         *string       `json:"customerId"`
	WalletAddress      *string       `json:"walletAddress"`
	WalletNetwork      *string       `json:"walletNetwork"`
	Status             string        `json:"status"`
	Substatus          *string       `json:"substatus"`
	Actions            OrderActions  `json:"actions"`
	Timeline           []Moment      `json:"timeline"`
	Payment            OrderPayment  `json:"payment"`
	Fulfillment        Fulfillment   `json:"fulfillment"`
	LineItems          []LineItem    `json:"lineItems"`
	ShippingAddress    PostalAddress `json:"shippingAddress"`
	CancellationStatus string        `json:"cancellationStatus"`
	RefundStatus       string        `json:"refundStatus"`
	TotalAmountUSD     string        `json:"totalAmountUsd"`
	CommerceFeeUSD     string        `json:"commerceFeeUsd"`
	Refund             Refund        `json:"refund"`
}

// OrderActions are what may be asked of an order now.
type OrderActions struct {
	CanCancel bool `json:"canCancel"`
}

// Moment is an entry of a timeline.
type Moment struct {
	Status    string `json:"status"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// OrderPayment is how an order was paid: status pending or paid.
type OrderPayment struct {
	Status     string          `json:"status"`
	TxHash     *string         `json:"txHash"`
	Settlement OrderSettlement `json:"settlement"`
}

// OrderSettlement is whether the money has reached the merchant: status pending or settled.
type OrderSettlement struct {
	Status  string  `json:"status"`
	TxHash  *string `json:"txHash"`
	Network *string `json:"network"`
}

// Fulfillment is what is on its way.
type Fulfillment struct {
	Shipments []Shipment `json:"shipments"`
}

// Shipment is a parcel.
type Shipment struct {
	ShipmentID             string  `json:"shipmentId"`
	Carrier                *string `json:"carrier"`
	TrackingNumber         *string `json:"trackingNumber"`
	CarrierTrackingURL     *string `json:"carrierTrackingUrl"`
	DeliveryStatus         *string `json:"deliveryStatus"`
	RetailerTrackingNumber *string `json:"retailerTrackingNumber"`
	RetailerTrackingURL    *string `json:"retailerTrackingUrl"`
	ObtainedAt             *int64  `json:"obtainedAt"`
}

// LineItem is an item of an order; its price is dollars with two decimals.
type LineItem struct {
	ProductID string  `json:"productId"`
	Title     string  `json:"title"`
	ImageURL  *string `json:"imageUrl"`
	Quantity  int     `json:"quantity"`
	Price     string  `json:"price"`
	Status    string  `json:"status"`
}

// PostalAddress is where an order goes.
type PostalAddress struct {
	FirstName    string `json:"firstName"`
	LastName     string `json:"lastName"`
	AddressLine1 string `json:"addressLine1"`
	AddressLine2 string `json:"addressLine2"`
	City         string `json:"city"`
	State        string `json:"state"`
	ZipCode      string `json:"zipCode"`
	Country      string `json:"country"`
	PhoneNumber  string `json:"phoneNumber"`
	Email        string `json:"email"`
}

// Refund is money on its way back; amounts are dollars with two decimals.
type Refund struct {
	Status      string  `json:"status"` // NONE, PENDING, PROCESSING, COMPLETED, FAILED
	AmountUSD   *string `json:"amountUsd"`
	FeeUSD      *string `json:"feeUsd"`
	Destination *string `json:"destinationWalletAddressBsc"`
	TxHash      *string `json:"txHash"`
}

// OrderRow is an order in a list.
type OrderRow struct {
	OrderID            string           `json:"orderId"`
	InvoiceID          string           `json:"invoiceId"`
	NetworkEnvironment string           `json:"networkEnvironment"`
	Status             string           `json:"status"`
	Substatus          *string          `json:"substatus"`
	Actions            OrderActions     `json:"actions"`
	ShipmentsSummary   ShipmentsSummary `json:"shipmentsSummary"`
	Retailer           string           `json:"retailer"`
	WalletAddress      *string          `json:"walletAddress"`
	WalletNetwork      *string          `json:"walletNetwork"`
	CustomerID         *string          `json:"customerId"`
	Total              Dollars          `json:"total"`
	CreatedAt          int64            `json:"createdAt"`
	UpdatedAt          int64            `json:"updatedAt"`
	ItemCount          int              `json:"itemCount"` // different items
}

// ShipmentsSummary is how an order's parcels are doing.
type ShipmentsSummary struct {
	ShipmentCount  int    `json:"shipmentCount"`
	HasTracking    bool   `json:"hasTracking"`
	LastTrackingAt *int64 `json:"lastTrackingAt"`
	IsDelivered    bool   `json:"isDelivered"`
}

// OrderPage answers GET /api/commerce/merchant/orders.
type OrderPage struct {
	Orders     []OrderRow       `json:"orders"`
	Pagination OffsetPagination `json:"pagination"`
}

// OffsetPagination is where a page lies in its list.
type OffsetPagination struct {
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
	Count  int `json:"count"` // rows in this page
}

// CancelOrderRequest is the optional body of POST …/orders/{orderId}/cancel.
type CancelOrderRequest struct {
	RefundDestination *string `json:"refundDestinationWalletAddressBsc,omitempty"`
}

// CancelOrder answers it: what was asked for will be told by events.
type CancelOrder struct {
	OrderID     string       `json:"orderId"`
	Status      string       `json:"status"`
	Substatus   *string      `json:"substatus"`
	CustomerID  *string      `json:"customerId"`
	RefundQuote *RefundQuote `json:"refundQuote"` // null when nothing was paid
}

// RefundDestinationRequest is the body of POST
// /api/commerce/merchant/orders/{orderId}/refund-destination.
type RefundDestinationRequest struct {
	RefundDestination *string `json:"refundDestinationWalletAddressBsc"` // an address on BSC
}

// RefundQuote is what a refund will come to; amounts are dollars with two decimals.
type RefundQuote struct {
	AmountUSD    string  `json:"amountUsd"`
	FeeUSD       string  `json:"feeUsd"`
	NetAmountUSD string  `json:"netAmountUsd"`
	Network      string  `json:"network"`
	Destination  *string `json:"destinationWalletAddressBsc"`
}

// OrderPaymentStatus answers GET /api/commerce/merchant/payments/{orderId}/status.
type OrderPaymentStatus struct {
	OrderID        string          `json:"orderId"`
	InvoiceID      string          `json:"invoiceId"`
	Status         string          `json:"status"` // pending, underpaid, paid, expired, canceled
	OrderStatus    string          `json:"orderStatus"`
	CustomerID     *string         `json:"customerId"`
	Amount         Dollars         `json:"amount"`
	PaidAt         *int64          `json:"paidAt"`
	PaymentDetails *PaymentDetails `json:"paymentDetails"`
}

// PaymentDetails is the payment that completed an order's invoice.
type PaymentDetails struct {
	Network       string  `json:"network"`
	Token         string  `json:"token"`
	Amount        Dollars `json:"amount"` // of the token
	TxHash        string  `json:"txHash"`
	WalletAddress *string `json:"walletAddress"`
}

// BulkStatusRequest is the body of POST /api/commerce/merchant/payments/bulk-status.
type BulkStatusRequest struct {
	OrderIDs []string `json:"orderIds,omitempty"` // at most 50
}

// BulkStatus is what became of one of them.
type BulkStatus struct {
	OrderID string  `json:"orderId"`
	Status  *string `json:"status"`
	Error   *string `json:"error"`
}

// InvoiceOrder answers GET /api/commerce/merchant/invoices/{invoiceId}/status.
type InvoiceOrder struct {
	InvoiceID string       `json:"invoiceId"`
	OrderID   string       `json:"orderId"`
	Payment   OrderPayment `json:"payment"`
	Order     OrderSummary `json:"order"`
}

// OrderSummary is an order in short.
type OrderSummary struct {
	OrderID    string       `json:"orderId"`
	Status     string       `json:"status"`
	Substatus  *string      `json:"substatus"`
	CustomerID *string      `json:"customerId"`
	Actions    OrderActions `json:"actions"`
}

// SimulateRequest is the body of POST /api/commerce/devnet/orders/{orderId}/simulate.
type SimulateRequest struct {
	TransitionTo  *string        `json:"transitionTo,omitempty"`
	Tracking      *TrackingInput `json:"tracking,omitempty"`
	WalletNetwork *string        `json:"walletNetwork,omitempty"`
	WalletAddress *string        `json:"walletAddress,omitempty"`
}

// TrackingInput describes a simulated parcel; each field has an older name in snake case.
type TrackingInput struct {
	Carrier                   *string `json:"carrier,omitempty"`
	TrackingNumber            *string `json:"trackingNumber,omitempty"`
	TrackingNumberOld         *string `json:"tracking_number,omitempty"`
	CarrierTrackingURL        *string `json:"carrierTrackingUrl,omitempty"`
	CarrierTrackingURLOld     *string `json:"carrier_tracking_url,omitempty"`
	RetailerTrackingNumber    *string `json:"retailerTrackingNumber,omitempty"`
	RetailerTrackingNumberOld *string `json:"retailer_tracking_number,omitempty"`
	RetailerTrackingURL       *string `json:"retailerTrackingUrl,omitempty"`
	RetailerTrackingURLOld    *string `json:"retailer_tracking_url,omitempty"`
	DeliveryStatus            *string `json:"deliveryStatus,omitempty"`
	DeliveryStatusOld         *string `json:"delivery_status,omitempty"`
}

// Simulated answers it.
type Simulated struct {
	Order Order `json:"order"`
}
