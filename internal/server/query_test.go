package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Parameters of reads that are refused, and ids that name nothing of the caller's.
func TestBadReads(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, nil)
		made, _ := d.Open(`{"amount_usd":1,"customer_id":"c"}`)
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		other := decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":1}`, testkit.Headers{"x-api-key", theirs, "Idempotency-Key", testkit.UUID()}))
		foreign := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events", "", testkit.Headers{"x-api-key", theirs})).Data.Data[0].ID
		const list, events = "GET /api/v1/invoices", "GET /api/v1/events"
		one := list + "/" + made.InvoiceID
		bad := []string{
			one + "?expand=customer", one + "?expand=payments&payments_limit=0", one + "?payments_limit=101",
			list + "/x", list + "/x/status", "POST /api/v1/invoices/x/cancel", list + "/" + strings.Repeat("1", 36), list + "/%00",
			events + "?type=invoice.paid", events + "?type=*", events + "?type=payment_quote.updated", events + "?created[gte]=x", events + "?created[lte]=-1",
			events + "?starting_after=" + made.InvoiceID, events + "?starting_after=evt_", events + "?ending_before=evt_1-1", events + "?starting_after=evt_1-%00",
			events + "?starting_after=" + foreign, events + "?ending_before=" + foreign, events + "?starting_after=evt_1-99999999999999999999",
			list + "?status=open", list + "?status=paid,open", list + "?invoice_type=x", list + "?expand=x", list + "?created_gte=yesterday", list + "?created_lte=2026-01-01",
			list + "?starting_after=x", list + "?starting_after=" + testkit.UUID(), list + "?ending_before=" + other.InvoiceID, list + "?starting_after=" + other.InvoiceID,
			list + "?environment=devnet&environment=mainnet", list + "?limit=1&limit=2", list + "?customer_id=a&customer_id=b", list + "?created_gte=1&created_gte=2",
			list + "?created_gte=2&created_lte=1", list + "?payer_wallet_address=0x12", list + "/totals?payer_wallet_address=" + mistyped, list + "?payer_wallet_network=base&payer_wallet_network=ton",
			list + "?payer_wallet_network=bitcoin", list + "?payer_wallet_address=%ff", "GET /api/v1/invoices/customer/%ff", "GET /api/v1/invoices/customer/%00",
			"GET /api/v1/invoices/customer/" + strings.Repeat("x", 256), list + "/totals?status=x", list + "/totals?created_gte=99999999999999999",
		}
		for _, target := range []string{list, events} {
			for _, limit := range []string{"0", "101", "-1", "x", "1.5", "", "99999999999999999999"} {
				bad = append(bad, target+"?limit="+limit)
			}
			both := target + "?starting_after=" + made.InvoiceID + "&ending_before=" + made.InvoiceID
			bad = append(bad, both, target+"?environment=live", target+"?customer_id=%ff", target+"?customer_id=%00", target+"?customer_id="+strings.Repeat("x", 256), target+"?a=%zz")
		}
		for _, target := range bad {
			t.Run(fmt.Sprintf("%.120s", target), func(t *testing.T) { refused(t, d.ask(target, "", d.key), 400, "B", "VALIDATION_ERROR") })
		}
		for _, id := range []string{testkit.UUID(), other.InvoiceID, strings.ToUpper(other.InvoiceID)} {
			for _, target := range []string{list + "/" + id, list + "/" + id + "/status", "POST /api/v1/invoices/" + id + "/cancel"} {
				refused(t, d.ask(target, "", d.key), 404, "A", "INVOICE_NOT_FOUND")
			}
		}
		for _, target := range []string{
			events + "/" + foreign, events + "/evt_1-1", events + "/x", events + "/%00", events + "/%ff", events + "/evt_1-%ff",
			"DELETE /api/v1/webhooks/we_x", "DELETE /api/v1/webhooks/%00", "DELETE /api/v1/webhooks/%ff", "DELETE /api/v1/webhooks/" + strings.Repeat("x", 8000),
		} {
			t.Run(fmt.Sprintf("%.120s", target), func(t *testing.T) { refused(t, d.ask(target, "", d.key), 404, "A", "NOT_FOUND") })
		}
		d.holds(1, 1)
	})
}

// A word of a comma list that is given over and over is looked for once: what every row
// is compared with is not for the caller to make long.
func TestListsKeepEachWordOnce(t *testing.T) {
	t.Parallel()
	words := func(w string) string { return strings.Repeat(w+",", 6000) }
	q := url.Values{
		"status": {words("paid") + "unpaid," + words(" paid ")}, "invoice_type": {words("commerce") + words("standard")},
		"types": {words("invoice.*"), words("invoice_payment.updated") + "invoice.*"},
	}
	got, err := server.Lists(httptest.NewRequest(http.MethodGet, "/?"+q.Encode(), nil))
	want := [][]string{{"paid", "unpaid"}, {"commerce", "standard"}, {"invoice.*", "invoice_payment.updated"}}
	if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%.200v, want %v: %v", got, want, err)
	}
}

