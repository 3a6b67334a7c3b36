package app_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// pursued is an order watched in every way there is.
type pursued struct {
	testkit.Shopper
	a      *testkit.App
	socket *testkit.Socket
	sink   *testkit.Sink
}

func follow(t *testing.T, a *testkit.App) *pursued {
	t.Helper()
	sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
	testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`/hook","enabled_events":["commerce.order.*"]}`, testkit.Headers{"x-api-key", a.Key})
	h := http.Header{"X-Api-Key": {a.Commerce}}
	return &pursued{a.Shopper("cust_1"), a, testkit.Dial(t, a.URL+"/ws/commerce/events?types=commerce.order.*", h), sink}
}

// agree expects the order to be in a state, and that REST, the stream, the events API and
// a webhook say the same of it, byte for byte.
func (f *pursued) agree(order, status string) api.Order {
	f.T.Helper()
	e := f.socket.Until(func(e api.Event) bool { return e.Type != "commerce.order.created" && said(f.T, e).Status == status })
	_, rest := testkit.Do(f.T, "GET", f.a.URL+"/api/commerce/merchant/orders/"+order, "", f.Headers)
	var wrapped struct{ Data json.RawMessage }
	if err := json.Unmarshal(rest, &wrapped); err != nil {
		f.T.Fatal(err)
	}
	_, listed := testkit.Do(f.T, "GET", f.a.URL+"/api/v1/events/"+e.ID, "", f.Headers)
	testkit.Eventually(f.T, "the webhook of "+status, func() bool {
		return slices.ContainsFunc(f.sink.Got(), func(r testkit.Received) bool { return r.Status == 200 && r.Header.Get("X-Pepay-Event-ID") == e.ID })
	})
	for _, r := range f.sink.Got() {
		if r.Header.Get("X-Pepay-Event-ID") == e.ID && !bytes.Contains(r.Body, e.Data.Object) {
			f.T.Errorf("the webhook says\n%s\nthe stream\n%s", r.Body, e.Data.Object)
		}
	}
	if !bytes.Contains(listed, e.Data.Object) {
		f.T.Errorf("the events API says\n%s\nthe stream\n%s", listed, e.Data.Object)
	}
	if !bytes.Equal(wrapped.Data, e.Data.Object) {
		f.T.Errorf("REST says\n%s\nthe stream\n%s", wrapped.Data, e.Data.Object)
	}
	return said(f.T, e)
}

func said(t testing.TB, e api.Event) (o api.Order) {
	t.Helper()
	if err := json.Unmarshal(e.Data.Object, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// An order is paid on the development chain, settled there, and placed with the
// provider, without the simulator; then it is simulated to its end.
func TestBuy(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		f := follow(t, a)
		bought := f.Buy(testkit.Dripper, "")
		if bought.Amount != "13.99" || bought.Status != "unpaid" {
			t.Fatalf("bought %+v", bought)
		}
		payor := testkit.Headers{"x-session-token", bought.Session, "x-signature", bought.Signature}
		address := a.Allocate(payor, testkit.Dollar)
		a.Pay(contracts.TestDollar, address.TempAddress, units(t, address.EstimatedTokenAmount))
		a.Mine(3)
		o := f.agree(bought.OrderID, "processing")
		payorHearsNothing(t, a, address)
		if o.Payment.Status != "paid" || o.Payment.TxHash == nil || o.Payment.Settlement.Status != "pending" {
			t.Errorf("paid: %+v", o.Payment)
		}
		a.MineSlowly("the order is placed", func() bool { return f.See(bought.OrderID).Status == "placed" })
		o = f.agree(bought.OrderID, "placed")
		if o.Payment.Settlement.Status != "settled" || *o.Payment.Settlement.Network != "ethereum" || *o.Substatus != "AWAITING_TRACKING" || !o.Actions.CanCancel {
			t.Errorf("placed: %+v", o)
		}
		f.Simulate(bought.OrderID, "shipped", `"tracking":{"carrier":"UPS","trackingNumber":"1Z999AA10123456784"}`)
		o = f.agree(bought.OrderID, "shipped")
		if s := o.Fulfillment.Shipments; len(s) != 1 || *s[0].TrackingNumber != "1Z999AA10123456784" || *s[0].CarrierTrackingURL != "https://t.17track.net/en#nums=1Z999AA10123456784" {
			t.Errorf("shipped: %+v", s)
		}
		f.Simulate(bought.OrderID, "delivery_confirmed", "")
		o = f.agree(bought.OrderID, "delivered")
		var told []string
		for _, m := range o.Timeline {
			told = append(told, m.Status)
		}
		if got := strings.Join(told, " "); got != "processing placed shipped delivered" {
			t.Errorf("timeline: %s", got)
		}
	})
}

