package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
	"github.com/pepay/pepay/internal/trace"
)

// What a caller traces, and what Pepay makes of it.
const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	traceparent  = "00-" + callersTrace + "-" + callersSpan + "-01"
	requestKey   = "1f3a9c52-7be4-4d2a-9c35-6fd0a1b2c3d4" // secret: it is the name of an answer
)

func tracing(c *testkit.Collector) func(*app.Options) {
	return func(o *app.Options) { o.Tracing = trace.Options{Endpoint: c.URL, PerThousand: 1000} }
}

// openTraced makes an invoice as part of a trace.
func openTraced(t *testing.T, a *app.App, key, parent string) api.CreatedInvoice {
	t.Helper()
	return testkit.Ask[api.CreatedInvoice](t, "POST", a.URL+"/api/v1/invoices", `{"amount_usd":10,"customer_id":"zebedee","customer_email":"z@zebedee.example"}`,
		testkit.Headers{"x-api-key", key, "Idempotency-Key", requestKey, "X-Request-Id", "zebedee-2", "traceparent", parent, "tracestate", "v=zebedee", "baggage", "v=zebedee"})
}

// within returns the spans of a name in a trace.
func within(c *testkit.Collector, trace, name string) []testkit.Span {
	return slices.DeleteFunc(c.Spans(name), func(s testkit.Span) bool { return s.Trace != trace })
}

// A caller's trace goes on through the request, the job that it promised and the
// webhook that the job sent, which hands it on to the receiver. Watching and settling
// are traces of their own. None of it tells a secret, or what a person wrote.
func TestTraces(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := testkit.NewCollector(t)
		a := testkit.StartApp(t, url, tracing(c))
		sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
		merchant := testkit.Headers{"x-api-key", a.Key}
		endpoint := testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`/hook"}`, merchant)
		made := openTraced(t, a.App, a.Key, traceparent)
		payor := testkit.Headers{"x-session-token", made.SessionToken, "x-signature", made.Signature}
		testkit.Eventually(t, "the webhook is taken", func() bool { g := sink.Got(); return len(g) > 1 && g[1].Status == 200 })
		address := a.Allocate(payor, testkit.Dollar)
		a.Pay(contracts.TestDollar, address.TempAddress, dollars(10))
		a.Mine(3)
		latest(t, a, made.InvoiceID, "it is confirmed", func(p api.Payment) bool { return p.Status == "confirmed" })
		settled(t, a, made.InvoiceID)
		testkit.Do(t, "GET", a.URL+"/api/v1/events?customer_id=zebedee", "", append(merchant, "traceparent", "00-zebedee"))
		testkit.Do(t, "GET", a.URL+"/api/v1/events", "", testkit.Headers{"x-api-key", "pk_test_guess", "traceparent", strings.Repeat("zebedee", 1000)})
		testkit.Fetch(t, "BREW", a.URL+"/zebedee?token=zebedee", "", nil)
		testkit.Fetch(t, "GET", a.URL+"/pay?token="+made.SessionToken+"&signature="+made.Signature, "", nil)
		testkit.Dial(t, "ws"+a.URL[4:]+address.WSConnection.WSURL+"&token="+address.WSConnection.Token, nil).Close()
		testkit.Eventually(t, "all is told", func() bool {
			return len(within(c, callersTrace, "POST webhook")) > 1 && len(c.Spans("GET /pay")) > 0 && len(c.Spans("GET /ws/payment")) > 0 &&
				slices.ContainsFunc(c.Spans("process settle"), func(s testkit.Span) bool { return !s.Failed })
		})
		followed(t, c, sink, endpoint.ID)
		rooted(t, c)
		text := c.Text()
		for _, secret := range []string{
			a.Key, a.Commerce, made.SessionToken, made.Signature, endpoint.Secret, sink.URL, "/hook", address.WSConnection.Token, "zebedee", requestKey, "Corner",
			"corner.example", a.Chain.URL(), strings.TrimPrefix(a.Chain.URL(), "http://"), a.URL, strings.Repeat("s", 32), "guess", "BREW",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("the traces tell %q", secret)
			}
		}
	})
}

// followed holds the caller's trace: request, job and delivery, each a part of the one
// before, and the delivery again as a part of the job's next run.
func followed(t *testing.T, c *testkit.Collector, sink *testkit.Sink, endpoint string) {
	t.Helper()
	request, jobs := within(c, callersTrace, "POST /api/v1/invoices"), within(c, callersTrace, "process webhook.deliver")
	if len(request) != 1 || request[0].Parent != callersSpan || request[0].Kind != "SPAN_KIND_SERVER" || request[0].Failed ||
		request[0].Attributes["http.route"] != "/api/v1/invoices" || !strings.Contains(request[0].Attributes["http.response.status_code"], "200") {
		t.Fatalf("the request: %+v", request)
	}
	runs := map[string]bool{}
	for _, j := range jobs {
		runs[j.ID] = true
		if j.Parent != request[0].ID || j.Attributes["pepay.job.arg"] != endpoint || j.Kind != "SPAN_KIND_CONSUMER" {
			t.Errorf("the job: %+v", j)
		}
	}
	for n, d := range within(c, callersTrace, "POST webhook") {
		got := sink.Got()[n].Header
		if !runs[d.Parent] || !strings.HasPrefix(got.Get("Traceparent"), "00-"+callersTrace+"-"+d.ID+"-") || len(d.Links) != 0 ||
			d.Attributes["pepay.endpoint.id"] != endpoint || d.Attributes["pepay.event.id"] != got.Get(api.HeaderEventID) || d.Failed != (n == 0) ||
			!strings.Contains(d.Attributes["pepay.attempt"], string(rune('1'+n))) || !strings.Contains(d.Attributes["http.response.status_code"], []string{"500", "200"}[n]) {
			t.Errorf("delivery %d: %+v, sent with %v", n, d, got["Traceparent"])
		}
	}
}