// Another merchant's webhook cannot be listed or deleted.
func TestWebhooksAreTheMerchantsOwn(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, nil)
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		made := decode[api.Endpoint](t, d.ask("POST /api/v1/webhooks", `{"url":"http://127.0.0.1:9/h"}`, d.key))
		refused(t, d.ask("DELETE /api/v1/webhooks/"+made.ID, "", testkit.Headers{"x-api-key", theirs}), 404, "A", "NOT_FOUND")
		if l := decode[api.List[api.Endpoint]](t, d.ask("GET /api/v1/webhooks", "", testkit.Headers{"x-api-key", theirs})); len(l.Data) != 0 {
			t.Errorf("they see %+v", l.Data)
		}
		if l := decode[api.List[api.Endpoint]](t, d.ask("GET /api/v1/webhooks", "", d.key)); len(l.Data) != 1 || l.Data[0].Secret != "" {
			t.Errorf("I see %+v", l.Data)
		}
		if v := decode[api.Deleted](t, d.ask("DELETE /api/v1/webhooks/"+made.ID, "", d.key)); !v.Deleted || v.ID != made.ID {
			t.Errorf("deleted %+v", v)
		}
		refused(t, d.ask("DELETE /api/v1/webhooks/"+made.ID, "", d.key), 404, "A", "NOT_FOUND")
	})
}

// A type that is asked for thousands of times is stored once, when an endpoint is made
// and when it is changed; one of an older release is made short by the next change.
func TestEndpointTypesAreStoredOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, func(o *app.Options) { o.Networks = nil })
		long := append(slices.Repeat([]string{"test.ping"}, 3000), "invoice.*", "test.ping")
		again := `"` + strings.Join(long, `","`) + `"`
		e := d.hook("http://127.0.0.1:9/h", `,"enabled_events":[`+again+`]`)
		change := func(body string) api.Endpoint {
			return decode[api.Endpoint](t, d.ask("PATCH"+hooks+"/"+e.ID, body, d.key))
		}
		same := func(when string, e api.Endpoint, want ...string) {
			t.Helper()
			var stored pay.Endpoint
			if err := d.Store.Read(t.Context(), func(tx *store.Tx) (err error) { stored, _, err = tx.Endpoint(e.ID); return err }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(e.EnabledEvents, want) || !slices.Equal(stored.Types, want) {
				t.Errorf("%s: shown %.100q, stored %.100q, want %q", when, e.EnabledEvents, stored.Types, want)
			}
		}
		same("made", e, "test.ping", "invoice.*")
		same("changed", change(`{"enabled_events":["invoice.created",`+again+`]}`), "invoice.created", "test.ping", "invoice.*")
		if err := d.Store.Write(t.Context(), func(tx *store.Tx) error {
			old, _, err := tx.Endpoint(e.ID)
			old.Types = long
			return errors.Join(err, tx.SaveEndpoint(old))
		}); err != nil {
			t.Fatal(err)
		}
		same("of an older release", change(`{}`), "test.ping", "invoice.*")
		refused(t, d.ask("PATCH"+hooks+"/"+e.ID, `{"enabled_events":[`+again+`,"invoice.paid"]}`, d.key), 400, "B", "VALIDATION_ERROR")
	})
}