// payorHearsNothing expects that who has a link to pay is told of the payment, and not of
// the order: where it goes is no business of his.
func payorHearsNothing(t *testing.T, a *testkit.App, address api.PaymentAddress) {
	t.Helper()
	first := testkit.Events(t, a.Store, a.Merchant.ID)[0]
	s := testkit.Dial(t, "ws"+a.URL[4:]+address.WSConnection.WSURL+"&token="+address.WSConnection.Token+"&since="+first.ID, nil)
	defer s.Close()
	for f := s.Next(); f.Type != "replay_complete"; f = s.Next() {
		if strings.HasPrefix(f.Type, "commerce.") {
			t.Errorf("the payor was told %s", f.Raw)
		}
	}
	if len(s.Got) == 0 {
		t.Error("the payor was told nothing at all")
	}
}

// The ways an order ends badly, over HTTP.
func TestOrdersThatComeToNothing(t *testing.T) {
	t.Parallel()
	const refund = `"refundDestinationWalletAddressBsc":"0x0000000000000000000000000000000000000001"`
	pay := func(t *testing.T, f *pursued, o api.CheckoutInvoice) {
		address := f.a.Allocate(testkit.Headers{"x-session-token", o.Session, "x-signature", o.Signature}, testkit.Dollar)
		f.a.Pay(contracts.TestDollar, address.TempAddress, units(t, address.EstimatedTokenAmount))
	}
	until := func(f *pursued, order string, done func(api.Order) bool) api.Order {
		f.a.MineSlowly("the order ends", func() bool { return done(f.See(order)) })
		return f.See(order)
	}
	for name, story := range map[string]func(*testing.T, *pursued){
		"sold out": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.SoldOut, refund)
			pay(t, f, bought)
			until(f, bought.OrderID, func(o api.Order) bool { return o.Status == "failed" })
			if o := f.agree(bought.OrderID, "failed"); o.RefundStatus != "COMPLETED" || *o.Refund.AmountUSD != "19.00" || *o.Refund.FeeUSD != "0.00" || o.Actions.CanCancel {
				t.Errorf("failed: %+v", o.Refund)
			}
		},
		"sold out, and nobody to refund": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.SoldOut, "")
			pay(t, f, bought)
			until(f, bought.OrderID, func(o api.Order) bool { return o.Status == "failed" })
			if o := f.agree(bought.OrderID, "failed"); o.RefundStatus != "PENDING" || o.Refund.Destination != nil {
				t.Errorf("failed: %+v", o.Refund)
			}
		},
		"cancelled before it was paid": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.Dripper, "")
			f.Headers = append(f.Headers, "Idempotency-Key", testkit.UUID())
			f.Post("orders/"+bought.OrderID+"/cancel", "")
			if o := f.agree(bought.OrderID, "cancelled"); o.CancellationStatus != "cancelled" || o.RefundStatus != "NONE" || len(o.Timeline) != 1 {
				t.Errorf("cancelled: %+v", o)
			}
			if s := f.a.Status(bought.InvoiceID).Invoice; s.Status != "canceled" {
				t.Errorf("its invoice is %s", s.Status)
			}
		},
		"its invoice cancelled": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.Dripper, "")
			testkit.Ask[api.Invoice](t, "POST", f.a.URL+"/api/v1/invoices/"+bought.InvoiceID+"/cancel", "", testkit.Headers{"x-api-key", f.a.Key})
			if o := f.agree(bought.OrderID, "cancelled"); o.Substatus != nil {
				t.Errorf("cancelled: %+v", o)
			}
		},
		"cancelled by the retailer": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.Dripper, "")
			pay(t, f, bought)
			until(f, bought.OrderID, func(o api.Order) bool { return o.Status == "placed" })
			h := append(slices.Clone(f.Headers), "Idempotency-Key", testkit.UUID())
			if status, b := testkit.Do(t, "POST", f.URL+"/api/commerce/merchant/orders/"+bought.OrderID+"/cancel", "", h); status != 400 || !bytes.Contains(b, []byte("REFUND_DESTINATION_REQUIRED")) {
				t.Errorf("without a destination: %d %s", status, b)
			}
			f.Headers = append(f.Headers, "Idempotency-Key", testkit.UUID())
			if b := f.Post("orders/"+bought.OrderID+"/cancel", refund); !bytes.Contains(b, []byte(`"refundQuote":{"amountUsd":"13.99","feeUsd":"0.00","netAmountUsd":"13.99","network":"bsc","destinationWalletAddressBsc":"0x0000000000000000000000000000000000000001"}`)) {
				t.Errorf("answered %s", b)
			}
			until(f, bought.OrderID, func(o api.Order) bool { return o.RefundStatus == "COMPLETED" })
			if o := f.agree(bought.OrderID, "cancelled"); o.CancellationStatus != "cancelled" || *o.Refund.AmountUSD != "13.99" || o.Refund.TxHash == nil {
				t.Errorf("cancelled: %+v", o)
			}
		},
		"kept by the retailer": func(t *testing.T, f *pursued) {
			bought := f.Buy(testkit.Keeper, refund)
			pay(t, f, bought)
			until(f, bought.OrderID, func(o api.Order) bool { return o.Status == "placed" })
			f.Headers = append(f.Headers, "Idempotency-Key", testkit.UUID())
			f.Post("orders/"+bought.OrderID+"/cancel", "")
			o := until(f, bought.OrderID, func(o api.Order) bool { return o.CancellationStatus == "rejected" })
			if o.Status != "placed" || o.RefundStatus != "NONE" || o.Actions.CanCancel {
				t.Errorf("kept: %+v", o)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				story(t, follow(t, testkit.StartApp(t, url, nil)))
			})
		})
	}
}

