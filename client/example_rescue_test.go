package client_test

import (
	"context"
	"fmt"
	"log"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/testkit"
)

// customerErrs plays a customer who is asked for dollars and sends ether, 0.01 of it, and
// waits until that is final.
func customerErrs(made api.CreatedInvoice) {
	a := deployment()
	at, err := client.NewPayor(a.URL, made.PaymentSessionHeaders).Address(context.Background(), "ethereum", testkit.Dollar)
	if err != nil {
		log.Panic(err)
	}
	a.Pay(common.Address{}, at.TempAddress, big.NewInt(1e16))
	a.MineSlowly("the payment is final", func() bool {
		p := a.Status(made.InvoiceID).LatestPayment
		return p != nil && p.Status == "manual_retry"
	})
}

// A payment in the wrong token, on the wrong network or too late waits for you.
func ExampleInvoices_AcceptPayment() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("25"))})
	if err != nil {
		log.Fatal(err)
	}
	customerErrs(made) // your webhook is told of it

	now, err := pepay.Invoices.Status(ctx, made.InvoiceID)
	if err != nil {
		log.Fatal(err)
	}
	p := *now.LatestPayment
	fmt.Println(now.Invoice.Status, p.Status, *p.StatusReason, p.AmountDecimal)
	if p, err = pepay.Invoices.AcceptPayment(ctx, made.InvoiceID, p.ID); err != nil { // it is worth what was asked for
		log.Fatal(err)
	}
	if now, err = pepay.Invoices.Status(ctx, made.InvoiceID); err != nil {
		log.Fatal(err)
	}
	fmt.Println(now.Invoice.Status, p.Status)
	// Output:
	// unpaid manual_retry wrong_token 25.000
	// paid confirmed
}

// Without accepting such a payment you can have the money all the same.
func ExampleInvoices_SweepPayment() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("99"))})
	if err != nil {
		log.Fatal(err)
	}
	customerErrs(made)

	now, err := pepay.Invoices.Status(ctx, made.InvoiceID)
	if err != nil {
		log.Fatal(err)
	}
	p, err := pepay.Invoices.SweepPayment(ctx, made.InvoiceID, now.LatestPayment.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(now.Invoice.Status, p.Status, p.SettlementStatus)
	// Output: unpaid manual_retry pending
}