// Where webhooks must not go. Development takes this machine; nothing else differs.
func TestWebhookAddresses(t *testing.T) {
	t.Parallel()
	hosts := []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "[fe80::1]", "[fc00::1]", "[::]",
		"[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "metadata.google.internal", "printer.local", "intranet", "user:pw@example.com",
		"user@example.com", "", ":443", "example.com/#fragment", "1.0.0.127.in-addr.arpa", "10.0.0.1.",
	}
	local := []string{"127.0.0.1:9", "localhost:9", "[::1]:9", "a.localhost:9"}
	for _, dev := range []bool{true, false} {
		t.Run(fmt.Sprint("dev ", dev), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Dev = dev })
			bad := []string{"ftp://example.com/", "file:///etc/passwd", "example.com/x", "", "https://a b.example", "gopher://example.com", "https://example.com/" + strings.Repeat("x", 2048)}
			for _, h := range hosts {
				bad = append(bad, "https://"+h)
			}
			good := []string{"https://example.com/hook?x=1", "https://example.com:8443/", "https://93.184.215.14/"}
			for _, h := range local {
				if dev {
					good = append(good, "http://"+h+"/h", "https://"+h+"/h")
				} else {
					bad = append(bad, "http://"+h+"/h", "https://"+h+"/h")
				}
			}
			if !dev {
				bad = append(bad, "http://example.com/")
			}
			for _, u := range bad {
				t.Run(fmt.Sprintf("%.60s", u), func(t *testing.T) {
					refused(t, d.ask("POST /api/v1/webhooks", fmt.Sprintf(`{"url":%q}`, u), d.key), 400, "B", "VALIDATION_ERROR")
				})
			}
			for _, body := range []string{
				``, `[]`, `{}`, `{"url":1}`, `{"url":null}`, `{"url":"https://example.com","enabled_events":["invoice.paid"]}`, `{"url":"https://example.com","enabled_events":"invoice.*"}`,
				`{"url":"https://example.com","enabled_events":["payment_quote.updated"]}`, `{"url":"https://example.com","environment":"live"}`, `{"url":"https://example.com","environment":""}`,
			} {
				refused(t, d.ask("POST /api/v1/webhooks", body, d.key), 400, "B", "VALIDATION_ERROR")
			}
			if l := decode[api.List[api.Endpoint]](t, d.ask("GET /api/v1/webhooks", "", d.key)); len(l.Data) != 0 {
				t.Errorf("a refused endpoint was kept: %+v", l.Data)
			}
			for _, u := range good {
				if v := decode[api.Endpoint](t, d.ask("POST /api/v1/webhooks", fmt.Sprintf(`{"url":%q}`, u), d.key)); v.URL != u || len(v.Secret) != 38 {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// Every path answers in JSON, whatever is asked.
func TestStrayRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	for _, target := range []string{"GET /", "GET /api", "GET /api/v2/invoices", "POST /api/v1/invoices/", "GET /api/v1/invoices/customer/", "GET /api/v1/invoices/customer/a/b", "GET /.env", "GET /ws", "GET /%00", "DELETE /nothing"} {
		refused(t, d.stray(target, "", d.key), 404, "A", "NOT_FOUND")
	}
	for target, allow := range map[string]string{
		"PUT /api/v1/invoices": "GET, POST", "DELETE /api/v1/invoices": "GET, POST", "POST /api/v1/invoices/totals": "GET", "POST /api/v1/invoices/customer/c": "GET",
		"GET /api/v1/payments/payment-addresses": "POST", "POST /api/v1/payments/payment-status": "GET", "GET /api/v1/ws/token": "POST", "PUT /api/v1/webhooks/x": "GET, PATCH, DELETE",
		"POST /healthz": "GET", "BREW /api/v1/events": "GET",
	} {
		a := d.stray(target, "{}", d.key)
		if refused(t, a, 405, "A", "METHOD_NOT_ALLOWED"); a.header.Get("Allow") != allow {
			t.Errorf("%s: Allow %q, want %q", target, a.header.Get("Allow"), allow)
		}
	}
	for _, kind := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", ""} {
		refused(t, d.stray("POST /api/v1/invoices", "<a/>", d.with("Idempotency-Key", testkit.UUID(), "Content-Type", kind)), 400, "B", "VALIDATION_ERROR")
	}
	d.holds(0, 0)
}

// A request's own id comes back, if it is one that a log can hold.
func TestRequestID(t *testing.T) {
	t.Parallel()
	d, seen := newDesk(t, t.TempDir()+"/test.db", nil), map[string]bool{}
	for _, c := range []struct {
		sent string
		kept bool
	}{{"abc-123", true}, {strings.Repeat("x", 128), true}, {strings.Repeat("x", 129), false}, {"a b", false}, {"ü", false}, {"", false}, {"", false}} {
		for _, target := range []string{"GET /healthz", "GET /api/v1/invoices", "GET /api/v1/payments/payment-status"} {
			a := d.ask(target, "", testkit.Headers{"X-Request-Id", c.sent})
			got := a.header.Get("X-Request-Id")
			if c.kept != (got == c.sent) || got != a.header.Get("Request-Id") || !c.kept && (seen[got] || len(got) != 28) {
				t.Errorf("%s with %q: %q", target, c.sent, got)
			}
			seen[got] = true
		}
	}
	key := testkit.UUID()
	made := decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":1}`, d.with("Idempotency-Key", key, "X-Request-Id", "mine")))
	l := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events?invoice_id="+url.QueryEscape(made.InvoiceID), "", d.key))
	if r := l.Data.Data[0].Request; *r.ID != "mine" || *r.IdempotencyKey != key {
		t.Errorf("the event names %v %v as its cause", r.ID, r.IdempotencyKey)
	}
}
