package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// answers is a transport that answers as scripted, and remembers what it was sent.
type answers struct {
	script []func() (*http.Response, error)
	got    []sent
}

type sent struct {
	key, body string
	at        time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	a.got = append(a.got, sent{r.Header.Get("Idempotency-Key"), string(b), time.Now()})
	f := a.script[min(len(a.got), len(a.script))-1]
	resp, err := f()
	if resp != nil {
		resp.Request = r
	}
	if err == nil && resp == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return resp, err
}

// with is an answer; header is names and values in turn.
func with(status int, body string, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		h := http.Header{}
		for n := 0; n < len(header); n += 2 {
			h.Set(header[n], header[n+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func broken() (*http.Response, error) { return nil, errors.New("connection reset") }
func silent() (*http.Response, error) { return nil, nil }

func scripted(script ...func() (*http.Response, error)) (*client.Client, *answers) {
	a := &answers{script: script}
	c := client.New("http://pepay.test", "pk_test_x")
	c.HTTP = &http.Client{Transport: a}
	return c, a
}

func TestRetries(t *testing.T) {
	t.Parallel()
	made := with(200, `{"invoice_id":"i"}`)
	for name, c := range map[string]struct {
		script      []func() (*http.Response, error)
		attempts    int
		ok          bool
		least, most time.Duration
	}{
		"at once":                  {[]func() (*http.Response, error){made}, 1, true, 0, 0},
		"500, then 503":            {[]func() (*http.Response, error){with(500, "{}"), with(503, "{}"), made}, 3, true, 750 * time.Millisecond, 1500 * time.Millisecond},
		"never":                    {[]func() (*http.Response, error){with(503, "{}")}, 3, false, 750 * time.Millisecond, 1500 * time.Millisecond},
		"the network":              {[]func() (*http.Response, error){broken, made}, 2, true, 250 * time.Millisecond, 500 * time.Millisecond},
		"silence":                  {[]func() (*http.Response, error){silent, made}, 2, true, 30*time.Second + 250*time.Millisecond, 30*time.Second + 500*time.Millisecond},
		"Retry-After":              {[]func() (*http.Response, error){with(429, "{}", "Retry-After", "7"), made}, 2, true, 7 * time.Second, 7 * time.Second},
		"retry_after in the body":  {[]func() (*http.Response, error){with(429, `{"retry_after":"9 seconds"}`), made}, 2, true, 9 * time.Second, 9 * time.Second},
		"a wait that is too long":  {[]func() (*http.Response, error){with(429, `{"retry_after":"15 minutes"}`)}, 1, false, 0, 0},
		"what is wrong stays":      {[]func() (*http.Response, error){with(400, "{}")}, 1, false, 0, 0},
		"502 may have had effects": {[]func() (*http.Response, error){with(502, "{}")}, 1, false, 0, 0},
		"a redirect":               {[]func() (*http.Response, error){with(307, "", "Location", "http://elsewhere.test/")}, 1, false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pepay, a := scripted(c.script...)
				start := time.Now()
				_, err := pepay.Invoices.Create(t.Context(), api.CreateInvoiceRequest{AmountUSD: new(api.Number("1.50"))})
				took := time.Since(start)
				if (err == nil) != c.ok || len(a.got) != c.attempts || took < c.least || took > c.most {
					t.Errorf("%v after %d attempts in %s", err, len(a.got), took)
				}
				for _, s := range a.got {
					if s.key != a.got[0].key || s.body != `{"amount_usd":1.50}` {
						t.Errorf("attempts differ: %+v", a.got)
					}
				}
			})
		})
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pepay, a := scripted(with(429, `{"success":false,"message":"Slow down","error_code":"RATE_LIMIT_EXCEEDED"}`, "Retry-After", "30"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := pepay.Invoices.Get(ctx, "i")
		e, ok := errors.AsType[*client.Error](err)
		if !errors.Is(err, context.DeadlineExceeded) || !ok || e.Message != "Slow down" || len(a.got) != 1 {
			t.Errorf("%v after %d attempts", err, len(a.got))
		}
	})
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	pepay, a := scripted(with(200, "{}"))
	pepay.Retries = 0
	ctx := t.Context()
	_, _ = pepay.Invoices.Create(ctx, api.CreateInvoiceRequest{})
	_, _ = pepay.Invoices.Cancel(ctx, "i")
	_ = pepay.Webhooks.Delete(ctx, "we_1")
	_, _ = pepay.Invoices.Create(client.WithIdempotencyKey(ctx, "mine"), api.CreateInvoiceRequest{})
	_, _ = pepay.Invoices.Get(ctx, "i")
	v4, seen := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), map[string]bool{}
	for n, s := range a.got[:3] {
		if !v4.MatchString(s.key) || seen[s.key] {
			t.Errorf("write %d has the key %q", n, s.key)
		}
		seen[s.key] = true
	}
	if a.got[3].key != "mine" || a.got[4].key != "" {
		t.Errorf("a chosen key went as %q, a read had %q", a.got[3].key, a.got[4].key)
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "pay.example.com", "http://bad host", "ftp://x"} {
		c := client.New(url, "k")
		c.Retries = 0
		if _, err := c.Invoices.Get(t.Context(), "i"); err == nil || !strings.HasPrefix(err.Error(), "pepay: ") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func() (*http.Response, error)
		want   client.Error
		text   string
	}{
		"A": {
			with(404, `{"error":"Invoice not found","code":"INVOICE_NOT_FOUND","details":[{"a":1}]}`, "X-Request-Id", "r1"),
			client.Error{Status: 404, Code: "INVOICE_NOT_FOUND", Message: "Invoice not found", RequestID: "r1"},
			"pepay: 404 INVOICE_NOT_FOUND: Invoice not found (request r1)",
		},
		"A without a code": {with(410, `{"error":"Gone","code":null}`), client.Error{Status: 410, Message: "Gone"}, "pepay: 410: Gone"},
		"B": {
			with(401, `{"success":false,"error":{"code":"API_KEY_INVALID","message":"Invalid API key"}}`, "Request-Id", "r2"),
			client.Error{Status: 401, Code: "API_KEY_INVALID", Message: "Invalid API key", RequestID: "r2"},
			"pepay: 401 API_KEY_INVALID: Invalid API key (request r2)",
		},
		"C": {
			with(429, `{"error":"Wait","error_code":"PAYMENT_SESSION_RATE_LIMIT","source":"payment_session"}`, "Retry-After", "3"),
			client.Error{Status: 429, Code: "PAYMENT_SESSION_RATE_LIMIT", Message: "Wait", RetryAfter: 3 * time.Second},
			"pepay: 429 PAYMENT_SESSION_RATE_LIMIT: Wait",
		},
		"D": {
			with(429, `{"success":false,"message":"Slow","error_code":"RATE_LIMIT_EXCEEDED","retry_after":"2 hours"}`),
			client.Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED", Message: "Slow", RetryAfter: 2 * time.Hour},
			"pepay: 429 RATE_LIMIT_EXCEEDED: Slow",
		},
		"a proxy's page": {with(502, `<html>`), client.Error{Status: 502, Message: "Bad Gateway"}, "pepay: 502: Bad Gateway"},
		"nothing":        {with(403, ``, "Retry-After", "soon"), client.Error{Status: 403, Message: "Forbidden"}, "pepay: 403: Forbidden"},
		"odd types":      {with(400, `{"error":7,"code":[],"retry_after":5}`), client.Error{Status: 400, Message: "Bad Request"}, "pepay: 400: Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pepay, _ := scripted(c.answer)
			pepay.Retries = 0
			_, err := pepay.Invoices.Get(t.Context(), "i")
			e, ok := errors.AsType[*client.Error](err)
			if !ok || *e != c.want || err.Error() != c.text {
				t.Errorf("%#v %v", e, err)
			}
		})
	}
}
