package testkit

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Collector receives OpenTelemetry traces and remembers them.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []Span
	text  []byte
}

// Span is one span as it arrived. Ids are hexadecimal, "" for none.
type Span struct {
	Name, Trace, ID, Parent string
	Kind                    string
	Failed                  bool
	Attributes              map[string]string
	Links                   []string // ids of spans
}

// NewCollector starts a collector.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var told collector.ExportTraceServiceRequest
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(b, &told)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("the collector was sent to %s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.take(&told)
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *Collector) take(told *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, protojson.Format(told)...)
	for _, r := range told.GetResourceSpans() {
		for _, l := range r.GetScopeSpans() {
			for _, s := range l.GetSpans() {
				c.spans = append(c.spans, spanOf(s))
			}
		}
	}
}

func spanOf(s *wire.Span) Span {
	v := Span{
		Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Kind: s.GetKind().String(), Failed: s.GetStatus().GetCode() == wire.Status_STATUS_CODE_ERROR, Attributes: map[string]string{},
	}
	for _, a := range s.GetAttributes() {
		if v.Attributes[a.GetKey()] = a.GetValue().GetStringValue(); v.Attributes[a.GetKey()] == "" {
			v.Attributes[a.GetKey()] = protojson.MarshalOptions{}.Format(a.GetValue())
		}
	}
	for _, l := range s.GetLinks() {
		v.Links = append(v.Links, hex.EncodeToString(l.GetSpanId()))
	}
	return v
}

// Spans returns the spans of a name that have arrived, oldest first; "" for all.
func (c *Collector) Spans(name string) (found []Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if name == "" || s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// Text is all that has arrived, as JSON in which ids are in base64.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}
