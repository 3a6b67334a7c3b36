package rates_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/rates"
)

func serve(t testing.TB, h http.HandlerFunc) (*http.Client, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Client(), s.URL
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func check(t *testing.T, got map[string]rates.Price, symbol, want string, at time.Time) {
	t.Helper()
	if p := got[symbol]; p.Rate.String() != want || !p.At.Equal(at) {
		t.Errorf("%s is %s at %s; want %s at %s", symbol, p.Rate, p.At, want, at)
	}
}

func TestCoinGecko(t *testing.T) {
	t.Parallel()
	client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if want := "/api/v3/simple/price?ids=ethereum%2Cusd-coin%2Ctether&include_last_updated_at=true&precision=full&vs_currencies=usd"; r.URL.String() != want {
			t.Errorf("asked %s", r.URL)
		}
		if r.Header.Get("x-cg-pro-api-key") != "k" || r.Header.Get("x-cg-demo-api-key") != "" {
			t.Error("wrong key header", r.Header)
		}
		_, _ = w.Write(recorded(t, "coingecko.json"))
	})
	c := &rates.CoinGecko{Client: client, URL: url + "/", Key: "k"}
	got, err := c.Prices(t.Context(), []string{"ETH", "USDC", "USDT", "XYZ"})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	check(t, got, "ETH", "3021.4473191025037", noon)
	check(t, got, "USDC", "0.9998123", noon.Add(-10*time.Second))
	check(t, got, "USDT", "1.0004", noon.Add(-20*time.Second))
	if got, err := c.Prices(t.Context(), []string{"XYZ"}); len(got) != 0 || err != nil {
		t.Error("an unknown symbol was asked for", got, err)
	}
}

func TestCoinbase(t *testing.T) {
	t.Parallel()
	client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/products/ETH-USD/ticker" {
			http.Error(w, `{"message":"NotFound"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write(recorded(t, "coinbase_eth.json"))
	})
	got, err := (&rates.Coinbase{Client: client, URL: url}).Prices(t.Context(), []string{"BTC", "ETH", "USDC"})
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "BTC-USD: status 404") {
		t.Fatal(got, err)
	}
	check(t, got, "ETH", "3021.51", time.Date(2026, 11, 18, 11, 6, 40, 123456000, time.UTC))
	// A market of two names has the one that the exchange knows.
	renamed := &rates.Coinbase{Client: client, URL: url, Products: map[string]string{"ETH": "AETHER-USD ETH-USD"}}
	if got, err = renamed.Prices(t.Context(), []string{"ETH"}); err != nil {
		t.Fatal(err)
	}
	check(t, got, "ETH", "3021.51", time.Date(2026, 11, 18, 11, 6, 40, 123456000, time.UTC))
}

// node answers eth_call as a node with one feed does.
func node(t testing.TB, decimals, round string, calls *atomic.Int32) (*http.Client, string) {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		var q struct {
			Method string
			Params []any
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Method != "eth_call" || q.Params[1] != "latest" {
			t.Error("bad question", q, err)
			return
		}
		call := q.Params[0].(map[string]any)
		if call["to"] != rates.EthereumFeeds()["ETH"].Address {
			t.Error("asked another contract", call)
		}
		answer := map[any]string{"0xfeaf968c": round, "0x313ce567": decimals}[call["data"]]
		_, _ = io.WriteString(w, answer)
	})
}

func TestChainlink(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client, url := node(t, string(recorded(t, "chainlink_decimals.json")), string(recorded(t, "chainlink_round.json")), &calls)
	c := &rates.Chainlink{Client: client, URLs: []string{url}, Feeds: rates.EthereumFeeds()}
	for range 2 {
		got, err := c.Prices(t.Context(), []string{"ETH", "XYZ"})
		if err != nil || len(got) != 1 || got["ETH"].MaxAge != 70*time.Minute {
			t.Fatal(got, err)
		}
		check(t, got, "ETH", "3020.50", noon.Add(-1000*time.Second))
	}
	if calls.Load() != 3 {
		t.Error("decimals are asked each time:", calls.Load())
	}
	for symbol, f := range rates.EthereumFeeds() {
		if len(f.Address) != 42 || f.MaxAge < time.Hour || f.MaxAge > 25*time.Hour {
			t.Error(symbol, f)
		}
	}
}

func words(values ...int64) string {
	s := `{"jsonrpc":"2.0","id":1,"result":"0x`
	for _, v := range values {
		n := big.NewInt(v)
		if v < 0 {
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), 256))
		}
		s += fmt.Sprintf("%064x", n)
	}
	return s + `"}`
}

