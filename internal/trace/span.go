package trace

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otel "go.opentelemetry.io/otel/trace"
)

// What the conventions of OpenTelemetry have no name for.
const (
	keyNetwork  = attribute.Key("pepay.network")
	keyJob      = attribute.Key("pepay.job.arg")
	keyAttempt  = attribute.Key("pepay.attempt")
	keyEndpoint = attribute.Key("pepay.endpoint.id")
	keyEvent    = attribute.Key("pepay.event.id")
	keyType     = attribute.Key("pepay.event.type")
)

// Span is work under way. On nil its methods do nothing.
type Span struct{ span otel.Span }

// Traceparent is what makes others part of the span: the text of W3C Trace Context,
// "" of no span.
func (s *Span) Traceparent() string {
	if s == nil {
		return ""
	}
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(otel.ContextWithSpan(context.Background(), s.span), c)
	return c[header]
}

func (t *Tracer) begin(ctx context.Context, name string, kind otel.SpanKind, with ...otel.SpanStartOption) (context.Context, *Span) {
	ctx, span := t.tracer.Start(ctx, name, append(with, otel.WithSpanKind(kind))...)
	return ctx, &Span{span}
}

// under returns ctx as a part of the span that a traceparent names, if it names one.
func under(ctx context.Context, traceparent string) context.Context {
	if p, ok := parent(traceparent); ok {
		return otel.ContextWithRemoteSpanContext(ctx, p)
	}
	return ctx
}

// Request begins the span of an HTTP request, as part of the trace that its headers
// name, if they do. Of those, only the ids are taken.
func (t *Tracer) Request(ctx context.Context, h http.Header) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.begin(under(ctx, only(h, header)), "HTTP", otel.SpanKindServer)
}

// other is the method or route of a request that has none of those we know.
const other = "other"

// Answered ends the span of a request to a route: its pattern, never its path. Method
// and route are "other" when they are none of ours.
func (s *Span) Answered(method, route string, status int) {
	if s == nil {
		return
	}
	as, name := []attribute.KeyValue{semconv.HTTPResponseStatusCode(status)}, "HTTP"
	if method == other {
		as = append(as, semconv.HTTPRequestMethodOther)
	} else {
		as, name = append(as, semconv.HTTPRequestMethodKey.String(method)), method
	}
	if route != other {
		as, name = append(as, semconv.HTTPRoute(route)), name+" "+route
	}
	if status >= http.StatusInternalServerError {
		as = append(as, semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		s.span.SetStatus(codes.Error, "")
	}
	s.span.SetName(name)
	s.span.SetAttributes(as...)
	s.span.End()
}

// Job begins the span of a run of a job, as part of the span that promised it. One that
// is apart, because its runs do what many promised, begins a trace that is linked to it.
func (t *Tracer) Job(ctx context.Context, promised string, apart bool, kind, arg string, attempt int) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	with := []otel.SpanStartOption{otel.WithAttributes(
		semconv.MessagingSystemKey.String("pepay"), semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		semconv.MessagingDestinationName(kind), keyJob.String(arg), keyAttempt.Int(attempt),
	)}
	if p, ok := parent(promised); ok && apart {
		with = append(with, otel.WithLinks(otel.Link{SpanContext: p}))
	} else {
		ctx = under(ctx, promised)
	}
	return t.begin(ctx, "process "+kind, otel.SpanKindConsumer, with...)
}

// Step begins the span of a step along a network. It begins a trace.
func (t *Tracer) Step(ctx context.Context, network string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.begin(ctx, "watch", otel.SpanKindInternal, otel.WithNewRoot(), otel.WithAttributes(keyNetwork.String(network)))
}

// OnNetwork says on which network the span of ctx, if there is one, does its work.
func OnNetwork(ctx context.Context, network string) {
	if s := otel.SpanFromContext(ctx); s.IsRecording() {
		s.SetAttributes(keyNetwork.String(network))
	}
}

// Done ends the span of a job or a step. Of an error its type is told.
func (s *Span) Done(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.span.SetAttributes(semconv.ErrorType(err))
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Delivery begins the span of an attempt to deliver an event to an endpoint. It is part
// of the job that makes it when both are for the same trace; else it is part of the span
// that caused the event, and linked to the job.
func (t *Tracer) Delivery(ctx context.Context, caused, endpoint, event, kind string, attempt int) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	with := []otel.SpanStartOption{otel.WithAttributes(
		semconv.HTTPRequestMethodPost,
		keyEndpoint.String(endpoint), keyEvent.String(event), keyType.String(kind), keyAttempt.Int(attempt),
	)}
	job := otel.SpanContextFromContext(ctx)
	if p, ok := parent(caused); ok && p.TraceID() != job.TraceID() {
		ctx = otel.ContextWithRemoteSpanContext(ctx, p)
		with = append(with, otel.WithLinks(otel.Link{SpanContext: job}))
	}
	return t.begin(ctx, "POST webhook", otel.SpanKindClient, with...)
}

// Delivered ends the span of a delivery with the status that it was answered, 0 for no
// answer.
func (s *Span) Delivered(status int) {
	if s == nil {
		return
	}
	failure := semconv.ErrorTypeOther
	if status != 0 {
		s.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		failure = semconv.ErrorTypeKey.String(strconv.Itoa(status))
	}
	if status < http.StatusOK || status >= http.StatusBadRequest {
		s.span.SetAttributes(failure)
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
