package commerce

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

var (
	errNoEstimate = pay.Errorf(pay.CodeEstimateNotFound, "Estimate not found")
	errOldPrices  = pay.Errorf(pay.CodeEstimateExpired, "The estimate has expired; make a new one")
	errUsed       = pay.Errorf(pay.CodeEstimateUsed, "The estimate has become an order already; make a new one for another order")
)

// estimateOf hides estimates that are not of the caller and the customer: to them there
// are none.
func estimateOf(e pay.Estimate, err error) func(billing.Caller, pay.Customer) (pay.Estimate, error) {
	return func(by billing.Caller, who pay.Customer) (pay.Estimate, error) {
		if err == nil && (e.MerchantID != by.Merchant.ID || e.Environment != by.Environment || e.Customer.Key() != who.Key()) {
			err = errNoEstimate
		}
		return e, err
	}
}

// named returns an id of a request that must be there.
func named(field string, id *string) (string, error) {
	if id == nil || !pay.IsUUID(*id) {
		return "", pay.Errorf(pay.CodeValidation, "%s is required: a UUID", field)
	}
	return *id, nil
}

// SetAddress checks where an estimate is to be sent and saves it for the customer.
func (c *Commerce) SetAddress(ctx context.Context, by billing.Caller, in api.CheckoutAddressRequest, o billing.Once) ([]byte, error) {
	who, err := c.Customer(in.Customer)
	if err != nil {
		return nil, err
	}
	id, err := named("estimateId", in.EstimateID)
	if err != nil {
		return nil, err
	}
	if in.Address == nil {
		return nil, pay.Errorf(pay.CodeValidation, "address is required")
	}
	to, err := c.shippingAddress(*in.Address)
	if err != nil {
		return nil, err
	}
	to.MerchantID, to.Environment, to.Customer = by.Merchant.ID, by.Environment, who
	return c.write(ctx, by, "address", o, func(tx *store.Tx) (any, error) {
		e, err := estimateOf(tx.Estimate(id))(by, who)
		switch {
		case err != nil:
			return nil, err
		case e.OrderID != "":
			return nil, errUsed
		case !tx.Now().Before(e.ExpiresAt):
			return nil, errOldPrices
		}
		saved, err := c.saveAddressIn(tx, to)
		return view.Wrapped(view.CheckoutAddress(saved)), err
	})
}

// Checkout makes an order of an estimate, and the invoice that pays for it, in one
// unit. One order comes of an estimate: while its invoice is unpaid, the same request
// gets the same answer however often it arrives and whatever idempotency key it has.
func (c *Commerce) Checkout(ctx context.Context, by billing.Caller, in api.CheckoutInvoiceRequest, o billing.Once) ([]byte, error) {
	who, err := c.Customer(in.Customer)
	if err != nil {
		return nil, err
	}
	id, err := named("estimateId", in.EstimateID)
	if err != nil {
		return nil, err
	}
	address, err := named("addressId", in.AddressID)
	if err != nil {
		return nil, err
	}
	refund, err := c.refundTo(ctx, in.RefundDestination)
	if err != nil {
		return nil, err
	}
	open := c.Open(ctx, by.Environment)
	return c.write(ctx, by, "checkout", o, func(tx *store.Tx) (any, error) {
		e, err := estimateOf(tx.EstimateForUpdate(id))(by, who)
		switch {
		case err != nil:
			return nil, err
		case e.OrderID != "":
			return c.again(tx, e, address)
		case open != nil:
			return nil, open
		case !tx.Now().Before(e.ExpiresAt):
			return nil, errOldPrices
		case len(e.Lines) == 0:
			return nil, pay.Errorf(pay.CodeNoValidItems, "Nothing in the estimate can be ordered; see its invalidItems")
		}
		to, ok, err := tx.Shipping(address)
		if err != nil {
			return nil, err
		}
		if !ok || to.MerchantID != by.Merchant.ID || to.Environment != by.Environment || to.Customer.Key() != who.Key() {
			return nil, errNoAddress
		}
		return c.open(tx, by, e, to, refund)
	})
}

// open makes the order and its invoice.
func (c *Commerce) open(tx *store.Tx, by billing.Caller, e pay.Estimate, to pay.ShippingAddress, refund string) (any, error) {
	order := pay.NewOrder(tx.NewID(), e, to, tx.Now())
	order.Refund.Destination = refund
	i := pay.Invoice{
		MerchantID: e.MerchantID, Environment: e.Environment, Type: pay.Commerce, Status: pay.Unpaid, Amount: e.Pricing.Total, CustomerID: e.Customer.ID,
		Title: by.Merchant.Name, Footer: by.Merchant.Name, Description: order.Description(), Metadata: "{}", ReturnURL: by.Merchant.ReturnURL,
		ReceiverOverride: c.Terms.Receiver, OrderID: order.ID,
	}
	made := c.Billing.OpenIn(tx, &i, c.Terms.InvoiceLife)
	order.InvoiceID = i.ID
	answer := view.Wrapped(view.CheckoutInvoice(order, i, made))
	e.OrderID, e.AddressID = order.ID, to.ID
	tx.AppendEvent(pay.OrderEventOf(order, pay.OrderCreated, view.JSON(view.Order(order)), []byte("{}")))
	if err := tx.AddOrder(order); err != nil {
		return nil, err
	}
	return answer, tx.UseEstimate(e, c.Billing.Auth.Seal(view.JSON(answer), sealOf(e)))
}

// again answers a request for an order that there is already.
func (c *Commerce) again(tx *store.Tx, e pay.Estimate, address string) (any, error) {
	order, err := tx.Order(e.OrderID)
	if err != nil {
		return nil, err
	}
	i, err := tx.Invoice(order.InvoiceID)
	if err != nil {
		return nil, err
	}
	if e.AddressID != address || i.Status != pay.Unpaid || i.Closed(tx.Now()) {
		return nil, errUsed
	}
	sealed, err := tx.EstimateAnswer(e.ID)
	if err != nil {
		return nil, err
	}
	answer, err := c.Billing.Auth.Open(sealed, sealOf(e))
	return json.RawMessage(answer), err
}

func sealOf(e pay.Estimate) string { return fmt.Sprintf("checkout %d %s", e.MerchantID, e.ID) }