// A payment that is on its way when an order's time is up is waited for; one that is
// made too late brings nothing back.
func TestOrderExpiresWhileItIsPaid(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"in time": false, "too late": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				var ahead atomic.Int64 // of the time of the chain
				a := testkit.StartApp(t, url, func(o *app.Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
				f := follow(t, a)
				if late {
					ahead.Store(int64(-35 * time.Minute))
				}
				bought := f.Buy(testkit.Dripper, "")
				address := a.Allocate(testkit.Headers{"x-session-token", bought.Session, "x-signature", bought.Signature}, testkit.Dollar)
				if late {
					ahead.Store(0)
					if o := f.agree(bought.OrderID, "cancelled"); *o.Substatus != "PAYMENT_EXPIRED" || o.Actions.CanCancel || o.RefundStatus != "NONE" {
						t.Errorf("expired: %+v", o)
					}
				}
				a.Pay(contracts.TestDollar, address.TempAddress, big.NewInt(13_990_000))
				a.Mine(1)
				testkit.Eventually(t, "the payment is seen", func() bool { return a.Status(bought.InvoiceID).LatestPayment != nil })
				if !late {
					ahead.Store(int64(31 * time.Minute))
				}
				a.MineSlowly("the payment is decided", func() bool { return a.Status(bought.InvoiceID).LatestPayment.Status != "pending" })
				if late {
					if s, o := a.Status(bought.InvoiceID), f.See(bought.OrderID); s.Invoice.Status != "expired" || s.LatestPayment.Status != "manual_retry" || o.Status != "cancelled" || o.Payment.Status != "pending" {
						t.Errorf("after a late payment: %+v, %+v", s, o)
					}
					return
				}
				if o := f.agree(bought.OrderID, "processing"); o.Payment.Status != "paid" {
					t.Errorf("paid in time: %+v", o)
				}
			})
		})
	}
}

// units are the base units of a decimal amount.
func units(t testing.TB, amount string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(strings.ReplaceAll(amount, ".", ""), 10)
	if !ok {
		t.Fatal(amount)
	}
	return n
}
