package client_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/testkit"
)

// documented returns a client whose every exchange is held to openapi.yaml.
func documented(t *testing.T, c *client.Client) *client.Client {
	c.HTTP = &http.Client{Transport: testkit.OpenAPI(t).Transport(t, http.DefaultTransport)}
	return c
}

// Every method speaks as openapi.yaml says, to a server that does.
func TestAgainstTheApp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		pepay, ctx := documented(t, client.New(a.URL+"/", a.Key)), t.Context()
		try := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		made, err := pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{
			AmountUSD: new(api.Number("25.5")), CustomerID: new("a/b c"), ExpiresIn: new(api.Number("3600000")), Metadata: []byte(`{"order":7}`),
		})
		try("create", err)
		i, err := pepay.Invoices.Get(ctx, made.InvoiceID, "payments", "latest_payment")
		if try("get", err); i.Amount != 25500 || i.Payments == nil || string(i.LatestPayment) != "null" {
			t.Errorf("%+v", i)
		}
		count := func(what string, f client.InvoiceFilter, want int) {
			t.Helper()
			n := 0
			for _, err := range pepay.Invoices.List(ctx, f) {
				try(what, err)
				n++
			}
			if n != want {
				t.Errorf("%s: %d invoices, want %d", what, n, want)
			}
		}
		count("all", client.InvoiceFilter{}, 1)
		count("all filters", client.InvoiceFilter{Status: []string{"unpaid", "paid"}, Type: []string{"standard"}, CustomerID: "a/b c", Environment: "devnet", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Expand: []string{"payments"}, PaymentsLimit: 3}, 1)
		count("a payer", client.InvoiceFilter{PayerWallet: "0x52908400098527886E0F7030069857D2E4169EE7", PayerNetwork: "ethereum"}, 0)
		n := 0
		for i, err := range pepay.Invoices.ByCustomer(ctx, "a/b c", client.InvoiceFilter{}) {
			if try("by customer", err); i.ID == made.InvoiceID {
				n++
			}
		}
		totals, err := pepay.Invoices.Totals(ctx, client.InvoiceFilter{Cursor: client.Cursor{Limit: 3}, Status: []string{"unpaid"}})
		if try("totals", err); n != 1 || totals.Totals["unpaid"].Amount != 25500 {
			t.Errorf("%d by customer, %+v", n, totals)
		}
		s, err := pepay.Invoices.Status(ctx, made.InvoiceID)
		if try("status", err); s.Invoice.Status != "unpaid" {
			t.Errorf("%+v", s)
		}
		payor := client.NewPayor(a.URL, made.PaymentSessionHeaders)
		_, err = payor.Details(ctx)
		try("details", err)
		tokens, err := payor.Tokens(ctx, "ethereum")
		if try("tokens", err); len(tokens) != 2 {
			t.Errorf("%+v", tokens)
		}
		_, err = payor.Address(ctx, "ethereum", testkit.Ether)
		try("address", err)
		_, err = payor.Status(ctx)
		try("payment status", err)

		canceled, err := pepay.Invoices.Cancel(ctx, made.InvoiceID)
		if try("cancel", err); canceled.Status != "canceled" {
			t.Errorf("%+v", canceled)
		}
		if v, err := pepay.Invoices.WaitForStatus(ctx, made.InvoiceID, "paid"); !errors.Is(err, client.ErrFinal) || v.Invoice.Status != "canceled" {
			t.Errorf("waiting in vain: %v", err)
		}
		if _, err := pepay.Invoices.WaitForStatus(ctx, made.InvoiceID); err != nil {
			t.Errorf("waiting for any end: %v", err)
		}

		var ids []string
		for e, err := range pepay.Events.List(ctx, client.EventFilter{Types: []string{"invoice.*"}, InvoiceID: made.InvoiceID, CustomerID: "a/b c", Environment: "devnet", From: time.Now().Add(-time.Hour), To: time.Now()}) {
			try("events", err)
			ids = append(ids, e.ID)
		}
		if len(ids) != 2 {
			t.Fatalf("events %v", ids)
		}
		for _, err := range pepay.Events.List(ctx, client.EventFilter{InvoiceType: "standard", OrderID: "o", WalletAddress: "0x52908400098527886E0F7030069857D2E4169EE7", WalletNetwork: "ethereum"}) {
			t.Errorf("an event of no such order: %v", err)
		}
		e, err := pepay.Events.Get(ctx, ids[0])
		if try("event", err); e.Type != "invoice.updated" || e.Request.IdempotencyKey == nil {
			t.Errorf("%+v", e)
		}
		_, err = pepay.Events.StreamToken(ctx, api.TicketRequest{TTLSeconds: new(api.Number("30"))})
		try("stream token", err)

		end, err := pepay.Webhooks.Create(ctx, api.CreateEndpointRequest{URL: new("http://127.0.0.1:9/hook"), EnabledEvents: []string{"invoice.*"}})
		if try("webhook", err); end.Secret == "" {
			t.Error("no secret")
		}
		for one, err := range pepay.Webhooks.List(ctx, client.Cursor{}) {
			if try("webhooks", err); one.ID != end.ID || one.Secret != "" {
				t.Errorf("%+v", one)
			}
		}
		useWebhook(t, pepay, end)
		useTokens(t, pepay)

		for what, err := range map[string]error{
			"B 401": second(client.New(a.URL, "no").Invoices.Get(ctx, made.InvoiceID)),
			"B 400": second(pepay.Invoices.Get(ctx, "banana")),
			"A 404": second(pepay.Invoices.Get(ctx, testkit.UUID())),
			"A 401": second(client.NewPayor(a.URL, api.PaymentSessionHeaders{SessionToken: "x", Signature: "y"}).Status(ctx)),
			"A 400": second(payor.Address(ctx, "ethereum", testkit.Dollar)),
		} {
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.Code == "" || e.Message == "" || e.RequestID == "" || !strings.HasSuffix(what, strconv.Itoa(e.Status)) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// cutter passes bytes on to a server, and cuts every connection now and then.
type cutter struct {
	net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
}

func cut(t *testing.T, to string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to}
	t.Cleanup(func() { _ = l.Close(); c.all() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			c.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				}()
			}
		}
	}()
	return c
}

