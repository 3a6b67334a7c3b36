package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/testkit"
)

// stage is what the deployment that the examples share runs on; examples have no test.
type stage struct {
	testing.TB
	dir  string
	ends []func()
}

func (s *stage) Helper()           {}
func (s *stage) Cleanup(f func())  { s.ends = append(s.ends, f) }
func (s *stage) Error(args ...any) { log.Panic(args...) }
func (s *stage) Fatal(args ...any) { log.Panic(args...) }

var theStage stage

// deployment starts a whole Pepay, with a chain, when the first example wants it.
var deployment = sync.OnceValue(func() *testkit.App {
	dir, err := os.MkdirTemp("", "pepay-client")
	if err != nil {
		log.Panic(err)
	}
	theStage.dir = dir
	return testkit.StartApp(&theStage, filepath.Join(dir, "test.db"), nil)
})

func TestMain(m *testing.M) {
	code := m.Run()
	for n := len(theStage.ends) - 1; n >= 0; n-- {
		theStage.ends[n]()
	}
	_ = os.RemoveAll(theStage.dir)
	os.Exit(code)
}

// shop is a client of it.
func shop() *client.Client { return client.New(deployment().URL, deployment().Key) }

// customerPays plays the customer: it pays an invoice from a wallet.
func customerPays(made api.CreatedInvoice) {
	a := deployment()
	at, err := client.NewPayor(a.URL, made.PaymentSessionHeaders).Address(context.Background(), "ethereum", testkit.Dollar)
	if err != nil {
		log.Panic(err)
	}
	units, _ := new(big.Int).SetString(strings.ReplaceAll(at.EstimatedTokenAmount, ".", ""), 10)
	a.Pay(contracts.TestDollar, at.TempAddress, units)
	a.Mine(4)
}

// From an invoice to its payment.
func Example() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{
		AmountUSD:   new(api.Number("25.50")),
		Description: new("Two bags of coffee"),
		CustomerID:  new("customer-7"),
	})
	if err != nil {
		log.Fatal(err)
	}
	// Now send the customer to made.PaymentURL.
	customerPays(made)

	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	done, err := pepay.Invoices.WaitForStatus(ctx, made.InvoiceID, "paid")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Invoice.Status, done.Invoice.AmountPaidDecimal)
	// Output: paid 25.500
}

func ExampleInvoices_List() {
	ctx, pepay := context.Background(), shop()
	for _, amount := range []api.Number{"1", "2", "3"} {
		if _, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: &amount, CustomerID: new("customer-list")}); err != nil {
			log.Fatal(err)
		}
	}
	for invoice, err := range pepay.Invoices.List(ctx, client.InvoiceFilter{CustomerID: "customer-list", Status: []string{"unpaid", "underpaid"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(invoice.AmountDecimal, invoice.Status)
	}
	// Output:
	// 3.000 unpaid
	// 2.000 unpaid
	// 1.000 unpaid
}

// A write that is repeated with the same key happens once.
func ExampleWithIdempotencyKey() {
	pepay := shop()
	key := client.NewIdempotencyKey() // store it with the order before you ask
	ctx := client.WithIdempotencyKey(context.Background(), key)
	in := api.CreateInvoiceRequest{AmountUSD: new(api.Number("10"))}
	first, err := pepay.Invoices.Create(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	again, err := pepay.Invoices.Create(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.InvoiceID == again.InvoiceID)
	// Output: true
}

func ExampleError() {
	_, err := shop().Invoices.Create(context.Background(), api.CreateInvoiceRequest{AmountUSD: new(api.Number("0"))})
	if e, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(e.Status, e.Code, e.Message)
	}
	// Output: 400 INVALID_AMOUNT_RANGE amount_usd must be between 0.01 and 1000000
}

// A stream begins where you say and goes on for ever; here it is left at once.
func ExampleEvents_Stream() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("5"))})
	if err != nil {
		log.Fatal(err)
	}
	var seen string // the id of the last event you have dealt with
	for e, err := range pepay.Events.List(ctx, client.EventFilter{InvoiceID: made.InvoiceID}) {
		if err != nil {
			log.Fatal(err)
		}
		seen = e.ID
	}
	if _, err := pepay.Invoices.Cancel(ctx, made.InvoiceID); err != nil {
		log.Fatal(err)
	}

	for event, err := range pepay.Events.Stream(ctx, client.Subscription{Since: seen, Types: []string{"invoice.*"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type)
		break // you would store event.ID with what you did, and go on
	}
	// Output: invoice.updated
}

func ExampleEvents_RecoverSince() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("5"))})
	if err != nil {
		log.Fatal(err)
	}
	var seen string
	for e, err := range pepay.Events.List(ctx, client.EventFilter{Cursor: client.Cursor{Limit: 1}}) {
		if err != nil {
			log.Fatal(err)
		}
		seen = e.ID
	}
	customerPays(made)
	if _, err := pepay.Invoices.WaitForStatus(ctx, made.InvoiceID, "paid"); err != nil {
		log.Fatal(err)
	}

	for event, err := range pepay.Events.RecoverSince(ctx, seen, client.EventFilter{InvoiceID: made.InvoiceID}) {
		if err != nil {
			log.Fatal(err)
		}
		if fmt.Println(event.Type); event.Type == "invoice.updated" {
			break // its settlement follows
		}
	}
	// Output:
	// invoice_payment.created
	// invoice_payment.updated
	// invoice.updated
}

// What a payor does, for a checkout of your own.
func ExamplePayor() {
	ctx, pepay := context.Background(), shop()
	made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("25.50"))})
	if err != nil {
		log.Fatal(err)
	}
	payor := client.NewPayor(deployment().URL, made.PaymentSessionHeaders)
	tokens, err := payor.Tokens(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	quote, err := payor.Address(ctx, tokens[0].Network, tokens[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(quote.QuoteStatus, quote.EstimatedTokenAmount, tokens[0].TokenSymbol)
	// Output: available 25.500000 DUSDC
}

// A receiver of webhooks.
func ExampleVerifyWebhook() {
	const secret = "whsec_0123456789abcdefghijklmnopqrstuv"
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusBadRequest)
			return
		}
		event, err := client.VerifyWebhook(body, r.Header, secret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Println(event.ID, event.Type) // do it once for each event.ID
	}

	// What the server sends:
	body := `{"id":"evt_1765540800123-42","object":"event","type":"invoice.updated"}`
	r := httptest.NewRequest(http.MethodPost, "/pepay", strings.NewReader(body))
	client.SignWebhook(r.Header, []byte(body), secret, time.Now())
	handler(httptest.NewRecorder(), r)
	// Output: evt_1765540800123-42 invoice.updated
}
