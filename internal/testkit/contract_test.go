package testkit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/testkit"
)

// verdict is a test that only remembers what it was told.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper()                        {}
func (v *verdict) Errorf(format string, a ...any) { v.said = fmt.Sprintf(format, a...) }

const (
	paid    = `{"status":"paid","paid_at":1765541000}`
	created = `{"invoice_id":"5b0f2c1e-7a94-4d0e-9a53-0c1d2e3f4a5b","payment_url":"https://pay.example/pay","expires_at":1,` +
		`"session_token":"550e8400-e29b-41d4-a716-446655440444","signature":"e3c536555949d5bfed94124d2c58ac08088785b61e3a0ef9c689a7a21b91bc19.1",` +
		`"payment_session_headers":{"x-session-token":"550e8400-e29b-41d4-a716-446655440444","x-signature":"s"}}`
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const status = "GET /api/v1/payments/payment-status"
	for _, c := range []struct {
		name, target, sent string
		status             int
		kind, body, want   string
	}{
		{"as described", status, "", 200, "application/json; charset=utf-8", paid, ""},
		{"null", status, "", 200, "application/json", `{"status":"unpaid","paid_at":null}`, ""},
		{"an extra field", status, "", 200, "application/json", `{"status":"paid","paid_at":1,"more":1}`, `"more" is unsupported`},
		{"a missing field", status, "", 200, "application/json", `{"status":"paid"}`, `"paid_at" is missing`},
		{"a wrong type", status, "", 200, "application/json", `{"status":"paid","paid_at":"1"}`, "must be an integer"},
		{"an unknown value", status, "", 200, "application/json", `{"status":"maybe","paid_at":1}`, "allowed values"},
		{"another status", status, "", 202, "application/json", paid, "status is not supported"},
		{"another content type", status, "", 200, "text/html", paid, "Content-Type"},
		{"another path", "GET /api/v1/payments/nothing", "", 200, "application/json", paid, "no matching operation"},
		{"another method", "PUT /api/v1/payments/payment-status", "", 200, "application/json", paid, "method not allowed"},
		{"an error", status, "", 401, "application/json", `{"error":"no","code":"INVALID_SIGNATURE"}`, ""},
		{"the wrong envelope", status, "", 401, "application/json", `{"success":false,"error":{"code":"X","message":"no"}}`, "must be a string"},
		{"a good request", "POST /api/v1/invoices", `{"amount_usd":49.99,"description":null}`, 200, "application/json", created, ""},
		{"a bad request", "POST /api/v1/invoices", `{"amount_usd":"49.99"}`, 200, "application/json", created, "must be a number"},
		{"a bad id", "POST /api/v1/invoices", `{"amount_usd":1}`, 200, "application/json", strings.Replace(created, "5b0f2c1e-", "5b0f2c1e", 1), "uuid"},
		{
			"a bad request refused", "POST /api/v1/invoices", `{"amount_usd":"49.99"}`, 400, "application/json",
			`{"success":false,"error":{"code":"INVALID_AMOUNT_FORMAT","message":"no"}}`, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(c.target, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", "123e4567-e89b-42d3-a456-556642440000")
			v := &verdict{TB: t}
			h := http.Header{"Content-Type": {c.kind}, "X-Request-Id": {"req_1"}, "Access-Control-Allow-Origin": {"*"}}
			for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
				h.Set(name, "1")
			}
			testkit.OpenAPI(t).Check(v, r, []byte(c.sent), c.status, h, []byte(c.body))
			if c.want == "" && v.said != "" || !strings.Contains(v.said, c.want) {
				t.Errorf("want %q, got %q", c.want, v.said)
			}
		})
	}
}

func TestCheckWantsHeaders(t *testing.T) {
	t.Parallel()
	v := &verdict{TB: t}
	r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	testkit.OpenAPI(t).Check(v, r, nil, 200, http.Header{"Content-Type": {"application/json"}}, []byte(`{"status":"ok"}`))
	if !strings.Contains(v.said, `"X-Request-Id" missing`) {
		t.Errorf("a missing header passed: %q", v.said)
	}
}

// Who is limited is told where they stand, in every answer that counts.
func TestCheckWantsLimits(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", ""} {
		v := &verdict{TB: t}
		r := httptest.NewRequest(http.MethodGet, "/api/v1/payments/payment-status", nil)
		h := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req_1"}, "Access-Control-Allow-Origin": {"*"}}
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
			if name != missing {
				h.Set(name, "1")
			}
		}
		testkit.OpenAPI(t).Check(v, r, nil, 200, h, []byte(paid))
		if !strings.Contains(strings.ToLower(v.said), strings.ToLower(missing)) || missing == "" && v.said != "" {
			t.Errorf("without %q: %q", missing, v.said)
		}
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "req_1")
		if r.URL.Path == "/healthz" {
			_, _ = w.Write([]byte(`{"status":"ok"}`))
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(s.Close)
	v := &verdict{TB: t}
	client := http.Client{Transport: testkit.OpenAPI(t).Transport(v, s.Client().Transport)}
	for path, good := range map[string]bool{"/healthz": true, "/readyz": false} {
		v.said = ""
		resp, err := client.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if good != (v.said == "") {
			t.Errorf("%s: %q", path, v.said)
		}
	}
}

const seed = `{openapi: 3.0.0, info: {title: t, version: v}, servers: [{url: 'https://elsewhere.example'}], paths: {/a: {get: {responses: {'200': {description: d,
  content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}},
  components: {schemas: {A: {type: object, properties: {b: {type: object, properties: {c: {type: integer}}}}}}}}`

func TestSeedIsStrict(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.openapi.yaml"), []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PEPAY_SEEDS", dir)
	s := testkit.Seed(t, "a")
	for body, good := range map[string]bool{`{"b":{"c":1}}`: true, `{"b":{"c":1,"d":2}}`: false, `{"b":{},"x":1}`: false} {
		v := &verdict{TB: t}
		s.Check(v, httptest.NewRequest(http.MethodGet, "/a", nil), nil, 200, http.Header{"Content-Type": {"application/json"}}, []byte(body))
		if good != (v.said == "") {
			t.Errorf("%s: %q", body, v.said)
		}
	}
}