// all cuts every connection.
func (c *cutter) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// Against the real server, by wires that are cut again and again, the reader has
// every event of its filter once and in order.
func TestStreamAgainstTheApp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		wires := cut(t, strings.TrimPrefix(a.URL, "http://"))
		pepay, direct := client.New("http://"+wires.Addr().String(), a.Key), client.New(a.URL, a.Key)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		const invoices = 60
		begun, heard := make(chan struct{}), make(chan string, 4*invoices)
		go func() {
			chance := rand.New(rand.NewPCG(1, 1))
			for n := range invoices {
				if n == 6 {
					<-begun
				}
				made, err := direct.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("1")), CustomerID: new([]string{"ours", "theirs"}[n%2])})
				if err == nil && chance.IntN(2) == 0 {
					_, err = direct.Invoices.Cancel(ctx, made.InvoiceID)
				}
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				if n%12 == 11 { // and again once it has recovered
					wires.all()
					made, _ := direct.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("1")), CustomerID: new("ours")})
					for here := false; !here && ctx.Err() == nil; {
						select {
						case object := <-heard:
							here = strings.Contains(object, made.InvoiceID)
						case <-ctx.Done():
						}
					}
				}
			}
			if _, err := direct.Invoices.Create(ctx, api.CreateInvoiceRequest{AmountUSD: new(api.Number("2")), CustomerID: new("ours")}); err != nil {
				t.Error(err)
				cancel()
			}
		}()
		var first string
		for first == "" && ctx.Err() == nil {
			for e, err := range direct.Events.List(ctx, client.EventFilter{CustomerID: "ours"}) {
				if err != nil {
					t.Fatal(err)
				}
				first = e.ID
			}
		}
		got, once := []string{}, sync.OnceFunc(func() { close(begun) })
		lost := 0
		for e, err := range pepay.Events.Stream(ctx, client.Subscription{Since: first, CustomerID: "ours", Types: []string{"invoice.*"}, Notice: func(error) { lost++ }}) {
			if err != nil {
				t.Fatal(err)
			}
			once()
			heard <- string(e.Data.Object)
			if got = append(got, e.ID); strings.Contains(string(e.Data.Object), `"amount":2000`) {
				break
			}
		}
		var want []string
		for e, err := range direct.Events.RecoverSince(t.Context(), first, client.EventFilter{CustomerID: "ours"}) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, e.ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("after %d cuts got %v\nwant %v", lost, got, want)
		}
		t.Logf("%d events over %d cuts", len(got), lost)
	})
}

// Each stream is for the keys of its scope.
func TestStreamScopes(t *testing.T) {
	t.Parallel()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", nil)
	shop, till := client.New(a.URL, a.Key).Events, client.New(a.URL, a.Commerce).Events
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for name, stream := range map[string]iter.Seq2[api.Event, error]{"shop": shop.CommerceStream(ctx, client.Subscription{}), "till": till.Stream(ctx, client.Subscription{})} {
		var last error
		for _, err := range stream {
			last = err
		}
		if e, ok := errors.AsType[*client.Error](last); !ok || e.Status != http.StatusForbidden {
			t.Errorf("%s: %v", name, last)
		}
	}
}
