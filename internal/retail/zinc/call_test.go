package zinc_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

// every asks everything of a provider and returns the errors.
func (r *rig) every(t *testing.T) map[string]error {
	t.Helper()
	errs := map[string]error{}
	_, errs["search"] = r.Search(t.Context(), retail.Query{Text: "coffee", Retailer: "amazon", Page: 1, Limit: 5})
	_, errs["product"] = r.Product(t.Context(), "amazon", "B0B844T634")
	_, errs["offers"] = r.Offers(t.Context(), "amazon", "B0B844T634", "")
	_, errs["place"] = r.Place(t.Context(), placement())
	_, errs["poll"] = r.Poll(t.Context(), first)
	errs["cancel"] = r.Cancel(t.Context(), first)
	_, errs["balance"] = r.Balance(t.Context())
	return errs
}

// However an answer is broken, it is no answer: nothing is decided by it.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, f := range map[string]func(http.ResponseWriter, *http.Request){
		"empty":             status(200, ""),
		"no content":        status(204, ""),
		"not JSON":          status(200, "<html>LEAK</html>"),
		"an array":          status(200, "[]"),
		"a number":          status(200, "7"),
		"half":              status(200, `{"_type":"order_response","merchant_order_ids":[{"merch`),
		"an empty object":   status(200, `{}`),
		"nothing but nulls": status(200, `{"_type":null,"request_id":null,"offers":null,"results":null,"balance":null}`),
		"bad request":       status(400, `{"oops":"LEAK"}`),
		"500":               status(500, errorBody("product_unavailable")),
		"503 with an order": status(503, `{"request_id":"`+first+`"}`),
		"redirect":          func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, elsewhere.URL, http.StatusFound) },
		"kept redirect": func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, elsewhere.URL, http.StatusPermanentRedirect)
		},
		"redirect with an order": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, strings.Replace(placedBody("", order1), "{", `{"balance":5,`, 1))
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"request_id":"`+first+`"}`)
		},
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow":    func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() },
		"slow in the middle": func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.WriteString(w, `{"request_id":`)
			_ = http.NewResponseController(w).Flush()
			<-req.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(o *zinc.Options) { o.Timeout = 300 * time.Millisecond })
			r.breaks(func(w http.ResponseWriter, req *http.Request) bool { f(w, req); return true })
			for what, err := range r.every(t) {
				t.Run(what, func(t *testing.T) { r.fails(t, err, retail.ErrUnavailable) })
			}
		})
	}
}

// An answer without an end costs a bounded amount of memory.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	r := start(t)
	var sent int
	r.breaks(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, `{"request_id":"`+first+`","x":"`)
		for block := strings.Repeat("x", 1<<16); ; sent += len(block) {
			if _, err := io.WriteString(w, block); err != nil {
				return true
			}
		}
	})
	_, err := r.Place(t.Context(), placement())
	r.fails(t, err, retail.ErrUnavailable)
	if !strings.Contains(err.Error(), "exceeds") {
		t.Error(err)
	}
}

func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("GET /addax/balance", `{"balance":5000}`)
	for after, wait := range map[string]time.Duration{"30": 30 * time.Second, "": time.Second, "soon": time.Second, "999999": 5 * time.Minute, "-5": time.Second} {
		limited := true
		r.breaks(func(w http.ResponseWriter, _ *http.Request) bool {
			if limited {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return limited
		})
		_, err := r.Balance(t.Context())
		r.fails(t, err, retail.ErrUnavailable)
		limited = false
		asked := r.count("GET")
		r.pass(wait - 1)
		_, err = r.Balance(t.Context())
		r.fails(t, err, retail.ErrUnavailable)
		if r.count("GET") != asked {
			t.Errorf("Retry-After %q: asked too soon", after)
		}
		r.pass(1)
		if b, err := r.Balance(t.Context()); err != nil || b != 50_00*money.Cent {
			t.Errorf("Retry-After %q: %s, %v", after, b, err)
		}
	}
}

