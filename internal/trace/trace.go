// Package trace tells an OpenTelemetry collector what a deployment does, as spans: a
// request, the jobs it promised, the webhooks it caused. It hides the library behind
// words of our own. Spans carry ids, routes, statuses and times, never a URL, a text of
// somebody else's or the text of an error: what they hold is listed in span.go.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otel "go.opentelemetry.io/otel/trace"
)

// Options say where traces go.
type Options struct {
	Endpoint    string // OTLP over HTTP; "" for no traces
	PerThousand int    // how many of a thousand traces are told
	Log         *slog.Logger
}

// Tracer begins spans. All methods may be called from many goroutines and never wait
// for the collector; on a nil Tracer they do nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
	log      *slog.Logger
}

// New returns a Tracer, nil when the options name no endpoint. It does not look
// whether anybody is there.
func New(o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil //nolint:nilnil // nil is the Tracer that does nothing
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	if strings.Trim(u.Path, "/") == "" {
		u = u.JoinPath("v1/traces")
	}
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("pepay")), resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	ratio := sdk.TraceIDRatioBased(float64(o.PerThousand) / 1000)
	limits := sdk.NewSpanLimits()
	limits.AttributeValueLengthLimit = maxValue
	p := sdk.NewTracerProvider(
		sdk.WithBatcher(&steady{SpanExporter: exporter, log: o.Log}),
		sdk.WithResource(about), sdk.WithRawSpanLimits(limits),
		// A stranger may leave his trace untold, but not make us tell more than our share.
		sdk.WithSampler(sdk.ParentBased(ratio, sdk.WithRemoteParentSampled(ratio))),
	)
	return &Tracer{provider: p, tracer: p.Tracer("github.com/pepay/pepay"), log: o.Log}, nil
}

// maxValue bounds the value of an attribute.
const maxValue = 200

// Close sends what is still to be told. It gives up when ctx ends.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last traces were not sent", "err", err)
	}
}

// steady logs when traces begin to be lost and when they are taken again, instead of
// each time.
type steady struct {
	sdk.SpanExporter
	log  *slog.Logger
	lost atomic.Bool
}

// ExportSpans implements sdk.SpanExporter.
func (s *steady) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	if was := s.lost.Swap(err != nil); was != (err != nil) {
		if err != nil {
			s.log.WarnContext(ctx, "traces are lost: the collector does not take them", "err", fmt.Sprintf("%.200s", err))
		} else {
			s.log.InfoContext(ctx, "the collector takes traces again")
		}
	}
	return nil
}

// header is where W3C Trace Context puts the ids.
const header = "traceparent"

// parent returns the ids of a traceparent, and false when it is not one.
func parent(traceparent string) (otel.SpanContext, bool) {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: traceparent})
	c := otel.SpanContextFromContext(ctx)
	return c, c.IsValid()
}

// only returns the one value of a header, "" when there are several: then nobody can
// tell which is meant.
func only(h http.Header, name string) string {
	if v := h[http.CanonicalHeaderKey(name)]; len(v) == 1 {
		return v[0]
	}
	return ""
}
