package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Order renders an order: for GET and for events the same.
func Order(o pay.Order) api.Order {
	wallet, network := o.Wallet()
	v := api.Order{
		Object: "commerce_order", ID: o.ID, Environment: string(o.Environment),
		OrderID: o.ID, InvoiceID: o.InvoiceID, MerchantID: o.MerchantID, NetworkEnvironment: string(o.Environment), Retailer: o.Retailer,
		CreatedAt: o.CreatedAt.Unix(), UpdatedAt: o.UpdatedAt.Unix(), CustomerID: orNull(o.Customer.ID), WalletAddress: orNull(wallet), WalletNetwork: orNull(network),
		Status: string(o.Status), Substatus: orNull(o.Substatus), Actions: api.OrderActions{CanCancel: o.CanCancel()},
		Timeline: []api.Moment{}, Payment: OrderPayment(o), Fulfillment: api.Fulfillment{Shipments: []api.Shipment{}}, LineItems: []api.LineItem{},
		ShippingAddress: postal(o.ShipTo), CancellationStatus: string(o.Cancellation), RefundStatus: string(o.Refund.Status),
		TotalAmountUSD: o.Pricing.Total.Cents(), CommerceFeeUSD: o.Pricing.Fee.Cents(),
		Refund: api.Refund{Status: string(o.Refund.Status), Destination: orNull(o.Refund.Destination), TxHash: orNull(o.Refund.TxHash)},
	}
	if o.Refund.Status != pay.RefundNone {
		v.Refund.AmountUSD, v.Refund.FeeUSD = orNull(o.Refund.Amount.Cents()), orNull(o.Refund.Fee.Cents())
	}
	for _, m := range o.Timeline {
		v.Timeline = append(v.Timeline, api.Moment{Status: string(m.Status), Timestamp: m.At.Unix(), Message: m.Message})
	}
	for _, s := range o.Shipments {
		v.Fulfillment.Shipments = append(v.Fulfillment.Shipments, api.Shipment{
			ShipmentID: s.ID, Carrier: orNull(s.Carrier), TrackingNumber: orNull(s.Number), CarrierTrackingURL: orNull(s.URL), DeliveryStatus: orNull(s.DeliveryStatus),
			RetailerTrackingNumber: orNull(s.RetailerNumber), RetailerTrackingURL: orNull(s.RetailerURL), ObtainedAt: seconds(s.ObtainedAt),
		})
	}
	for _, l := range o.Lines {
		v.LineItems = append(v.LineItems, api.LineItem{
			ProductID: l.ProductID, Title: l.Title, ImageURL: orNull(l.ImageURL), Quantity: l.Quantity, Price: l.Price.Cents(), Status: lineStatus(o.Status),
		})
	}
	return v
}

// lineStatus is the state of each item of an order: being placed is part of processing.
func lineStatus(s pay.OrderStatus) string {
	switch s {
	case pay.OrderPending:
		return "pending"
	case pay.OrderPlaced:
		return string(pay.OrderProcessing)
	case pay.OrderProcessing, pay.OrderShipped, pay.OrderDelivered, pay.OrderCancelled, pay.OrderFailed:
	}
	return string(s)
}

// OrderPayment renders how an order was paid.
func OrderPayment(o pay.Order) api.OrderPayment {
	p := o.Payment
	v := api.OrderPayment{Status: "pending", TxHash: orNull(p.TxHash), Settlement: api.OrderSettlement{Status: "pending", TxHash: orNull(p.SettleTx), Network: orNull(p.SettleOn)}}
	if p.Paid {
		v.Status = "paid"
	}
	if p.Settled {
		v.Settlement.Status = "settled"
	}
	return v
}

func postal(a pay.ShippingAddress) api.PostalAddress {
	return api.PostalAddress{
		FirstName: a.FirstName, LastName: a.LastName, AddressLine1: a.Line1, AddressLine2: a.Line2, City: a.City, State: a.State, ZipCode: a.Zip,
		Country: a.Country, PhoneNumber: a.Phone, Email: a.Email,
	}
}

