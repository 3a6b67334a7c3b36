package server_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// fact appends an event about an invoice, named by the text in its object.
func (d *desk) fact(name string, t pay.EventType, i pay.Invoice) {
	d.t.Helper()
	i.MerchantID = d.Merchant.ID
	if err := d.Store.Write(context.Background(), func(tx *store.Tx) error {
		tx.AppendEvent(pay.EventOf(i, t, fmt.Appendf(nil, `{"name":%q}`, name), []byte("{}")))
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
}

// facts are events of all kinds, in this order after a first one.
func (d *desk) facts() {
	plain := pay.Invoice{ID: "i1", Environment: pay.Devnet, Type: pay.Standard, CustomerID: "c1"}
	sold := pay.Invoice{ID: "i2", Environment: pay.Devnet, Type: pay.Commerce, CustomerID: "c1", OrderID: "o1"}
	real := pay.Invoice{ID: "i3", Environment: pay.Mainnet, Type: pay.Commerce, CustomerID: "c2", OrderID: "o2", PayerAddress: "0xAbCd", PayerNetwork: "base"}
	d.fact("a", pay.InvoiceCreated, plain)
	d.fact("b", pay.InvoiceCreated, sold)
	d.fact("c", pay.OrderCreated, pay.Invoice{ID: "i2", Environment: pay.Devnet, OrderID: "o1"})
	d.fact("q", pay.QuoteUpdated, sold)
	sold.PayerAddress, sold.PayerNetwork = "0xABCD", "ethereum"
	d.fact("d", pay.PaymentCreated, sold)
	d.fact("e", pay.InvoiceUpdated, sold)
	d.fact("f", pay.InvoiceUpdated, real)
	d.fact("z", pay.InvoiceUpdated, plain)
}

func named(es []api.Event) (s string) {
	for _, e := range es {
		if _, name, ok := strings.Cut(string(e.Data.Object), `"name":"`); ok {
			s += name[:1]
		}
	}
	return s
}

// The list and both streams, replaying and live, tell of the same events for the same
// filters, and of no others.
func TestFiltersAgree(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, func(o *app.Options) { o.Networks = nil })
		d.fact("first", pay.InvoiceCreated, pay.Invoice{ID: "i0", Environment: pay.Devnet, Type: pay.Commerce})
		since := testkit.Events(t, d.Store, d.Merchant.ID)[0].ID
		d.facts()
		commerce := testkit.Headers{"x-api-key", d.Commerce}
		for _, c := range []struct {
			scope, filter, want string
		}{
			{"merchant", "", "abcdefz"},
			{"merchant", "&types=invoice.*", "abefz"},
			{"merchant", "&types=invoice_payment.*,commerce.order.created", "cd"},
			{"merchant", "&invoice_type=commerce", "bcdef"},
			{"merchant", "&invoice_type=standard", "az"},
			{"merchant", "&invoice_type=standard,commerce", "abcdefz"},
			{"merchant", "&invoice_id=i2&types=invoice.updated", "e"},
			{"merchant", "&customer_id=c1", "abdez"},
			{"merchant", "&order_id=o1", "bcde"},
			{"merchant", "&wallet_address=0xabcd", "def"},
			{"merchant", "&wallet_address=0xABCD&wallet_network=base", "f"},
			{"merchant", "&wallet_network=solana", ""},
			{"merchant", "&environment=mainnet", "f"},
			{"merchant", "&environment=devnet&order_id=o2", ""},
			{"commerce", "", "bcde"},
			{"commerce", "&types=invoice.*", "be"},
			{"commerce", "&types=commerce.order.*", "c"},
			{"commerce", "&order_id=o1&wallet_address=0xaBcD", "de"},
			{"commerce", "&order_id=o2", ""},
			{"commerce", "&invoice_id=i1", ""},
			{"commerce", "&customer_id=c1&wallet_network=ethereum&environment=devnet&invoice_type=commerce", "de"},
		} {
			key := map[string]testkit.Headers{"merchant": d.key, "commerce": commerce}[c.scope]
			l := decode[api.Wrapped[api.List[api.Event]]](t, d.stray("GET /api/v1/events?limit=100&ending_before="+since+strings.Replace(c.filter, "&types=", "&type=", 1), "", key))
			slices.Reverse(l.Data.Data)
			if got := named(l.Data.Data); got != c.want {
				t.Errorf("the list for %s%s is %s, want %s", c.scope, c.filter, got, c.want)
			}
			s := testkit.Dial(t, d.URL+"/ws/"+c.scope+"/events?since="+since+c.filter, http.Header{key[0]: {key[1]}})
			for s.Next().Type != "replay_complete" {
			}
			if got := named(s.Got); got != c.want {
				t.Errorf("the replay for %s%s is %s, want %s", c.scope, c.filter, got, c.want)
			}
			s.Close()
		}
		live := map[string]*testkit.Socket{}
		for path, key := range map[string]testkit.Headers{"/ws/merchant/events?order_id=o1": d.key, "/ws/commerce/events?format=event_v1": commerce, "/ws/merchant/events?wallet_address=0xabcd": d.key} {
			last := testkit.Events(t, d.Store, d.Merchant.ID)
			live[path] = testkit.Dial(t, d.URL+path+"&since="+last[len(last)-1].ID, http.Header{key[0]: {key[1]}})
		}
		for _, s := range live {
			for s.Next().Type != "replay_complete" {
			}
		}
		d.facts()
		for path, want := range map[string]string{"/ws/merchant/events?order_id=o1": "bcde", "/ws/commerce/events?format=event_v1": "bcde", "/ws/merchant/events?wallet_address=0xabcd": "def"} {
			s := live[path]
			for range want {
				s.Next()
			}
			if got := named(s.Got); got != want {
				t.Errorf("live, %s tells %s, want %s", path, got, want)
			}
		}
		for _, e := range testkit.Events(t, d.Store, d.Merchant.ID) { // one at a time, too
			a := d.stray("GET /api/v1/events/"+e.ID, "", commerce)
			if sees := e.Environment == pay.Devnet && e.InvoiceType == pay.Commerce && !e.Type.Private(); sees != (a.status == 200) {
				t.Errorf("a commerce key asks for %s %s: %d", e.Type, e.Object, a.status)
			}
		}
		refused(t, d.ask("GET /api/v1/events?environment=mainnet", "", commerce), 403, "B", "FORBIDDEN")
		refused(t, d.ask("GET /api/v1/events?invoice_type=standard", "", commerce), 403, "B", "FORBIDDEN")
		refused(t, d.ask("GET /api/v1/events?wallet_network=bitcoin", "", d.key), 400, "B", "VALIDATION_ERROR")
		hidden := testkit.Events(t, d.Store, d.Merchant.ID)[1].ID // of a plain invoice: no cursor for commerce
		refused(t, d.ask("GET /api/v1/events?starting_after="+hidden, "", commerce), 400, "B", "VALIDATION_ERROR")
	})
}

