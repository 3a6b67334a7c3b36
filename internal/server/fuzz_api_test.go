package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/testkit"
)

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// operation is one of openapi.yaml.
type operation struct {
	method, path string
	*openapi3.Operation
	ps openapi3.Parameters // also those of the path
}

func operations(t *testing.T) (all []operation) {
	t.Helper()
	for path, item := range testkit.OpenAPI(t).Doc.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{method, path, o, slices.Concat(o.Parameters, item.Parameters)})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// fuzzer throws requests at a deployment, each over a connection of its own, because
// what an HTTP client would refuse to send is of interest too.
type fuzzer struct {
	*gen
	t    *testing.T
	a    *testkit.App
	doc  *testkit.Contract
	host string
	key  string // for the dashboard
	// pinned are names whose known values stay as they are: answers repeat what they were
	// asked, right or wrong.
	pinned []string
}

const fuzzPatience = 20 * time.Second

// malformed is what net/http says, before us, to what is not HTTP.
const malformed = "400 Bad Request"

// Every operation of openapi.yaml is asked in every wrong way: none answers 5xx, hangs,
// or answers with what the document does not describe. FUZZ_API_TIME=15m goes on for
// that long, FUZZ_API_SEED repeats a run.
func TestFuzzAPI(t *testing.T) {
	t.Parallel()
	span, seed := 3*time.Second, uint64(1)
	if v := os.Getenv("FUZZ_API_TIME"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal("FUZZ_API_TIME: ", err)
		}
		span, seed = d, uint64(time.Now().UnixNano())
	}
	if v := os.Getenv("FUZZ_API_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal("FUZZ_API_SEED: ", err)
		}
		seed = n
	}
	all := operations(t)
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		f := newFuzzer(t, address, seed)
		asked, passed, n := map[string]int{}, map[string]int{}, 0
		for end := time.Now().Add(span); time.Now().Before(end) && !t.Failed(); n++ {
			if n%3000 == 0 {
				f.settle()
			}
			o := all[n%len(all)]
			status := f.throw(o, n)
			asked[o.OperationID]++
			if status < 400 {
				passed[o.OperationID]++
			}
		}
		t.Logf("FUZZ_API_SEED=%d: %d requests at %d operations", seed, n, len(all))
		for _, o := range all {
			if n > 200*len(all) && passed[o.OperationID] == 0 {
				t.Logf("%s was never answered with success in %d tries", o.OperationID, asked[o.OperationID])
			}
		}
	})
}

func newFuzzer(t *testing.T, address string, seed uint64) *fuzzer {
	t.Helper()
	f := &fuzzer{t: t, doc: testkit.OpenAPI(t), gen: &gen{Rand: rand.New(rand.NewPCG(seed, 0))}}
	f.a = testkit.StartApp(t, address, func(o *app.Options) {
		var b [32]byte
		b[0] = byte(seed)
		o.Rand = testkit.Locked(rand.NewChaCha8(b))
		o.TestWallet = func(_ context.Context, a billing.Allocation) (string, error) {
			return "0x" + strings.Repeat("ab", 32), nil
		}
		o.DashboardKey = func() string { return f.key }
	})
	f.host = strings.TrimPrefix(f.a.URL, "http://")
	return f
}

// settle begins with a new merchant, what belongs to it, and what belongs to another:
// a run that grows for ever would slow down.
func (f *fuzzer) settle() {
	f.t.Helper()
	_, theirs, _ := testkit.AddMerchant(f.t, f.a.App)
	f.known = map[string][]string{}
	f.a.Key = theirs
	foreign, _ := f.a.Open(`{"amount_usd":1}`)
	m, key, commerce := testkit.AddMerchant(f.t, f.a.App)
	f.a.Key, f.key = key, key
	f.a.Commerce = commerce
	made, payor := f.a.Open(`{"amount_usd":12.5,"customer_id":"cust_123456"}`)
	f.a.Allocate(payor, testkit.Dollar)
	_, html := testkit.Do(f.t, "GET", f.a.URL+"/pay", "", nil)
	page := regexp.MustCompile(`/pay/assets/[0-9a-f]+/`).FindString(string(html))
	ticket := func(s auth.Stream, invoice string) string {
		by, err := f.a.Billing.ByKey(f.t.Context(), map[auth.Stream]string{auth.StreamMerchant: key, auth.StreamCommerce: commerce}[s])
		if err != nil && s != auth.StreamPayment {
			f.t.Fatal(err)
		}
		token, err := f.a.Billing.Auth.NewTicket(auth.Ticket{Stream: s, MerchantID: m.ID, InvoiceID: invoice, Environment: "devnet", KeyID: by.Key.ID}, time.Now().Add(time.Hour))
		if err != nil {
			f.t.Fatal(err)
		}
		return token
	}
	f.known["StreamToken"] = []string{ticket(auth.StreamMerchant, ""), ticket(auth.StreamCommerce, "")}
	f.known["PaymentStreamToken"] = []string{ticket(auth.StreamPayment, made.InvoiceID)}
	f.known["network"] = []string{"ethereum"}
	f.known["tokenid"] = []string{"10", "11"}
	f.known["build"] = []string{strings.Split(page, "/")[3]}
	f.known["file"] = []string{"pay.css", "pay.js", "icon.svg"}
	f.known["invoiceid"] = []string{made.InvoiceID, foreign.InvoiceID}
	f.trade()
	f.known["session"], f.known["signature"] = []string{made.SessionToken}, []string{made.Signature}
	f.creds = map[string][][][2]string{
		"merchantApiKey": {{{"x-api-key", key}}}, "commerceApiKey": {{{"x-commerce-api-key", commerce}}, {{"x-api-key", commerce}}},
		"PaymentSessionToken": {{{payor[0], payor[1]}}}, "PaymentSessionSignature": {{{payor[2], payor[3]}}},
		"bearerAuth": {{{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}}},
	}
}

