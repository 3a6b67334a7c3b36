package client_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// goods is a client that sells goods.
func goods() *client.Client { return client.New(deployment().URL, deployment().Commerce) }

// From a product to the customer's door. On devnet Simulate plays the customer, who pays,
// and the retailer; elsewhere it all happens by itself, and events tell of it.
func ExampleCheckout() {
	ctx, pepay, who := context.Background(), goods(), api.Customer{CustomerID: new("customer-7")}
	estimate, err := pepay.Checkout.Estimate(ctx, api.EstimateRequest{Customer: who, Items: []api.EstimateItem{
		{ProductID: new("B0B844T634"), Quantity: new(api.Number("2"))},
	}})
	if err != nil {
		log.Fatal(err)
	}
	address, err := pepay.Checkout.Address(ctx, api.CheckoutAddressRequest{Customer: who, EstimateID: &estimate.EstimateID, Address: &api.ShippingAddressInput{
		FirstName: "Ada", LastName: "Park", StreetAddress: "1200 Brickell Ave", City: "Miami", State: "FL", ZipCode: "33131", Country: "US", Phone: "305 555 0123",
	}})
	if err != nil {
		log.Fatal(err)
	}
	order, err := pepay.Checkout.Invoice(ctx, api.CheckoutInvoiceRequest{Customer: who, EstimateID: &estimate.EstimateID, AddressID: &address.AddressID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(order.Amount, order.Status) // now send the customer to order.InvoiceURL

	for _, step := range []string{"payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed"} {
		now, err := pepay.Orders.Simulate(ctx, order.OrderID, api.SimulateRequest{TransitionTo: &step})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(now.Status)
	}
	// Output:
	// 23.98 unpaid
	// processing
	// processing
	// placed
	// shipped
	// delivered
}

func ExampleProducts_Search() {
	found, err := goods().Products.Search(context.Background(), client.ProductSearch{Text: "pour-over dripper", MaxPrice: "10", Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range found.Products {
		fmt.Println(p.ProductID, p.Price)
	}
	// Output: B0B844T634 9.99
}