func TestChainlinkFaults(t *testing.T) {
	t.Parallel()
	good := words(9, 3000e8, 1, 1_795_000_000, 9)
	for name, c := range map[string]struct{ decimals, round, want string }{
		"negative":             {words(8), words(9, -3000e8, 1, 1_795_000_000, 9), "not positive"},
		"zero":                 {words(8), words(9, 0, 1, 1_795_000_000, 9), "not positive"},
		"carried over":         {words(8), words(9, 3000e8, 1, 1_795_000_000, 8), "earlier round"},
		"round zero":           {words(8), words(0, 3000e8, 1, 1_795_000_000, 9), "earlier round"},
		"not complete":         {words(8), words(9, 3000e8, 1, 0, 9), "not complete"},
		"time beyond int64":    {words(8), words(9, 3000e8, 1, -1, 9), "not complete"},
		"no contract there":    {`{"jsonrpc":"2.0","id":1,"result":"0x"}`, good, "no answer of a data feed"},
		"absurd decimals":      {words(255), good, "not credible"},
		"short round":          {words(8), words(9, 3000e8), "no answer of a data feed"},
		"not hex":              {words(8), `{"result":"0xzz"}`, "no answer of a data feed"},
		"not hex at its end":   {words(8), strings.Replace(good, `"}`, `zz"}`, 1), "no answer of a data feed"},
		"no prefix":            {words(8), strings.Replace(good, "0x", "", 1), "no answer of a data feed"},
		"a revert":             {words(8), `{"error":{"code":3,"message":"execution reverted"}}`, "execution reverted"},
		"an endless complaint": {words(8), `{"error":{"message":"` + strings.Repeat("x", 9999) + `"}}`, `xxx"`},
		"null":                 {words(8), `null`, "no answer of a data feed"},
		"a batch":              {words(8), `[]`, "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, url := node(t, c.decimals, c.round, new(atomic.Int32))
			got, err := (&rates.Chainlink{Client: client, URLs: []string{url}, Feeds: rates.EthereumFeeds()}).Prices(t.Context(), []string{"ETH"})
			if len(got) != 0 || err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
				t.Fatal(got, err)
			}
		})
	}
}

// TestFaultsCostOnlyTheirSource lets each fault happen to a CoinGecko and a
// Coinbase beside a source that is well.
func TestFaultsCostOnlyTheirSource(t *testing.T) {
	t.Parallel()
	gecko := func(price, at string) string {
		return `{"ethereum":{"usd":` + price + `,"last_updated_at":` + at + `}}`
	}
	ticker := func(price, bid, ask, at string) string {
		return `{"price":"` + price + `","bid":"` + bid + `","ask":"` + ask + `","time":"` + at + `"}`
	}
	// Well-formed answers are no failure of a source; the board still rejects them.
	quiet := map[string]bool{
		"gecko zero": true, "gecko outlier": true, "gecko stale": true, "gecko future": true, "gecko huge time": true,
		"ticker zero": true, "ticker stale": true, "ticker no time": true,
	}
	const now, iso = "1795000000", "2026-11-18T11:06:40Z"
	for name, body := range map[string]string{
		"html":               "<html><body>Just a moment...</body></html>",
		"empty":              "",
		"null":               "null",
		"no coin":            "{}",
		"huge":               gecko("9000", now) + strings.Repeat(" ", 70<<10),
		"cut":                gecko("3000", now)[:20],
		"trailing garbage":   gecko("3000", now) + "x",
		"rate limit in body": `{"status":{"error_code":429,"error_message":"slow down"}}`,
		"gecko null":         gecko("null", now),
		"gecko negative":     gecko("-3000", now),
		"gecko zero":         gecko("0", now),
		"gecko NaN":          gecko("NaN", now),
		"gecko NaN quoted":   gecko(`"NaN"`, now),
		"gecko 1e400":        gecko("1e400", now),
		"gecko 1e-400":       gecko("1e-400", now),
		"gecko object":       gecko("{}", now),
		"gecko outlier":      gecko("30", now),
		"gecko stale":        gecko("9000", "1794990000"),
		"gecko future":       gecko("9000", "1795009000"),
		"gecko no time":      `{"ethereum":{"usd":9000}}`,
		"gecko float time":   gecko("9000", "1795000000.5"),
		"gecko huge time":    gecko("9000", "9223372036854775807"),
		"ticker negative":    ticker("-3000", "1", "2", iso),
		"ticker zero":        ticker("0", "2999", "3001", iso),
		"ticker 1e400":       ticker("1e400", "2999", "3001", iso),
		"ticker no bid":      ticker("9000", "0", "3001", iso),
		"ticker crossed":     ticker("9000", "3001", "2999", iso),
		"ticker stale":       ticker("9000", "2999", "3001", "2026-11-18T10:06:40Z"),
		"ticker no time":     `{"price":"9000","bid":"1","ask":"2"}`,
		"ticker bad time":    ticker("9000", "2999", "3001", "yesterday"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			wrong := []rates.Source{&rates.CoinGecko{Client: client, URL: url}, &rates.Coinbase{Client: client, URL: url}}
			b := board(append(wrong, eth(t, "well", "3000", 0), eth(t, "fine", "3000", 0))...)
			b.Refresh(t.Context())
			if p, err := b.Price(t.Context(), "ETH"); err != nil || p.Rate.String() != "3000.00" {
				t.Fatal(p, err)
			}
			alone := board(wrong...)
			alone.Refresh(t.Context())
			said := alone.State()
			if !quiet[name] && (said[0].LastError == "" || said[1].LastError == "") {
				t.Errorf("the operator is not told: %+v", said)
			}
			if p, err := alone.Price(t.Context(), "ETH"); err == nil && name != "gecko outlier" {
				t.Fatal("a faulty source was believed", p)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int
		retry, date string
		want        time.Duration
	}{
		"seconds":       {429, "90", "", 90 * time.Second},
		"503":           {503, "60", "", time.Minute},
		"date":          {429, "Wed, 18 Nov 2026 12:02:00 GMT", "Wed, 18 Nov 2026 12:00:00 GMT", 2 * time.Minute},
		"date gone by":  {429, "Wed, 18 Nov 2026 11:02:00 GMT", "Wed, 18 Nov 2026 12:00:00 GMT", 15 * time.Second},
		"none":          {429, "", "", 15 * time.Second},
		"nonsense":      {429, "soon", "", 15 * time.Second},
		"negative":      {429, "-5", "", 15 * time.Second},
		"for ever":      {429, "2000000000", "", time.Hour},
		"beyond uint64": {429, "99999999999999999999", "", 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				if c.date != "" {
					w.Header().Set("Date", c.date)
				}
				w.Header().Set("Retry-After", c.retry)
				w.WriteHeader(c.status)
			})
			b := board(&rates.Coinbase{Client: client, URL: url})
			b.Symbols = []string{"ETH", "BTC", "SOL"}
			now := noon
			b.Now = func() time.Time { return now }
			b.Refresh(t.Context())
			if got := b.State()[0].NotBefore.Sub(noon); got != c.want || calls.Load() != 1 {
				t.Fatalf("rests %s after %d calls", got, calls.Load())
			}
			now = noon.Add(c.want - time.Second)
			b.Refresh(t.Context())
			if calls.Load() != 1 {
				t.Fatal("asked too early")
			}
			now = noon.Add(c.want)
			b.Refresh(t.Context())
			if calls.Load() != 2 {
				t.Fatal("not asked again")
			}
		})
	}
}

