package pay

import (
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// OrderStatus is the state of an order (contract of commerce, 3.1).
type OrderStatus string

// The order statuses of the contract. Delivered, Cancelled and Failed are terminal.
const (
	OrderPending    OrderStatus = "pending_payment"
	OrderProcessing OrderStatus = "processing"
	OrderPlaced     OrderStatus = "placed"
	OrderShipped    OrderStatus = "shipped"
	OrderDelivered  OrderStatus = "delivered"
	OrderCancelled  OrderStatus = "cancelled"
	OrderFailed     OrderStatus = "failed"
)

// OrderStatuses are all of them, in the order of an order's life.
var OrderStatuses = []OrderStatus{OrderPending, OrderProcessing, OrderPlaced, OrderShipped, OrderDelivered, OrderCancelled, OrderFailed}

// Substatuses of an order, "" for none.
const (
	SubSubmitted = "PROVIDER_PLACEMENT_SUBMITTED" // paid and settled: the goods are being ordered
	SubTracking  = "AWAITING_TRACKING"
	SubExpired   = "PAYMENT_EXPIRED" // cancelled because nobody paid in time
)

// Cancellation is where a request to cancel an order stands.
type Cancellation string

// The states of a cancellation.
const (
	CancelNone      Cancellation = "none"
	CancelRequested Cancellation = "requested"
	CancelDone      Cancellation = "cancelled"
	CancelRejected  Cancellation = "rejected"
)

// RefundStatus is where the money of an order that came to nothing is.
type RefundStatus string

// The states of a refund. A pending one without a destination waits for one.
const (
	RefundNone       RefundStatus = "NONE"
	RefundPending    RefundStatus = "PENDING"
	RefundProcessing RefundStatus = "PROCESSING"
	RefundCompleted  RefundStatus = "COMPLETED"
	RefundFailed     RefundStatus = "FAILED"
)

// Order is goods that a customer buys through a merchant and pays by an invoice.
type Order struct {
	ID           string
	InvoiceID    string
	EstimateID   string
	MerchantID   int64
	Environment  Environment
	Customer     Customer
	Retailer     string
	Status       OrderStatus
	Substatus    string
	Lines        []OrderLine
	ShipTo       ShippingAddress
	Pricing      Pricing
	Payment      OrderPayment
	Shipments    []Shipment
	Timeline     []Moment
	Cancellation Cancellation
	Refund       Refund
	Request      string // the provider's name for the placement, "" before there is one
	Simulated    bool   // devnet only: what happens to it is told by the simulator alone
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// OrderLine is an item of an order, at the price of the offer it is bought by.
type OrderLine struct {
	ProductID string
	Retailer  string
	Title     string
	ImageURL  string
	OfferID   string
	Quantity  int
	Price     money.USD // of one
	Shipping  money.USD // of all of them
}

// Total is the price of all of them.
func (l OrderLine) Total() money.USD { return l.Price * money.USD(l.Quantity) }

// OrderPayment is how an order was paid.
type OrderPayment struct {
	Paid         bool
	TxHash       string // of the payment that completed it
	Payer        string // the wallet it came from, "" for unknown
	PayerNetwork NetworkName
	PaidAt       time.Time
	Settled      bool
	SettleTx     string
	SettleOn     NetworkName
}

// Shipment is a parcel of an order. Only its ID is always known.
type Shipment struct {
	ID             string
	Carrier        string
	Number         string
	URL            string
	RetailerNumber string
	RetailerURL    string
	DeliveryStatus string
	ObtainedAt     time.Time
}

// Tracked reports whether the parcel can be followed.
func (s Shipment) Tracked() bool { return s.Number != "" || s.RetailerNumber != "" }

// Moment is an entry of an order's timeline.
type Moment struct {
	Status  OrderStatus
	At      time.Time
	Message string
}

// Refund is the money of an order on its way back to the customer, on BSC.
type Refund struct {
	Status      RefundStatus
	Amount      money.USD // that is due, fee included
	Fee         money.USD // kept back
	Destination string    // an address on BSC, "" while nobody has named one
	TxHash      string
	Reason      string // why it failed
}

// tracked reports whether any parcel can be followed.
func (o Order) tracked() bool {
	for _, s := range o.Shipments {
		if s.Tracked() {
			return true
		}
	}
	return false
}

// CanCancel reports whether asking to cancel would be accepted: before payment, and
// between placement and shipping, once.
func (o Order) CanCancel() bool {
	return o.Status == OrderPending || o.Status == OrderPlaced && !o.tracked() && o.Cancellation == CancelNone
}

// How often to ask the provider about an order: as soon as it is as old again as its last
// news while that is fresh, and rarely when it has been on its way for weeks.
const (
	soonestLook = 100 * time.Millisecond
	freshLook   = 2 * time.Second
	lookShare   = 20 // of the time since the last news
	latestLook  = 6 * time.Hour
)

// NextLook is when to ask the provider again about an order that was asked about now.
func (o Order) NextLook(now time.Time) time.Time {
	age := now.Sub(o.UpdatedAt)
	return now.Add(min(max(age/lookShare, min(max(age, soonestLook), freshLook)), latestLook))
}

// MaxTotal is the most that the goods may cost us with shipping: what the customer pays
// for them, our fee aside.
func (o Order) MaxTotal() money.USD {
	return o.Pricing.Subtotal.Add(o.Pricing.Shipping).Add(o.Pricing.Tax)
}

// Wallet is the wallet that the order shows: the customer's, if the merchant named one,
// else the one it was paid from.
func (o Order) Wallet() (address string, network NetworkName) {
	switch {
	case o.Customer.Wallet != "":
		return o.Customer.Wallet, o.Customer.Network
	case o.Payment.Payer != "": // a network alone names nobody
		return o.Payment.Payer, o.Payment.PayerNetwork
	}
	return "", ""
}

// OrderEventOf begins an event about an order.
func OrderEventOf(o Order, t EventType, object, previous []byte) Event {
	e := Event{
		MerchantID: o.MerchantID, Type: t, Environment: o.Environment, InvoiceID: o.InvoiceID, CustomerID: o.Customer.ID, OrderID: o.ID,
		InvoiceType: Commerce, Object: object, Previous: previous,
	}
	e.WalletAddress, e.WalletNetwork = o.Wallet()
	return e
}

// NewOrder makes the order of an estimate. Its invoice is still to be made.
func NewOrder(id string, e Estimate, to ShippingAddress, now time.Time) Order {
	return Order{
		ID: id, EstimateID: e.ID, MerchantID: e.MerchantID, Environment: e.Environment, Customer: e.Customer, Retailer: e.Lines[0].Retailer,
		Status: OrderPending, Lines: e.Lines, ShipTo: to, Pricing: e.Pricing, Cancellation: CancelNone,
		Refund: Refund{Status: RefundNone, Fee: min(e.RefundFee, e.Pricing.Total)}, CreatedAt: now, UpdatedAt: now,
	}
}

// Description says in a line what is in the order.
func (o Order) Description() string {
	n := 0
	for _, l := range o.Lines {
		n += l.Quantity
	}
	first := o.Lines[0].Title
	if r := []rune(first); len(r) > 120 {
		first = string(r[:119]) + "…"
	}
	if len(o.Lines) == 1 {
		return strconv.Itoa(n) + " × " + first
	}
	return first + " and more, " + strconv.Itoa(n) + " items"
}
