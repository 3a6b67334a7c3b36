package trace_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/testkit"
	"github.com/pepay/pepay/internal/trace"
)

const (
	id   = "4bf92f3577b34da6a3ce929d0e0e4736"
	from = "00-" + id + "-00f067aa0ba902b7-01"
)

func tracer(t *testing.T, endpoint string, perThousand int) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(trace.Options{Endpoint: endpoint, PerThousand: perThousand, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func flush(t *testing.T, tr *trace.Tracer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tr.Close(ctx)
}

// What a caller sends is continued when it is a traceparent, and else as if he had sent
// nothing: it is neither refused nor told.
func TestRequestContinues(t *testing.T) {
	t.Parallel()
	c := testkit.NewCollector(t)
	tr := tracer(t, c.URL+"/", 1000)
	good := [][]string{{from}, {"00-" + id + "-00f067aa0ba902b7-03"}, {"cc-" + id + "-00f067aa0ba902b7-01-of-the-future"}}
	bad := [][]string{
		nil,
		{""},
		{" "},
		{"-"},
		{"---"},
		{"00"},
		{"marker"},
		{from, from},
		{from, "marker"},
		{from + "-marker"},
		{from + " "},
		{" " + from},
		{strings.ToUpper(from)},
		{strings.Replace(from, "00-", "ff-", 1)},
		{strings.Replace(from, id, strings.Repeat("0", 32), 1)},
		{"00-" + id + "-0000000000000000-01"},
		{"00-" + id + "-00f067aa0ba902b7-ff"},
		{"00-" + id + "-00f067aa0ba902b7"},
		{"00-" + strings.Replace(id, "4", "g", 1) + "-00f067aa0ba902b7-01"},
		{"00-" + id + "00-00f067aa0ba902b7-01"},
		{from[:20] + "\x00" + from[21:]},
		{strings.Repeat("marker", 10_000)},
		{strings.Repeat("0-", 10_000)},
		{from[:40] + "é" + from[42:]},
	}
	for n, value := range append(good, bad...) {
		h := http.Header{"Traceparent": value, "Tracestate": {"marker=1"}, "Baggage": {"marker=1"}}
		_, span := tr.Request(t.Context(), h)
		if continued := strings.Contains(span.Traceparent(), id); continued != (n < len(good)) || len(span.Traceparent()) != len(from) {
			t.Errorf("%.80q is taken for %s", value, span.Traceparent())
		}
		span.Answered("GET", "/here", 200)
	}
	flush(t, tr)
	spans := c.Spans("GET /here")
	for n, s := range spans {
		if want := map[bool]string{true: "00f067aa0ba902b7"}[n < len(good)]; s.Parent != want {
			t.Errorf("span %d has the parent %q, want %q", n, s.Parent, want)
		}
	}
	if len(spans) != len(good)+len(bad) || strings.Contains(c.Text(), "marker") {
		t.Errorf("%d spans: %.2000s", len(spans), c.Text())
	}
}

// How spans end.
func TestSpans(t *testing.T) {
	t.Parallel()
	c := testkit.NewCollector(t)
	tr := tracer(t, c.URL+"/v1/traces", 1000)
	request := func(method, route string, status int) {
		_, s := tr.Request(t.Context(), nil)
		s.Answered(method, route, status)
	}
	request("GET", "/a/{b}", 404)
	request("GET", "/a/{b}", 503)
	request("other", "other", 404)
	_, job := tr.Job(t.Context(), from, false, "kind", "arg", 3)
	job.Done(nil)
	_, apart := tr.Job(t.Context(), from, true, "apart", "arg", 1)
	apart.Done(errors.New("marker"))
	ctx, step := tr.Step(t.Context(), "ethereum")
	inner, stepInStep := tr.Step(ctx, "base")
	trace.OnNetwork(inner, "solana")
	stepInStep.Done(nil)
	step.Done(context.DeadlineExceeded)
	for _, status := range []int{0, 100, 204, 302, 410} {
		_, d := tr.Delivery(ctx, from, "we_1", "evt_1-1", "test.ping", 2)
		d.Delivered(status)
	}
	_, d := tr.Delivery(ctx, step.Traceparent(), "we_1", "evt_1-1", "test.ping", 2)
	d.Delivered(200)
	flush(t, tr)
	spans := c.Spans("")
	type row struct {
		name   string
		failed bool
		parent string
		links  int
		of     string // error.type
	}
	request1, stepID := "00f067aa0ba902b7", step.Traceparent()[36:52]
	for n, want := range []row{
		{"GET /a/{b}", false, "", 0, ""},
		{"GET /a/{b}", true, "", 0, "503"},
		{"HTTP", false, "", 0, ""},
		{"process kind", false, request1, 0, ""},
		{"process apart", true, "", 1, "*errors.errorString"},
		{"watch", false, "", 0, ""},
		{"watch", true, "", 0, "context.deadlineExceededError"},
		{"POST webhook", true, request1, 1, "_OTHER"},
		{"POST webhook", true, request1, 1, "100"},
		{"POST webhook", false, request1, 1, ""},
		{"POST webhook", false, request1, 1, ""},
		{"POST webhook", true, request1, 1, "410"},
		{"POST webhook", false, stepID, 0, ""},
	} {
		s := spans[n]
		if got := (row{s.Name, s.Failed, s.Parent, len(s.Links), s.Attributes["error.type"]}); got != want {
			t.Errorf("span %d is %+v, want %+v", n, got, want)
		}
	}
	if spans[5].Attributes["pepay.network"] != "solana" || spans[5].Trace == spans[6].Trace || strings.Contains(c.Text(), "marker") {
		t.Error(c.Text())
	}
}

// The operator says how much is told; a caller can only ask for less.
func TestSample(t *testing.T) {
	t.Parallel()
	c := testkit.NewCollector(t)
	none := tracer(t, c.URL, 0)
	for range 100 {
		ctx, s := none.Request(t.Context(), http.Header{"Traceparent": {from}})
		if s.Traceparent()[:35] != from[:35] || !strings.HasSuffix(s.Traceparent(), "-00") {
			t.Fatal(s.Traceparent())
		}
		s.Answered("GET", "/x", 200)
		_, s = none.Job(ctx, s.Traceparent(), false, "kind", "arg", 1)
		s.Done(nil)
	}
	flush(t, none)
	all := tracer(t, c.URL, 1000)
	_, s := all.Request(t.Context(), http.Header{"Traceparent": {from[:53] + "00"}})
	s.Answered("GET", "/x", 200)
	flush(t, all)
	if got := c.Spans(""); len(got) > 0 {
		t.Errorf("told: %v", got)
	}
	some := tracer(t, c.URL, 100)
	for range 1000 {
		_, s := some.Request(t.Context(), nil)
		s.Answered("GET", "/x", 200)
	}
	flush(t, some)
	if n := len(c.Spans("")); n < 20 || n > 250 {
		t.Errorf("%d of 1000 were told, want some 100", n)
	}
}

// A collector that hangs holds up nobody, however much there is to tell, and the end
// comes when it should.
func TestHangingCollector(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 100), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }))
	t.Cleanup(func() { close(release); s.Close() })
	tr := tracer(t, s.URL, 1000)
	begin := func(n int) {
		for range n {
			_, span := tr.Request(t.Context(), nil)
			span.Answered("GET", "/x", 200)
		}
	}
	begin(1000)
	<-asked
	begin(20_000) // ten times what is kept: if one had to wait, it would be for ever
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	tr.Close(ctx)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
}

