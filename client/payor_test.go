package client_test

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/testkit"
)

// By wires that are cut after every event, a payor has each event of the invoice once
// and in order, and no other's.
func TestPayorStreamAgainstTheApp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		wires := cut(t, strings.TrimPrefix(a.URL, "http://"))
		pepay := client.New(a.URL, a.Key)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("25.5"))})
		if err != nil {
			t.Fatal(err)
		}
		payor := client.NewPayor("http://"+wires.Addr().String(), made.PaymentSessionHeaders)
		at, err := payor.Address(ctx, "ethereum", testkit.Dollar)
		if err != nil {
			t.Fatal(err)
		}
		direct := testkit.Dial(t, a.URL+"/ws/payment?token="+at.WSConnection.Token+"&since=evt_0-0", nil)
		if f := direct.Next(); f.Type != "resync_required" {
			t.Fatalf("%s", f.Raw)
		}
		// Two parts, and in between what is another's.
		for _, units := range []int64{10_000_000, 15_500_000} {
			a.Pay(contracts.TestDollar, at.TempAddress, big.NewInt(units))
			if _, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("1"))}); err != nil {
				t.Fatal(err)
			}
			a.Mine(4)
		}
		final := direct.Until(func(e api.Event) bool { return strings.Contains(string(e.Data.Object), `"status":"paid"`) })
		var got, want []string
		for e, err := range payor.Stream(ctx, at, direct.Got[0].ID, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e.ID); e.ID == final.ID {
				break
			}
			wires.all()
		}
		for _, e := range direct.Got[1:] {
			want = append(want, e.ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || len(want) < 4 {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}

// A payor who goes on from an event that the server does not know is told, and gets
// what comes.
func TestPayorStreamAfterLongAbsence(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		pepay := client.New(a.URL, a.Key)
		made, session := a.Open(`{"amount_usd":1}`)
		payor := client.NewPayor(a.URL, made.PaymentSessionHeaders)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		told := 0
		for e, err := range payor.Stream(ctx, a.Allocate(session, testkit.Dollar), "evt_1-1", func(err error) {
			if told++; !errors.Is(err, client.ErrForgotten) {
				t.Error(err)
			}
			if _, err := pepay.Invoices.Cancel(ctx, made.InvoiceID); err != nil {
				t.Error(err)
			}
		}) {
			if err != nil || e.Type != "invoice.updated" {
				t.Errorf("%s %v", e.Type, err)
			}
			break
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// A ticket that is too old is replaced; when that does not help, the stream ends.
func TestPayorStreamRenewsItsTicket(t *testing.T) {
	t.Parallel()
	good, asked := "new", 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/payments/payment-addresses", func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(`{"ws_connection":{"token":"new"}}`))
	})
	mux.HandleFunc("GET /ws/payment", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("token") != good {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"too old","code":"TOKEN_INVALID"}`))
			return
		}
		if c, err := new(websocket.Upgrader).Upgrade(w, r, nil); err == nil {
			_ = c.WriteJSON(api.Event{Object: "event", ID: "evt_5-5"})
			_, _, _ = c.ReadMessage()
			_ = c.Close()
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	payor := client.NewPayor(s.URL, api.PaymentSessionHeaders{SessionToken: "x", Signature: "y"})
	old := api.PaymentAddress{Network: "ethereum", WSConnection: api.WSConnection{Token: "old"}}
	for e, err := range payor.Stream(t.Context(), old, "evt_4-4", nil) {
		if err != nil || e.ID != "evt_5-5" {
			t.Errorf("%s %v", e.ID, err)
		}
		break
	}
	good = "other"
	var last error
	for _, err := range payor.Stream(t.Context(), old, "", nil) {
		last = err
	}
	if e, ok := errors.AsType[*client.Error](last); !ok || e.Code != "TOKEN_INVALID" || asked != 2 {
		t.Errorf("asked %d times: %v", asked, last)
	}
}
