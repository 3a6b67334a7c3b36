package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// desk is a deployment and somebody who asks it things. Every exchange is held to
// openapi.yaml.
type desk struct {
	*testkit.App
	t      *testing.T
	client *http.Client
	key    testkit.Headers
}

func newDesk(t *testing.T, database string, change func(*app.Options)) *desk {
	t.Helper()
	a := testkit.StartApp(t, database, change)
	client := &http.Client{Transport: testkit.OpenAPI(t).Transport(t, http.DefaultTransport), Timeout: 30 * time.Second}
	return &desk{a, t, client, testkit.Headers{"x-api-key", a.Key}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request, path first in the form "GET /path".
func send(t *testing.T, c *http.Client, url, target, body string, h testkit.Headers) answer {
	t.Helper()
	method, path, _ := strings.Cut(target, " ")
	r, err := http.NewRequestWithContext(context.Background(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(h); i += 2 {
		if r.Header.Set(h[i], h[i+1]); h[i+1] == "" {
			r.Header.Del(h[i])
		}
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// ask sends a request as the API describes it.
func (d *desk) ask(target, body string, h testkit.Headers) answer {
	d.t.Helper()
	return send(d.t, d.client, d.URL, target, body, h)
}

// stray sends a request to somewhere or in a way that openapi.yaml has no word for.
func (d *desk) stray(target, body string, h testkit.Headers) answer {
	d.t.Helper()
	return send(d.t, http.DefaultClient, d.URL, target, body, h)
}

// create asks for an invoice under a new idempotency key.
func (d *desk) create(body string) answer {
	d.t.Helper()
	return d.ask("POST /api/v1/invoices", body, d.with("Idempotency-Key", testkit.UUID()))
}

// with is the merchant's key and more headers.
func (d *desk) with(h ...string) testkit.Headers {
	return append(append(testkit.Headers{}, d.key...), h...)
}

// refused holds an answer to a status, a code, and one of the envelopes of
// contract 1.6: "A", "B", "C" or "D".
func refused(t *testing.T, a answer, status int, envelope, code string) {
	t.Helper()
	var e struct {
		Success   *bool           `json:"success"`
		Error     json.RawMessage `json:"error"`
		Code      string          `json:"code"`
		Message   string          `json:"message"`
		ErrorCode string          `json:"error_code"`
		Source    string          `json:"source"`
		Retry     string          `json:"retry_after"`
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatalf("%d is not JSON: %.300q", a.status, a.body)
	}
	got, text := "", ""
	switch failed := e.Success != nil && !*e.Success; {
	case failed && e.ErrorCode != "" && e.Message != "" && e.Retry != "":
		got, e.Code = "D", e.ErrorCode
	case failed:
		var inner struct{ Code, Message string }
		if json.Unmarshal(e.Error, &inner) == nil && inner.Message != "" {
			got, e.Code = "B", inner.Code
		}
	case e.ErrorCode != "" && e.Source != "":
		got, e.Code = "C", e.ErrorCode
	case json.Unmarshal(e.Error, &text) == nil && text != "":
		got = "A"
	}
	if a.status != status || got != envelope || e.Code != code {
		t.Errorf("got %d %s %s, want %d %s %s: %.300s", a.status, got, e.Code, status, envelope, code, a.body)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
	for _, trace := range []string{"goroutine", ".go:", "panic", "SQLSTATE", "sqlite", "runtime error"} {
		if strings.Contains(a.body, trace) {
			t.Errorf("the answer shows our insides: %.300s", a.body)
		}
	}
}

// written counts a merchant's rows: its invoices and its events.
func (d *desk) written() (invoices int64, events int) {
	d.t.Helper()
	if err := d.Store.Read(context.Background(), func(tx *store.Tx) error {
		ts, err := tx.InvoiceTotals(store.InvoiceFilter{MerchantID: d.Merchant.ID})
		for _, s := range ts {
			invoices += s.Count
		}
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return invoices, len(testkit.Events(d.t, d.Store, d.Merchant.ID))
}

// holds fails the test unless the merchant has exactly so many rows.
func (d *desk) holds(invoices int64, events int) {
	d.t.Helper()
	if i, e := d.written(); i != invoices || e != events {
		d.t.Errorf("%d invoices and %d events are written, want %d and %d", i, e, invoices, events)
	}
}

// decode reads an answer that must be 200.
func decode[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}