// The log says that traces are lost once, and not with each batch.
func TestLostTraces(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(s.Close)
	tr, err := trace.New(trace.Options{Endpoint: s.URL, PerThousand: 1000, Log: slog.New(slog.NewTextHandler(&text, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 1500 { // some batches
		_, span := tr.Request(t.Context(), nil)
		span.Answered("GET", "/x", 200)
	}
	flush(t, tr)
	if strings.Count(text.String(), "\n") != 1 || !strings.Contains(text.String(), "traces are lost") {
		t.Error(text.String())
	}
}

// Without an endpoint there is no Tracer, and that costs nothing.
func TestOff(t *testing.T) { //nolint:paralleltest // it counts allocations
	tr := tracer(t, "", 1000)
	if tr != nil {
		t.Fatal("there is a Tracer")
	}
	h, ctx := http.Header{"Traceparent": {from}}, t.Context()
	if n := testing.AllocsPerRun(100, func() {
		for range 100 {
			c, s := tr.Request(ctx, h)
			s.Answered("GET", "/x", 500)
			c2, job := tr.Job(c, from, true, "kind", "arg", 1)
			job.Done(nil)
			c3, d := tr.Delivery(c2, from, "we_1", "evt_1-1", "test.ping", 1)
			d.Delivered(200)
			c4, step := tr.Step(c3, "ethereum")
			trace.OnNetwork(c4, "ethereum")
			step.Done(nil)
			if c4 != ctx || s.Traceparent()+d.Traceparent() != "" {
				t.Fatal("something is traced")
			}
		}
		tr.Close(ctx)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBadEndpoint(t *testing.T) {
	t.Parallel()
	if _, err := trace.New(trace.Options{Endpoint: "http://%zz"}); err == nil {
		t.Error("no error")
	}
}
