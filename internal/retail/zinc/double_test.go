package zinc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

const (
	token  = "SECRETTOKEN0123"
	first  = "3f1c939065cf58e7b9f0aea70640df01" // the request that the double gives out first
	order1 = "112-1234567-7272727"
	order2 = "112-1234567-8383838"
)

// double stands in for Zinc: it keeps what it was sent, answers what it was told to and
// breaks as it was told to.
type double struct {
	t   *testing.T
	url string

	mu           sync.Mutex
	calls        []string          // "GET /orders/…"
	placed       map[string]string // requests by idempotency key
	bodies       []string          // of placements
	cancelBodies []string
	answers      map[string]string                             // bodies by call
	fault        func(http.ResponseWriter, *http.Request) bool // true when it answered
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/v1")
	if user, pass, has := r.BasicAuth(); !ok || !has || user != token || pass != "" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"_type":"error","code":"invalid_client_token","message":"Your client token is invalid."}`)
		return
	}
	call := r.Method + " " + path
	d.calls = append(d.calls, call)
	body, _ := io.ReadAll(r.Body)
	if call == "POST /orders" {
		var in struct {
			Key string `json:"idempotency_key"`
		}
		if err := json.Unmarshal(body, &in); err != nil || in.Key == "" {
			d.t.Errorf("a placement without a key: %s", body)
		}
		d.bodies = append(d.bodies, string(body))
		if _, known := d.placed[in.Key]; !known && d.answers[call] == "" {
			d.placed[in.Key] = fmt.Sprintf("%s%02d", first[:30], len(d.placed)+1)
		}
		if d.answers[call] == "" {
			d.answers[call+in.Key] = `{"request_id":"` + d.placed[in.Key] + `"}`
		}
		if d.fault != nil && d.fault(w, r) {
			return
		}
		_, _ = io.WriteString(w, d.answers[call]+d.answers[call+in.Key])
		return
	}
	if strings.HasSuffix(call, "/cancel") {
		call += " " + string(body)
		d.cancelBodies = append(d.cancelBodies, string(body))
	}
	if d.fault != nil && d.fault(w, r) {
		return
	}
	for prefix, answer := range d.answers {
		if call == prefix || strings.HasSuffix(prefix, "…") && strings.Contains(call, strings.TrimSuffix(prefix, "…")) {
			if strings.Contains(answer, `"error"`) {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func (d *double) answer(call, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[call] = body
}

func (d *double) breaks(f func(http.ResponseWriter, *http.Request) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

func (d *double) count(call string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		if strings.HasPrefix(c, call) {
			n++
		}
	}
	return n
}

// rig is a provider and the double that it talks to.
type rig struct {
	*zinc.Zinc
	*double
	opt  zinc.Options
	log  *safeBuffer
	mu   sync.Mutex
	time time.Time
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.time
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.time = r.time.Add(d)
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start returns a rig. Whatever happens in the test, the token and the URL are in no log.
func start(t *testing.T, change ...func(*zinc.Options)) *rig {
	t.Helper()
	r := &rig{log: &safeBuffer{}, time: noon, double: &double{t: t, placed: map[string]string{}, answers: map[string]string{}}}
	s := httptest.NewServer(r.double)
	t.Cleanup(s.Close)
	r.url = s.URL
	o := zinc.Options{Token: token, URL: s.URL + "/v1", HTTP: s.Client(), Log: slog.New(slog.NewJSONHandler(r.log, nil)), Now: r.now}
	for _, f := range change {
		f(&o)
	}
	z, err := zinc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Zinc, r.opt = z, o
	t.Cleanup(func() {
		if l := r.log.String(); strings.Contains(l, token) || strings.Contains(l, s.URL) {
			t.Errorf("the log tells secrets: %s", l)
		}
	})
	return r
}

// again returns a provider that knows nothing of what the rig's did.
func (r *rig) again(t *testing.T) *zinc.Zinc {
	t.Helper()
	z, err := zinc.New(r.opt)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func placement() retail.Placement {
	return retail.Placement{
		Key: "550e8400-e29b-41d4-a716-446655440333", Retailer: "amazon", MaxTotal: 21_009, // a tenth of a cent too much to be asked for
		Lines: []pay.OrderLine{{ProductID: "B0B844T634", Retailer: "amazon", Quantity: 2, Price: 9_99 * money.Cent}},
		To: pay.ShippingAddress{
			FirstName: "Ada", LastName: "Lovelace", Line1: "1 Main St", Line2: "Apt 2", City: "Miami", State: "FL", Zip: "33101", Country: "US", Phone: "+13055550123", Email: "ada@example.com",
		},
	}
}

func errorBody(code string) string {
	return `{"_type":"error","code":"` + code + `","message":"LEAK of the provider","data":{"secret":"LEAK"}}`
}

// fails demands an error of the seam that says nothing it should not.
func (r *rig) fails(t *testing.T, err, want error) {
	t.Helper()
	switch {
	case !isOnly(err, want):
		t.Errorf("the error is %v, want one that is %v", err, want)
	case strings.Contains(err.Error(), token), strings.Contains(err.Error(), r.url), strings.Contains(err.Error(), "LEAK"):
		t.Errorf("the error tells secrets: %v", err)
	}
}

func placedBody(tracking string, orders ...string) string {
	var ids []string
	for _, o := range orders {
		ids = append(ids, `{"merchant_order_id":"`+o+`","merchant":"amazon","account":"x@example.com","placed_at":"2026-01-05T11:00:00.000Z"}`)
	}
	return `{"_type":"order_response","request_id":"` + first + `","price_components":{"total":1999},"merchant_order_ids":[` + strings.Join(ids, ",") +
		`],"tracking":[` + tracking + `],"request":{"products":[{"product_id":"B0B844T634","quantity":2}]}}`
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
