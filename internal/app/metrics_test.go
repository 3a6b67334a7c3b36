package app_test

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// scrape returns every series of a deployment with its value, and all that it said.
func scrape(t *testing.T, a *testkit.App) (map[string]float64, string) {
	t.Helper()
	status, b := testkit.Fetch(t, "GET", a.OpsURL+"/metrics", "", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, b)
	}
	series := map[string]float64{}
	for _, l := range strings.Split(string(b), "\n") {
		if at := strings.LastIndexByte(l, ' '); at > 0 && l[0] != '#' {
			v, err := strconv.ParseFloat(l[at+1:], 64)
			if err != nil {
				t.Fatal(l)
			}
			series[l[:at]] = v
		}
	}
	return series, string(b)
}

// A whole story, counted: what concerns money is counted exactly, nothing that names
// a merchant, a payor or a secret is told.
func TestMetrics(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, func(o *app.Options) { o.Operations, o.Limits.WrongKeys = "127.0.0.1:0", 1 })
		sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
		merchant := testkit.Headers{"x-api-key", a.Key}
		endpoint := testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`/hook"}`, merchant)
		made, payor := a.Open(`{"amount_usd":10,"customer_id":"zebedee"}`)
		address := a.Allocate(payor, testkit.Dollar)
		socket := testkit.Dial(t, "ws"+a.URL[4:]+address.WSConnection.WSURL+"&token="+address.WSConnection.Token, nil)
		for _, part := range []int64{4, 6} {
			a.Pay(contracts.TestDollar, address.TempAddress, dollars(part))
			a.Mine(3)
			latest(t, a, made.InvoiceID, "it counts", func(p api.Payment) bool { return p.Amount == part*1000 && p.Status != "pending" })
		}
		a.MineSlowly("all is settled", func() bool {
			i := testkit.Ask[api.Invoice](t, "GET", a.URL+"/api/v1/invoices/"+made.InvoiceID+"?expand=payments", "", merchant)
			return !slices.ContainsFunc(i.Payments.Data, func(p api.Payment) bool { return p.SettlementStatus != "settled" })
		})
		canceled, _ := a.Open(`{"amount_usd":10}`)
		testkit.Ask[api.Invoice](t, "POST", a.URL+"/api/v1/invoices/"+canceled.InvoiceID+"/cancel", "", merchant)
		for range 3 {
			testkit.Do(t, "GET", a.URL+"/api/v1/events", "", testkit.Headers{"x-api-key", "pk_test_guess"})
		}
		testkit.Fetch(t, "BREW", a.URL+"/teapots/7", "", nil)
		socket.Until(func(e api.Event) bool { return e.Type == "invoice.updated" && status(e) == "paid" })
		want := map[string]float64{
			`pepay_invoices_total{state="unpaid"}`: 2, `pepay_invoices_total{state="underpaid"}`: 1, `pepay_invoices_total{state="paid"}`: 1,
			`pepay_invoices_total{state="canceled"}`:                                 1,
			`pepay_payments_total{network="ethereum",state="pending"}`:               2,
			`pepay_payments_total{network="ethereum",state="underpaid"}`:             1,
			`pepay_payments_total{network="ethereum",state="confirmed"}`:             1,
			`pepay_settlements_total{network="ethereum",state="pending"}`:            2,
			`pepay_settlements_total{network="ethereum",state="processing"}`:         2,
			`pepay_settlements_total{network="ethereum",state="settled"}`:            2,
			`pepay_settlement_transactions_total{network="ethereum",outcome="sent"}`: 1,
			`pepay_settlement_transactions_total{network="ethereum",outcome="done"}`: 1,
			`pepay_relayer_out_of_gas{network="ethereum"}`:                           0,
			`pepay_watcher_active{network="ethereum"}`:                               1,
			`pepay_database_up`:                           1,
			`pepay_websockets_open`:                       1,
			`pepay_price_source_up{source="static"}`:      1,
			`pepay_rate_limited_total{limit="wrong_key"}`: 2,
			`pepay_http_requests_total{method="GET",route="/api/v1/events",status="4xx"}`:    3,
			`pepay_http_requests_total{method="other",route="other",status="4xx"}`:           1,
			`pepay_http_requests_total{method="POST",route="/api/v1/invoices",status="2xx"}`: 2,
			`pepay_http_requests_total{method="GET",route="/ws/payment",status="1xx"}`:       1,
		}
		events := float64(len(testkit.Events(t, a.Store, a.Merchant.ID)) - 2) // of which two were for the payor only
		var got map[string]float64
		var text string
		wrong := func() (wrong []string) {
			got, text = scrape(t, a)
			for name, v := range want {
				if g, ok := got[name]; !ok || g != v {
					wrong = append(wrong, name+" is "+strconv.FormatFloat(g, 'g', -1, 64)+", want "+strconv.FormatFloat(v, 'g', -1, 64))
				}
			}
			if d := got[`pepay_webhook_deliveries_total{outcome="done"}`]; d+got[`pepay_webhook_deliveries_total{outcome="due"}`] < events {
				wrong = append(wrong, "deliveries")
			}
			return wrong
		}
		testkit.Eventually(t, "every number arrives", func() bool {
			all := wrong()
			if len(all) > 0 {
				t.Logf("%v", all)
			}
			return len(all) == 0
		})
		if got[`pepay_webhook_deliveries_total{outcome="due"}`] != 1 {
			t.Errorf("%v deliveries failed, want the first", got[`pepay_webhook_deliveries_total{outcome="due"}`])
		}
		if b := got[`pepay_relayer_balance_coins{network="ethereum"}`]; b <= 999_999 || b > 1_000_000 {
			t.Errorf("the relayer has %v coins, want a million less some gas", b)
		}
		for _, secret := range []string{
			a.Key, a.Commerce, made.SessionToken, made.Signature, made.InvoiceID, endpoint.ID, endpoint.Secret, sink.URL, address.TempAddress,
			address.WSConnection.Token, "zebedee", "Corner", "corner.example", a.Chain.URL(), strings.TrimPrefix(a.Chain.URL(), "http://"),
			strings.Repeat("s", 32), "teapots", "guess", "BREW",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("the metrics tell %q", secret)
			}
		}
		monitored(t, got)
	})
}