// trade makes what the operations of commerce can name: products, an estimate, an address,
// and orders at the beginning and half way.
func (f *fuzzer) trade() {
	f.t.Helper()
	f.known["customerid"], f.known["productid"] = []string{"cust_123456"}, []string{testkit.Dripper, testkit.Keeper, testkit.SoldOut, "B000000000"}
	f.known["transitionto"] = []string{"payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed", "failed", "cancelled", "refunded"}
	f.known["walletaddress"], f.known["walletnetwork"] = []string{"0x0000000000000000000000000000000000000001"}, []string{"bsc"}
	f.known["refunddestinationwalletaddressbsc"] = f.known["walletaddress"]
	f.pinned = slices.Collect(maps.Keys(f.known))
	s := f.a.Shopper("cust_123456")
	e := s.Estimate(`"items":[{"productId":"` + testkit.Dripper + `","quantity":1}]`)
	pending, placed := s.Buy(testkit.Dripper, ""), s.Buy(testkit.Keeper, "")
	for _, step := range f.known["transitionto"][:3] {
		s.Simulate(placed.OrderID, step, "")
	}
	f.known["estimateid"], f.known["addressid"] = []string{e.EstimateID}, []string{s.Address(e.EstimateID)}
	f.known["orderid"], f.known["orderids"] = []string{pending.OrderID, placed.OrderID}, []string{pending.OrderID, placed.OrderID}
	f.note("invoiceid", pending.InvoiceID)
}

