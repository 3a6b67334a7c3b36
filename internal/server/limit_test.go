package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/testkit"
)

// stands holds the headers of an answer to how its caller stands with a limit.
func stands(t *testing.T, a answer, limit, left, reset int) {
	t.Helper()
	for name, want := range map[string]int{"Limit": limit, "Remaining": left, "Reset": reset} {
		if got := a.header.Get("X-RateLimit-" + name); got != fmt.Sprint(want) {
			t.Errorf("X-RateLimit-%s: %q, want %d", name, got, want)
		}
	}
}

// The limits, as their callers meet them.
func TestLimits(t *testing.T) {
	t.Parallel()
	clock := new(testkit.Clock)
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Now, o.Networks = clock.Now, nil
		o.Limits = app.LimitOptions{Rates: server.Rates{PerKey: 6, PerSession: 3, WrongKeys: 2}}
	})
	made := d.create(`{"amount_usd":1}`)
	stands(t, made, 6, 5, 10)
	v := decode[api.CreatedInvoice](t, made)
	payor := testkit.Headers{"x-session-token", v.SessionToken, "x-signature", v.Signature}
	_, second := d.Open(`{"amount_usd":1}`)
	for n := range 3 {
		a := d.ask(payorTargets[3], "", payor)
		decode[api.PaymentStatus](t, a)
		stands(t, a, 3, 2-n, 20*(n+1))
	}
	a := d.ask(payorTargets[3], "", payor)
	refused(t, a, 429, "C", "PAYMENT_SESSION_RATE_LIMIT")
	if a.body != `{"error":"Too many requests. Please try again in a minute.","error_code":"PAYMENT_SESSION_RATE_LIMIT","source":"payment_session"}` || a.header.Get("Retry-After") != "20" {
		t.Errorf("%s, Retry-After %q", a.body, a.header.Get("Retry-After"))
	}
	stands(t, a, 3, 0, 60)
	decode[api.PaymentStatus](t, d.ask(payorTargets[3], "", second)) // is another
	clock.Add(20 * time.Second)
	decode[api.PaymentStatus](t, d.ask(payorTargets[3], "", payor))
	clock.Add(time.Hour)
	for range 6 {
		decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices", "", d.key))
	}
	a = d.ask("GET /api/v1/invoices", "", d.key)
	if refused(t, a, 429, "D", "RATE_LIMIT_EXCEEDED"); a.header.Get("Retry-After") != "10" || !strings.Contains(a.body, `"retry_after":"10 seconds"`) {
		t.Errorf("%s, Retry-After %q", a.body, a.header.Get("Retry-After"))
	}
	wrong := testkit.Headers{"x-api-key", "x"}
	for range 2 {
		refused(t, d.ask("GET /api/v1/events", "", wrong), 401, "B", "API_KEY_INVALID")
	}
	a = d.ask("GET /api/v1/events", "", wrong)
	refused(t, a, 429, "D", "RATE_LIMIT_EXCEEDED")
	if stands(t, a, 2, 0, 900); a.header.Get("Retry-After") != "450" || !strings.Contains(a.body, `"retry_after":"8 minutes"`) {
		t.Errorf("%s, Retry-After %q", a.body, a.header.Get("Retry-After"))
	}
	clock.Add(450 * time.Second)
	refused(t, d.ask("GET /api/v1/events", "", wrong), 401, "B", "API_KEY_INVALID")
	decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices", "", testkit.Headers{"x-api-key", anotherKey(t, d)})) // who has a key is not slowed down
}

// anotherKey draws another key of the merchant.
func anotherKey(t *testing.T, d *desk) string {
	t.Helper()
	_, key, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "second", pay.ScopeMerchant, pay.Devnet, 0)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// An IP address has a limit for all it asks, whoever it says it is; probes and other
// addresses have not.
func TestAddressLimit(t *testing.T) {
	t.Parallel()
	clock := new(testkit.Clock)
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Now, o.Networks, o.Limits = clock.Now, nil, app.LimitOptions{Rates: server.Rates{PerAddress: 4, PerKey: 100}}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	from := func(address string, h ...string) testkit.Headers { return append(h, "X-Forwarded-For", address) }
	made, payor := d.Open(`{"amount_usd":1}`)
	for n, target := range []string{"GET /openapi.yaml", "GET /pay", "GET /nowhere", "GET /api/v1/invoices"} {
		a := d.stray(target, "", from("192.0.2.1", "x-api-key", d.Key))
		if a.status == 429 {
			t.Errorf("%s: %s", target, a.body)
		}
		stands(t, a, 4, 3-n, 15*(n+1))
	}
	for range 20 {
		for _, probe := range []string{"GET /healthz", "GET /readyz"} {
			if a := d.ask(probe, "", from("192.0.2.1")); a.status != 200 || a.header.Get("X-RateLimit-Limit") != "" {
				t.Fatalf("%s: %d %s, %v", probe, a.status, a.body, a.header)
			}
		}
	}
	a := d.ask("GET /api/v1/invoices", "", from("192.0.2.1", d.key...))
	refused(t, a, 429, "D", "RATE_LIMIT_EXCEEDED")
	if stands(t, a, 4, 0, 60); a.header.Get("Retry-After") != "15" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	a = d.ask(payorTargets[3], "", from("192.0.2.1", payor...))
	refused(t, a, 429, "C", "RATE_LIMIT_EXCEEDED")
	if a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Retry-After") || !strings.Contains(a.body, `"source":"ip_address"`) {
		t.Errorf("%v %s", a.header, a.body)
	}
	a = d.ask("POST /api/v1/invoice/"+made.InvoiceID+"/verify", "{}", from("192.0.2.1", payor...))
	if refused(t, a, 429, "C", "RATE_LIMIT_EXCEEDED"); a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.body, `"source":"ip_address"`) {
		t.Errorf("%v %s", a.header, a.body)
	}
	decode[api.PaymentStatus](t, d.ask(payorTargets[3], "", from("192.0.2.2", payor...)))                           // is another
	refused(t, d.ask(payorTargets[3], "", from("192.0.2.9, 192.0.2.1", payor...)), 429, "C", "RATE_LIMIT_EXCEEDED") // invented the first
	for range 5 {
		d.stray("GET /openapi.yaml", "", from("2001:db8::1"))
	}
	if a := d.stray("GET /openapi.yaml", "", from("2001:db8::ffff")); a.status != 429 {
		t.Errorf("a neighbour in the same /64 got %d", a.status)
	}
	clock.Add(15 * time.Second)
	decode[api.PaymentStatus](t, d.ask(payorTargets[3], "", from("192.0.2.1", payor...)))
	d.holds(1, 1)
}