// The doors of the commerce stream, and what every stream refuses before it opens.
func TestCommerceStreamDoors(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Networks = nil })
	ticket := decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", "", testkit.Headers{"x-commerce-api-key", d.Commerce})).Data
	other := decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", "", d.key)).Data
	const path = "/ws/commerce/events"
	for _, a := range []answer{
		d.knock(path+"?token="+ticket.Token, nil), d.knock(path, testkit.Headers{"x-commerce-api-key", d.Commerce}), d.knock(path, testkit.Headers{"x-api-key", d.Commerce}),
	} {
		if a.status != http.StatusSwitchingProtocols {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	refused(t, d.knock(path, nil), 401, "A", "API_KEY_INVALID")
	refused(t, d.knock(path+"?token="+other.Token, nil), 401, "A", "TOKEN_INVALID")
	refused(t, d.knock("/ws/merchant/events?token="+ticket.Token, nil), 401, "A", "TOKEN_INVALID")
	refused(t, d.knock(path, d.key), 403, "A", "FORBIDDEN")
	refused(t, d.knock(path+"?environment=mainnet&token="+ticket.Token, nil), 403, "A", "FORBIDDEN")
	refused(t, d.knock(path+"?invoice_type=standard&token="+ticket.Token, nil), 403, "A", "FORBIDDEN")
	for _, q := range []string{
		"since=evt_", "since=evt_1", "since=evt_1-x", "since=evt_1-1&since=evt_1-2", "types=order.*", "type=invoice.*", "order=o1", "wallet_network=bitcoin", "wallet_network=BASE", "invoice_type=x",
		"order_id=%00", "wallet_address=" + strings.Repeat("x", 256), "format=event_v2", "format=event_v1&format=event_v1", "limit=1", "created[gte]=1", "environment=x", "%zz", "a;b",
	} {
		refused(t, d.knock(path+"?"+q, testkit.Headers{"x-api-key", d.Commerce}), 400, "A", "VALIDATION_ERROR")
	}
	a := send(t, http.DefaultClient, d.URL, "GET "+path, "x", testkit.Headers{"x-api-key", d.Commerce, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="})
	refused(t, a, 400, "A", "VALIDATION_ERROR") // a body would be taken for frames
}

// Nobody opens more sockets than allowed: neither a key, by itself or by its tickets,
// nor the payors of an invoice, nor an address. A socket that ends makes room.
func TestSocketLimits(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]app.LimitOptions{
		"holder":  {Rates: server.Rates{PerKey: 1e6, PerSession: 1e6, WrongKeys: 1e6}, SocketsPerKey: 2},
		"address": {Rates: server.Rates{PerKey: 1e6, PerSession: 1e6, WrongKeys: 1e6}, SocketsPerAddress: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Limits = limits })
			_, payor := d.Open(`{"amount_usd":1}`)
			pays := "/ws/payment?token=" + d.Allocate(payor, testkit.Dollar).WSConnection.Token
			sells := "/ws/merchant/events?token=" + decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", `{"ttl_seconds":600}`, d.key)).Data.Token
			key := http.Header{"X-Api-Key": {d.Key}}
			one := testkit.Dial(t, d.URL+sells, nil)
			testkit.Dial(t, d.URL+"/ws/merchant/events", key)
			testkit.Dial(t, d.URL+pays, nil)
			testkit.Dial(t, d.URL+pays, nil)
			for _, path := range []string{sells, pays} {
				a := d.knock(path, nil)
				if refused(t, a, 429, "D", "RATE_LIMIT_EXCEEDED"); a.header.Get("Retry-After") != "30" {
					t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
				}
			}
			refused(t, d.knock("/ws/merchant/events?x=1", d.key), 400, "A", "VALIDATION_ERROR")                                                            // takes no room
			refused(t, d.knock("/ws/merchant/events", testkit.Headers{"x-api-key", d.Key, "Sec-WebSocket-Protocol", ""}), 429, "D", "RATE_LIMIT_EXCEEDED") // nor did that
			one.Close()
			testkit.Eventually(t, "there is room again", func() bool { return d.knock(sells, nil).status == http.StatusSwitchingProtocols })
		})
	}
}