// throw sends one request and judges what comes back.
func (f *fuzzer) throw(o operation, n int) (status int) {
	f.t.Helper()
	odd := !f.one(4)
	path, plain := f.path(o.path, o.ps, odd)
	if q := f.query(o.ps, o.Security, odd); q != "" {
		path += "?" + q
	}
	var body []byte
	kind := "application/json"
	if o.RequestBody != nil {
		if form := o.RequestBody.Value.Content.Get("application/x-www-form-urlencoded"); form != nil && o.RequestBody.Value.Content.Get("application/json") == nil {
			kind, body = "application/x-www-form-urlencoded", []byte("amount=1&description="+url.QueryEscape(f.text("", nil, true)))
		} else {
			body = f.body(o.RequestBody.Value, odd)
		}
	} else if odd && f.one(10) {
		body = []byte(pick(f.gen, nastyJSON))
	}
	h := append([][2]string{{"Host", f.host}}, f.auth(o.Security, odd)...)
	for _, p := range o.ps {
		if p.Value.In == "header" && (p.Value.Required || f.one(3)) && !(odd && f.one(8)) {
			v := f.text(p.Value.Name, p.Value.Schema.Value, false)
			if odd && f.one(6) {
				v = strings.ReplaceAll(pick(f.gen, nasty), "\x00", "")
			}
			h = append(h, [2]string{p.Value.Name, v})
		}
	}
	if strings.HasPrefix(o.path, "/ws/") && !f.one(8) {
		h = append(h, [2]string{"Connection", "Upgrade"}, [2]string{"Upgrade", "websocket"}, [2]string{"Sec-WebSocket-Version", "13"}, [2]string{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="})
	}
	if odd && f.one(10) {
		h = append(h, pick(f.gen, [][2]string{
			{"X-Request-Id", "a\r\nX-Injected: 1"},
			{"X-Request-Id", "a%0d%0aX-Injected: 1"},
			{"X-Request-Id", strings.Repeat("r", 3000)},
			{"Idempotency-Key", "k\r\nX-Injected: 1"},
			{"Accept", "text/html"},
			{"Accept-Encoding", "br;q=zero"},
			{"Content-Encoding", "gzip"},
			{"X-Forwarded-For", "127.0.0.1"},
			{"Origin", "https://evil.example"},
			{"X-HTTP-Method-Override", "DELETE"},
			{"Range", "bytes=0-1"},
			{"If-None-Match", "*"},
			{"Cookie", strings.Repeat("c=d; ", 500)},
			{"Content-Type", "text/plain"},
		}))
	}
	if body != nil {
		h = append(h, [2]string{"Content-Type", kind}, [2]string{"Content-Length", strconv.Itoa(len(body))})
	}
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\n", o.method, path)
	if !strings.HasPrefix(o.path, "/ws/") && (o.RequestBody != nil || body == nil) { // net/http closes hard on a body nobody wanted
		h = append(h, [2]string{"Connection", "close"})
	}
	for _, v := range h {
		fmt.Fprintf(&raw, "%s: %s\r\n", v[0], v[1])
	}
	raw.WriteString("\r\n")
	raw.Write(body)
	resp, got, err := f.exchange(raw.Bytes(), o.method)
	if err == nil {
		f.learn(got)
		err = f.judge(o, path, plain, h, body, resp, got)
	}
	if err != nil {
		status, head := 0, http.Header{}
		if resp != nil {
			status, head = resp.StatusCode, resp.Header
		}
		f.t.Errorf("request %d, %s: %v\n--- request\n%.1500q\n--- answer %d %v\n%.700s", n, o.OperationID, err, raw.Bytes(), status, head, got)
		return status
	}
	return resp.StatusCode
}

func (f *fuzzer) body(r *openapi3.RequestBody, odd bool) []byte {
	var b bytes.Buffer
	if m := r.Content.Get("application/json"); m != nil && m.Schema != nil {
		if like := examples(m); len(like) > 0 && f.one(2) {
			f.like(&b, "", pick(f.gen, like), odd && !f.one(3))
		} else {
			f.json(&b, "", m.Schema.Value, odd && !f.one(3), 0)
		}
	}
	if !odd || !f.one(8) {
		return b.Bytes()
	}
	whole := b.Bytes()
	return pick(f.gen, [][]byte{
		{},
		whole[:len(whole)/2], append([]byte("\xef\xbb\xbf"), whole...), append(whole, whole...), append(whole, "x"...), bytes.Repeat([]byte(" "), 70<<10),
		append(append([]byte(`{"a":"`), bytes.Repeat([]byte("z"), 70<<10)...), `"}`...), bytes.Repeat([]byte(`{"a":`), 5000), []byte("[" + strings.Repeat("{},", 20000) + "{}]"), []byte("\x00"), []byte("<a/>"), []byte("a=b&c=d"), []byte("null"),
	})
}

func (f *fuzzer) exchange(raw []byte, method string) (*http.Response, []byte, error) {
	c, err := net.DialTimeout("tcp", f.host, fuzzPatience)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close() //nolint:errcheck // everything was read
	_ = c.SetDeadline(time.Now().Add(fuzzPatience))
	if _, err := c.Write(raw); err != nil && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return nil, nil, fmt.Errorf("no answer: %w", err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil, nil
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil && resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(got), malformed) {
		return resp, got, nil // it would not read our body first, so what it said may be lost
	}
	if err != nil {
		return resp, got, fmt.Errorf("half an answer: %w", err)
	}
	return resp, got, nil
}

// judge says what is wrong with an answer.
func (f *fuzzer) judge(o operation, path string, plain bool, h [][2]string, body []byte, resp *http.Response, got []byte) error {
	if resp.Header.Get("X-Injected") != "" {
		return fmt.Errorf("a header was injected into the answer")
	}
	if resp.StatusCode >= 500 && (o.path != "/readyz" || resp.StatusCode != http.StatusServiceUnavailable) {
		return fmt.Errorf("a failure of ours")
	}
	isJSON := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
	if isJSON && !json.Valid(got) {
		return fmt.Errorf("not JSON")
	}
	r, err := http.NewRequestWithContext(context.Background(), o.method, "http://"+f.host+path, bytes.NewReader(body))
	if err != nil || !plain { // which operation this is, is anybody's guess
		return nil
	}
	if resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(got), malformed) { // what the HTTP server itself refuses
		return nil
	}
	if resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
		return nil
	}
	for _, v := range h {
		r.Header.Add(v[0], strings.TrimSpace(v[1]))
	}
	return f.doc.Judge(r, body, resp.StatusCode, resp.Header, got, true) // an empty parameter is one left out, and more such kindness
}

// learn remembers ids that answers show, so that later requests can name them.
func (f *fuzzer) learn(body []byte) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return
	}
	var walk func(kind string, v any)
	walk = func(kind string, v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(kind, e)
			}
		case map[string]any:
			if s, ok := v["object"].(string); ok {
				kind = s
			}
			for _, k := range slices.Sorted(mapKeys(v)) {
				s, text := v[k].(string)
				lower := keyOf(k)
				switch {
				case !text:
					walk(k, v[k])
				case lower == "id":
					f.note(keyOf(kind)+"id", s)
					f.note("id", s)
					f.note("startingafter", s)
					f.note("endingbefore", s)
					if strings.HasPrefix(s, "evt_") {
						f.note("since", s)
					}
				case strings.HasSuffix(lower, "id"):
					f.note(lower, s)
				}
			}
		}
	}
	walk("", v)
}

func (f *fuzzer) note(name, v string) {
	if known := f.known[name]; !slices.Contains(f.pinned, name) && len(v) < 200 && !slices.Contains(known, v) {
		if f.known[name] = append(known, v); len(known) > 30 {
			f.known[name] = append([]string{}, known[len(known)-15:]...)
		}
	}
}