// rooted holds what is done for nobody's request.
func rooted(t *testing.T, c *testkit.Collector) {
	t.Helper()
	steps := map[string]bool{}
	for _, s := range c.Spans("watch") {
		steps[s.ID] = true
		if s.Parent != "" || s.Attributes["pepay.network"] != "ethereum" {
			t.Errorf("a step of the watcher: %+v", s)
		}
	}
	for _, s := range c.Spans("process settle") {
		if s.Parent != "" || s.Attributes["pepay.network"] != "ethereum" || len(s.Links) != 1 || !steps[s.Links[0]] {
			t.Errorf("a run of the settlement: %+v", s)
		}
	}
	for _, s := range c.Spans("") {
		if s.Trace != callersTrace && s.Kind == "SPAN_KIND_SERVER" && s.Parent != "" {
			t.Errorf("a request is a part of what nobody sent: %+v", s)
		}
	}
}

// What a node did not live to deliver another one delivers, in the same trace.
func TestTraceOutlivesANode(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		chain := testkit.StartChain(t)
		o := testkit.OptionsAt(url, chain.URL())
		first, second := testkit.NewCollector(t), testkit.NewCollector(t)
		tracing(first)(&o)
		one, err := app.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		_, key, _ := testkit.AddMerchant(t, one)
		sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
		testkit.Ask[api.Endpoint](t, "POST", one.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`"}`, testkit.Headers{"x-api-key", key})
		openTraced(t, one, key, traceparent)
		testkit.Eventually(t, "the first attempt", func() bool { return len(sink.Got()) > 0 })
		if err := one.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		request := within(first, callersTrace, "POST /api/v1/invoices")
		if len(request) != 1 || len(within(first, callersTrace, "POST webhook")) != 1 {
			t.Fatalf("the first node did not tell all at its end: %+v", first.Spans(""))
		}
		tracing(second)(&o)
		two, err := app.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the second attempt", func() bool { return len(sink.Got()) > 1 })
		if err := two.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		job, sent := within(second, callersTrace, "process webhook.deliver"), within(second, callersTrace, "POST webhook")
		if len(job) == 0 || job[0].Parent != request[0].ID || len(sent) != 1 || sent[0].Parent != job[len(job)-1].ID {
			t.Errorf("the second node told of %+v and %+v", job, sent)
		}
	})
}

// Without an endpoint nothing is traced, whatever callers send.
func TestNoTraces(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		sink := testkit.NewSink(t, nil)
		testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`"}`, testkit.Headers{"x-api-key", a.Key})
		openTraced(t, a.App, a.Key, traceparent)
		testkit.Eventually(t, "the webhook", func() bool { return len(sink.Got()) > 0 })
		if h, ok := sink.Got()[0].Header["Traceparent"]; ok {
			t.Errorf("it was sent with %s", h)
		}
		for _, e := range testkit.Events(t, a.Store, a.Merchant.ID) {
			if e.Trace != "" {
				t.Errorf("%s has the trace %s", e.ID, e.Trace)
			}
		}
	})
}

// A collector that hangs, or is not there, delays no request and no webhook, and the
// end only by so much.
func TestNoCollector(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 1000), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }))
	t.Cleanup(func() { close(release); hanging.Close() })
	for name, endpoint := range map[string]string{"hangs": hanging.URL, "away": "http://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := testkit.StartChain(t)
			o := testkit.OptionsAt(t.TempDir()+"/test.db", chain.URL())
			o.Tracing = trace.Options{Endpoint: endpoint, PerThousand: 1000}
			a, err := app.Start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			_, key, _ := testkit.AddMerchant(t, a)
			sink := testkit.NewSink(t, nil)
			testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`"}`, testkit.Headers{"x-api-key", key})
			if name == "hangs" {
				<-asked // from here on it keeps the exporter waiting
			}
			for range 3000 { // more than is kept
				start := time.Now()
				testkit.Fetch(t, "GET", a.URL+"/healthz", "", testkit.Headers{"traceparent", traceparent})
				if took := time.Since(start); took > 5*time.Second { // the exporter would wait for ten
					t.Fatalf("a request took %s", took)
				}
			}
			openTraced(t, a, key, traceparent)
			testkit.Eventually(t, "the webhook", func() bool { return len(sink.Got()) > 0 })
			start := time.Now()
			if err := a.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 9*time.Second {
				t.Errorf("it took %s to stop", took)
			}
		})
	}
}