// OrderRow renders an order in a list.
func OrderRow(o pay.Order) api.OrderRow {
	wallet, network := o.Wallet()
	v := api.OrderRow{
		OrderID: o.ID, InvoiceID: o.InvoiceID, NetworkEnvironment: string(o.Environment), Status: string(o.Status), Substatus: orNull(o.Substatus),
		Actions: api.OrderActions{CanCancel: o.CanCancel()}, ShipmentsSummary: api.ShipmentsSummary{ShipmentCount: len(o.Shipments), IsDelivered: o.Status == pay.OrderDelivered},
		Retailer: o.Retailer, WalletAddress: orNull(wallet), WalletNetwork: orNull(network), CustomerID: orNull(o.Customer.ID), Total: dollars(o.Pricing.Total),
		CreatedAt: o.CreatedAt.Unix(), UpdatedAt: o.UpdatedAt.Unix(), ItemCount: len(o.Lines),
	}
	for _, s := range o.Shipments {
		if s.Tracked() {
			v.ShipmentsSummary.HasTracking = true
			v.ShipmentsSummary.LastTrackingAt = seconds(s.ObtainedAt)
		}
	}
	return v
}

// CancelOrder renders the answer to a request to cancel.
func CancelOrder(o pay.Order) api.CancelOrder {
	v := api.CancelOrder{OrderID: o.ID, Status: string(o.Status), Substatus: orNull(o.Substatus), CustomerID: orNull(o.Customer.ID)}
	if o.Payment.Paid {
		v.RefundQuote = &api.RefundQuote{
			AmountUSD: o.Pricing.Total.Cents(), FeeUSD: o.Refund.Fee.Cents(), NetAmountUSD: (o.Pricing.Total - o.Refund.Fee).Cents(),
			Network: string(pay.RefundNetwork), Destination: orNull(o.Refund.Destination),
		}
	}
	return v
}

// OrderPaymentStatus renders how the payment of an order stands; by is the payment that
// completed it, zero while there is none.
func OrderPaymentStatus(o pay.Order, i pay.Invoice, by pay.Payment, r *pay.Registry) api.OrderPaymentStatus {
	v := api.OrderPaymentStatus{
		OrderID: o.ID, InvoiceID: o.InvoiceID, Status: PaymentWord(o, i), OrderStatus: string(o.Status), CustomerID: orNull(o.Customer.ID),
		Amount: dollars(i.Amount), PaidAt: seconds(o.Payment.PaidAt),
	}
	if o.Payment.Paid && by.ID != "" {
		t, _ := r.Token(by.TokenID)
		v.PaymentDetails = &api.PaymentDetails{
			Network: string(by.Network), Token: t.Symbol, Amount: api.Dollars(by.Units.Decimal(t.Decimals)), TxHash: by.TxHash, WalletAddress: orNull(by.From),
		}
	}
	return v
}

// PaymentWord is the state of an order's payment in commerce's words: that of its
// invoice, but paid only once the order knows it.
func PaymentWord(o pay.Order, i pay.Invoice) string {
	switch {
	case o.Payment.Paid:
		return string(pay.Paid)
	case i.Status == pay.Unpaid || i.Status == pay.Paid:
		return "pending"
	}
	return string(i.Status)
}

// InvoiceOrder renders the order of an invoice.
func InvoiceOrder(o pay.Order) api.InvoiceOrder {
	return api.InvoiceOrder{
		InvoiceID: o.InvoiceID, OrderID: o.ID, Payment: OrderPayment(o),
		Order: api.OrderSummary{OrderID: o.ID, Status: string(o.Status), Substatus: orNull(o.Substatus), CustomerID: orNull(o.Customer.ID), Actions: api.OrderActions{CanCancel: o.CanCancel()}},
	}
}

// OrderPage renders a page of orders.
func OrderPage(os []pay.Order, limit, offset int) api.OrderPage {
	v := api.OrderPage{Orders: []api.OrderRow{}, Pagination: api.OffsetPagination{Limit: limit, Offset: offset, Count: len(os)}}
	for _, o := range os {
		v.Orders = append(v.Orders, OrderRow(o))
	}
	return v
}