// monitored holds what the dashboard and the alerts ask for against what there is.
func monitored(t *testing.T, series map[string]float64) {
	t.Helper()
	names := map[string]bool{}
	for s := range series {
		name, _, _ := strings.Cut(s, "{")
		names[name] = true
	}
	for _, rare := range []string{"pepay_rpc_errors_total", "pepay_jobs_overdue", "pepay_jobs_oldest_overdue_seconds", "pepay_refunds_waiting", "pepay_refund_transactions_total"} { // only with trouble or refunds
		names[rare] = true
	}
	for _, file := range []string{"grafana/dashboard.json", "prometheus/alerts.yaml"} {
		b, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		asked := regexp.MustCompile(`\b(pepay|go|process)_[a-z0-9_]+\b`).FindAllString(string(b), -1)
		if len(asked) < 10 {
			t.Errorf("%s asks for %d series", file, len(asked))
		}
		for _, name := range asked {
			if !names[name] {
				t.Errorf("%s asks for %s, which is none of %v", file, name, slices.Sorted(maps.Keys(names)))
			}
		}
	}
}

// The operations listener serves probes and, to this machine by its address, profiles.
func TestOperationsListener(t *testing.T) {
	t.Parallel()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Operations = "127.0.0.1:0" })
	ask := func(path, host string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.OpsURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		path, host string
		want       int
	}{
		{"/healthz", "", 200},
		{"/readyz", "", 200},
		{"/debug/pprof/", "", 200},
		{"/debug/pprof/heap", "", 200},
		{"/debug/pprof/heap", "localhost:9464", 200},
		{"/debug/pprof/heap", "evil.example:9464", 403},
		{"/debug/pprof/heap", "192.0.2.1", 403},
		{"/api/v1/invoices", "", 404},
		{"/", "", 404},
	} {
		if got := ask(c.path, c.host); got != c.want {
			t.Errorf("%s at %q: %d, want %d", c.path, c.host, got, c.want)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} { // not for the world
		if status, _ := testkit.Fetch(t, "GET", a.URL+path, "", nil); status != http.StatusNotFound {
			t.Errorf("%s is served in public: %d", path, status)
		}
	}
	if b := testkit.StartApp(t, t.TempDir()+"/test.db", nil); b.OpsURL != "" {
		t.Errorf("there is a listener at %s that nobody asked for", b.OpsURL)
	}
}