// Nobody is believed about an address unless trusted.
func TestForgedAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Now, o.Networks, o.Limits = new(testkit.Clock).Now, nil, app.LimitOptions{Rates: server.Rates{WrongKeys: 3}}
	})
	for n := range 5 {
		a := d.ask("GET /api/v1/events", "", testkit.Headers{
			"x-api-key", "x", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n), "Forwarded", fmt.Sprintf("for=192.0.2.%d", n),
		})
		if limited := n >= 3; limited != (a.status == 429) {
			t.Errorf("wrong key %d: %d", n+1, a.status)
		}
	}
}

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// Where a request comes from, by who brings it and what the headers say.
func TestClient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ peer, xff, forwarded, want string }{
		{"192.0.2.1:5", "", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.1", "for=198.51.100.1", "192.0.2.1"}, // not trusted
		{"[::ffff:192.0.2.1]:5", "", "", "192.0.2.1"},
		{"10.0.0.1:5", "", "", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:5", "192.0.2.1", "", "192.0.2.1"},
		{"10.0.0.1:5", "192.0.2.1", "", "192.0.2.1"},
		{"10.0.0.1:5", " 192.0.2.1:80 ", "", "192.0.2.1"},
		{"10.0.0.1:5", "[2001:db8::1]:80", "", "2001:db8::1"},
		{"10.0.0.1:5", "2001:db8::1%eth0", "", "2001:db8::1"},
		{"10.0.0.1:5", "198.51.100.1, 192.0.2.1", "", "192.0.2.1"},                    // the first is an invention
		{"10.0.0.1:5", "198.51.100.1, 192.0.2.1, 10.1.1.1", "", "192.0.2.1"},          // two proxies
		{"10.0.0.1:5", "198.51.100.1, 192.0.2.1, fd00::7, 10.1.1.1", "", "192.0.2.1"}, // three
		{"10.0.0.1:5", "198.51.100.1\n192.0.2.1", "", "192.0.2.1"},                    // in two lines
		{"10.0.0.1:5", "10.1.1.1, 10.2.2.2", "", "10.1.1.1"},                          // from inside
		{"10.0.0.1:5", "192.0.2.1, unknown", "", "10.0.0.1"},
		{"10.0.0.1:5", "192.0.2.1, unknown, 10.1.1.1", "", "10.1.1.1"},
		{"10.0.0.1:5", "192.0.2.1,", "", "10.0.0.1"},
		{"10.0.0.1:5", "192.0.2.999", "", "10.0.0.1"},
		{"10.0.0.1:5", "' OR 1=1", "", "10.0.0.1"},
		{"10.0.0.1:5", "", "for=192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:5", "", `for=198.51.100.1, proto=https;For="192.0.2.1:4711";by=10.0.0.1, for="[fd00::1]"`, "192.0.2.1"},
		{"10.0.0.1:5", "", `for="[2001:db8::1]:80"`, "2001:db8::1"},
		{"10.0.0.1:5", "", "for=_hidden", "10.0.0.1"},
		{"10.0.0.1:5", "", "for=unknown;proto=http", "10.0.0.1"},
		{"10.0.0.1:5", "", "proto=http", "10.0.0.1"},
		{"10.0.0.1:5", "", "=;;=,", "10.0.0.1"},
		{"10.0.0.1:5", "192.0.2.1", "for=192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:5", "192.0.2.1", "for=198.51.100.1", "10.0.0.1"}, // one of them is an invention
	} {
		h := http.Header{}
		if c.xff != "" {
			h["X-Forwarded-For"] = strings.Split(c.xff, "\n")
		}
		if c.forwarded != "" {
			h["Forwarded"] = []string{c.forwarded}
		}
		if got, ok := server.Client(&http.Request{RemoteAddr: c.peer, Header: h}, proxies); !ok || got.String() != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
	if _, ok := server.Client(&http.Request{RemoteAddr: "@"}, proxies); ok {
		t.Error("a Unix socket has an address")
	}
}

// FuzzClient: headers never make a stranger look like somebody else, nor a trusted
// proxy's word count for more than an address that it named.
func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:5", "192.0.2.1, 10.1.1.1", "for=192.0.2.1")
	f.Add("192.0.2.1:5", "1, ,", `for="[::1]:5";;=`)
	f.Fuzz(func(t *testing.T, peer, xff, forwarded string) {
		bare, known := server.Client(&http.Request{RemoteAddr: peer}, proxies)
		got, ok := server.Client(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {xff}, "Forwarded": {forwarded}}}, proxies)
		trusted := known && (proxies[0].Contains(bare) || proxies[1].Contains(bare))
		switch {
		case ok != known:
			t.Errorf("known %v with headers, %v without", ok, known)
		case !trusted && got != bare:
			t.Errorf("%s became %s", bare, got)
		case known && !got.IsValid():
			t.Error("no address")
		}
	})
}