// Events past their time are gone from the list, from cursors and from replays, and
// each says so; ids go on, and what is owed to a webhook stays.
func TestRetention(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		clock := new(moved)
		d := newDesk(t, address, func(o *app.Options) { o.Networks, o.Now = nil, clock.Now })
		const keep = 30 * 24 * time.Hour
		for range 1300 { // more than two pieces
			d.fact("o", pay.InvoiceCreated, pay.Invoice{ID: "i1", Environment: pay.Devnet})
		}
		old := testkit.Events(t, d.Store, d.Merchant.ID)
		clock.Add(keep - time.Hour)
		d.fact("n", pay.InvoiceUpdated, pay.Invoice{ID: "i1", Environment: pay.Devnet})
		forget := func() (again time.Time) {
			t.Helper()
			again, err := d.Billing.ForgetEvents(context.Background(), keep)
			if err != nil {
				t.Fatal(err)
			}
			return again
		}
		forget()
		if n := len(testkit.Events(t, d.Store, d.Merchant.ID)); n != 1301 {
			t.Fatalf("%d events are left within their time", n)
		}
		clock.Add(2 * time.Hour)
		if again := forget(); again.Sub(clock.Now()) < 23*time.Hour {
			t.Errorf("it goes on at %s", again)
		}
		left := testkit.Events(t, d.Store, d.Merchant.ID)
		if len(left) != 1 || left[0].Seq != 1301 {
			t.Fatalf("%d events are left, the first is %s", len(left), left[0].ID)
		}
		clock.Add(10 * keep)
		forget()
		if left = testkit.Events(t, d.Store, d.Merchant.ID); len(left) != 1 {
			t.Fatalf("the last event of a stream is gone: %d", len(left))
		}
		for _, cursor := range []string{"starting_after", "ending_before"} {
			a := d.ask("GET /api/v1/events?"+cursor+"="+old[7].ID, "", d.key)
			if refused(t, a, 400, "B", "VALIDATION_ERROR"); !strings.Contains(a.body, "older than what is kept") {
				t.Errorf("%s: %s", cursor, a.body)
			}
			if a = d.ask("GET /api/v1/events?"+cursor+"=evt_1-1302", "", d.key); strings.Contains(a.body, "older") {
				t.Errorf("%s: %s", cursor, a.body)
			}
		}
		refused(t, d.ask("GET /api/v1/events/"+old[7].ID, "", d.key), 404, "A", "NOT_FOUND")
		d.fact("m", pay.InvoiceUpdated, pay.Invoice{ID: "i1", Environment: pay.Devnet})
		key := http.Header{"X-Api-Key": {d.Key}}
		last := testkit.Events(t, d.Store, d.Merchant.ID)[1].ID
		s := testkit.Dial(t, d.URL+"/ws/merchant/events?since="+old[7].ID, key)
		want := []string{
			`{"object":"ws_control","type":"resync_required","since":"` + old[7].ID + `","reason":"too_old","last_event_id":"` + last + `"}`,
			`{"object":"ws_control","type":"replay_start","since":"` + old[7].ID + `","reason":null,"last_event_id":"` + last + `"}`,
			left[0].ID, last,
			`{"object":"ws_control","type":"replay_complete","since":"` + old[7].ID + `","reason":null,"last_event_id":"` + last + `"}`,
		}
		for _, w := range want {
			if f := s.Next(); !strings.Contains(string(f.Raw), w) {
				t.Errorf("%s, want %s", f.Raw, w)
			}
		}
		s = testkit.Dial(t, d.URL+"/ws/merchant/events?since=evt_1-99999", key)
		if f := s.Next(); string(f.Raw) != `{"object":"ws_control","type":"resync_required","since":"evt_1-99999","reason":"unknown","last_event_id":"`+last+`"}` {
			t.Errorf("%s", f.Raw)
		}
	})
}
