package main

import (
	"errors"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// product is what every order here is of: the catalog of devnet always has it, at
// the same price.
const product = "B0B844T634"

// orderTriggers drive an order as far as their name says, with the simulator.
var orderTriggers = []trigger{
	{"order.created", "a customer orders a product of the catalog", driven()},
	{"order.paid", "… and it is paid", driven("payment_confirmed")},
	{"order.settled", "… the money reaches the merchant, and the retailer is asked", driven("payment_confirmed", "payment_settled")},
	{"order.placed", "… the retailer takes the order", driven("payment_confirmed", "payment_settled", "placed")},
	{"order.shipped", "… and sends a parcel", driven("payment_confirmed", "payment_settled", "placed", "shipped")},
	{"order.delivered", "… which arrives", driven("payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed")},
	{"order.failed", "an order is paid, and the product is not to be had", driven("payment_confirmed", "failed")},
	{"order.cancelled", "an order is cancelled by the retailer after it was placed", driven("payment_confirmed", "payment_settled", "placed", "cancelled")},
	{"order.refunded", "an order fails and is refunded to an address that is nobody's", driven("payment_confirmed", "failed", "refunded")},
}

// driven makes an order, has each of the steps happen to it, and shows its events.
func driven(steps ...string) func(*rehearsal) error {
	return func(r *rehearsal) error {
		made, err := r.buy()
		if err != nil {
			return err
		}
		r.say("order %s for $%s", made.OrderID, made.Amount)
		r.follow(made.InvoiceID)
		if err := r.until("commerce.order.created", func(outcome) bool { return true }); err != nil {
			return err
		}
		for _, step := range steps {
			r.say("simulating %s", step)
			o, err := r.shop.Orders.Simulate(r.ctx, made.OrderID, api.SimulateRequest{TransitionTo: &step})
			if err != nil {
				return err
			}
			if err := r.until("commerce.order.updated", func(v outcome) bool { return v.Status == o.Status }); err != nil {
				return err
			}
		}
		return nil
	}
}

// buy goes through a checkout.
func (r *rehearsal) buy() (v api.CheckoutInvoice, err error) {
	if r.shop == nil {
		return v, errors.New("orders need a key of scope commerce: give --commerce-key, or --data-dir of pepay dev")
	}
	who := api.Customer{CustomerID: new("pepay-trigger")}
	estimate, err := r.shop.Checkout.Estimate(r.ctx, api.EstimateRequest{Customer: who, Items: []api.EstimateItem{{ProductID: new(product), Quantity: new(api.Number("1"))}}})
	if err != nil {
		return v, err
	}
	to, err := r.shop.Checkout.Address(r.ctx, api.CheckoutAddressRequest{Customer: who, EstimateID: &estimate.EstimateID, Address: &api.ShippingAddressInput{
		FirstName: "Ada", LastName: "Park", StreetAddress: "1200 Brickell Ave", City: "Miami", State: "FL", ZipCode: "33131", Country: "US", Phone: "+13055550123",
	}})
	if err != nil {
		return v, err
	}
	return r.shop.Checkout.Invoice(r.ctx, api.CheckoutInvoiceRequest{
		Customer: who, EstimateID: &estimate.EstimateID, AddressID: &to.AddressID, RefundDestination: new("0x0000000000000000000000000000000000000001"),
	})
}

// sells returns a client with a key of scope commerce, nil without one.
func sells(url, key string) *client.Client {
	if key == "" {
		return nil
	}
	return client.New(url, key)
}