func TestASlowedDownSourceAsksNoMore(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c := &rates.Chainlink{Client: client, URLs: []string{url}, Feeds: rates.EthereumFeeds()}
	if got, err := c.Prices(t.Context(), []string{"ETH", "BTC", "USDC"}); err == nil || len(got) != 0 || calls.Load() != 1 {
		t.Fatal(got, err, calls.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	client, elsewhere := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = w.Write(recorded(t, "coingecko.json"))
	})
	_, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusFound)
	})
	got, err := (&rates.CoinGecko{Client: client, URL: url}).Prices(t.Context(), []string{"ETH"})
	if err == nil || len(got) != 0 || followed.Load() != 0 || client.CheckRedirect != nil {
		t.Fatal(got, err, followed.Load())
	}
}

func TestASilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	client, url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := (&rates.Coinbase{Client: client, URL: url}).Prices(ctx, []string{"ETH", "BTC"})
	if err == nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	<-gone
}

func TestErrorsHoldNoURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, url := range []string{server.URL + "/v3/SECRET", "http://bad host/SECRET", "http://127.0.0.1:1/%zz/SECRET"} {
		_, err := (&rates.Chainlink{Client: &http.Client{}, URLs: []string{url}, Feeds: rates.EthereumFeeds()}).Prices(t.Context(), []string{"ETH"})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Error(err)
		}
	}
}

// hears is a client that answers everything with one body, and dials no one.
func hears(body []byte) *http.Client {
	return &http.Client{Transport: tripper(body)}
}

type tripper []byte

func (b tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(b)), Header: http.Header{}, Request: r}, nil
}

func fuzz(f *testing.F, source func(*http.Client) rates.Source) {
	f.Fuzz(func(t *testing.T, body []byte) {
		b := board(source(hears(body)))
		b.Refresh(t.Context())
		p, err := b.Price(t.Context(), "ETH")
		if err == nil && (!p.Rate.Positive() || noon.Sub(p.At) > 70*time.Minute || p.At.Sub(noon) > time.Minute) {
			t.Fatalf("believed %s at %s", p.Rate, p.At)
		}
	})
}

func FuzzCoinGecko(f *testing.F) {
	f.Add(recorded(f, "coingecko.json"))
	fuzz(f, func(c *http.Client) rates.Source { return &rates.CoinGecko{Client: c} })
}

func FuzzCoinbase(f *testing.F) {
	f.Add(recorded(f, "coinbase_eth.json"))
	fuzz(f, func(c *http.Client) rates.Source { return &rates.Coinbase{Client: c} })
}

// FuzzChainlink gives every call the same answer, so it asks for decimals of one
// feed and the round of another whose decimals it knows already.
func FuzzChainlink(f *testing.F) {
	f.Add(recorded(f, "chainlink_round.json"))
	f.Add(recorded(f, "chainlink_decimals.json"))
	fuzz(f, func(c *http.Client) rates.Source {
		s := &rates.Chainlink{Client: hears([]byte(words(8))), URLs: []string{"http://127.0.0.1:1"}, Feeds: rates.EthereumFeeds()}
		_, _ = s.Prices(context.Background(), []string{"ETH"})
		s.Client = c
		return s
	})
}