// Too many searches do not keep a cart from its estimate, nor a paid order from being
// bought, watched or called off; what is held is not asked for, the rest is.
func TestTooManySearches(t *testing.T) {
	t.Parallel()
	for limited, holds := range map[string][]string{
		"GET /search": {"search"}, "GET /products/": {"product", "offers"}, "POST /orders": {"place", "poll", "cancel"}, "GET /addax/": {"balance"},
	} {
		r := start(t)
		var asked []string
		r.breaks(func(w http.ResponseWriter, req *http.Request) bool {
			target := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/v1")
			asked = append(asked, target)
			if strings.HasPrefix(target, limited) {
				w.Header().Set("Retry-After", "300")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return strings.HasPrefix(target, limited)
		})
		r.every(t)
		first := len(asked)
		for what, err := range r.every(t) {
			if held := err != nil && strings.Contains(err.Error(), "too many requests"); held != slices.Contains(holds, what) {
				t.Errorf("after 429 to %s: %s: %v", limited, what, err)
			}
		}
		if again := asked[first:]; len(again) == 0 || slices.ContainsFunc(again, func(target string) bool { return strings.HasPrefix(target, limited) }) {
			t.Errorf("after 429 to %s asked %v", limited, again)
		}
	}
}

// A wrong token is a mistake in the configuration; the log says so, once.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *zinc.Options) { o.Token = "another" })
	for range 2 {
		for _, err := range r.every(t) {
			r.fails(t, err, retail.ErrUnavailable)
		}
	}
	if l := r.log.String(); strings.Count(l, "refuses the client token") != 1 || !strings.Contains(l, `"level":"ERROR"`) || strings.Contains(l, "another") {
		t.Errorf("the log: %s", l)
	}
	// The same without the status, and again after it was right.
	r = start(t)
	for range 2 {
		r.answer("GET /addax/balance", `{"balance":1}`)
		if _, err := r.Balance(t.Context()); err != nil {
			t.Error(err)
		}
		r.answer("GET /addax/balance", errorBody("unauthorized_access"))
		_, err := r.Balance(t.Context())
		r.fails(t, err, retail.ErrUnavailable)
	}
	if n := strings.Count(r.log.String(), "refuses the client token"); n != 2 {
		t.Errorf("logged %d times", n)
	}
}

// Nobody listens: the error says so without saying where.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.double.url = "never to be seen"
	z, err := zinc.New(zinc.Options{Token: token, URL: "http://127.0.0.1:1/v1/path-of-ours", Log: r.opt.Log, Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Place(t.Context(), placement())
	r.fails(t, err, retail.ErrUnavailable)
	if strings.Contains(err.Error(), "path-of-ours") {
		t.Errorf("the error holds the URL: %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]zinc.Options{
		"no token":           {},
		"token with a colon": {Token: "a:b"},
		"token of two lines": {Token: "a\nb"},
		"plain HTTP":         {Token: token, URL: "http://api.zinc.io/v1"},
		"another scheme":     {Token: token, URL: "ftp://127.0.0.1/v1"},
		"no host":            {Token: token, URL: "https:///v1"},
		"not a URL":          {Token: token, URL: "https://a b/"},
		"with a password":    {Token: token, URL: "https://u:p@api.zinc.io/v1"},
		"with a query":       {Token: token, URL: "https://api.zinc.io/v1?x=y"},
		"plain webhook":      {Token: token, Webhook: "http://shop.example/"},
		"negative days":      {Token: token, Days: -1},
		"a year":             {Token: token, Days: 366},
		"negative timeout":   {Token: token, Timeout: -1},
		"negative balance":   {Token: token, Balance: -1},
	} {
		if _, err := zinc.New(o); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, o := range []zinc.Options{{Token: token}, {Token: token, URL: "http://localhost:1"}, {Token: token, URL: "http://[::1]:1/"}, {Token: token, Webhook: "https://u:p@shop.example/x"}} {
		if _, err := zinc.New(o); err != nil {
			t.Error(err)
		}
	}
}

func TestBalance(t *testing.T) {
	t.Parallel()
	r := start(t)
	for body, want := range map[string]money.USD{
		`{"balance":12345}`: 123_45 * money.Cent, `{"available_balance":100,"balance":500}`: 1_00 * money.Cent, `{"balance":-5}`: 0, `{"balance":0}`: 0,
		`{"balance":9000000000000000000}`: 1_000_000_00 * money.Cent,
	} {
		r.answer("GET /addax/balance", body)
		if b, err := r.Balance(t.Context()); err != nil || b != want {
			t.Errorf("%s: %s, %v", body, b, err)
		}
	}
	odd := []string{`{"balance":12.34}`, `{"balance":"12"}`, `{"balance":{"USD":5}}`, `{"balance":1e3}`, `{}`, `{"balance":99999999999999999999}`}
	for _, body := range odd {
		r.answer("GET /addax/balance", body)
		_, err := r.Balance(t.Context())
		r.fails(t, err, retail.ErrUnavailable)
	}
	r = start(t, func(o *zinc.Options) { o.Balance = 75_00 * money.Cent })
	for _, body := range odd {
		r.answer("GET /addax/balance", body)
		if b, err := r.Balance(t.Context()); err != nil || b != 75_00*money.Cent {
			t.Errorf("%s: %s, %v", body, b, err)
		}
	}
	// Without any answer the figure says nothing.
	for _, body := range []string{errorBody("internal_error"), `{"_type":"error"}`, `<html>`, ``} {
		r.answer("GET /addax/balance", body)
		_, err := r.Balance(t.Context())
		r.fails(t, err, retail.ErrUnavailable)
	}
	if n := strings.Count(r.log.String(), "not understood"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
