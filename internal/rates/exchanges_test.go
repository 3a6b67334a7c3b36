package rates_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/rates"
)

func kraken(client *http.Client, url string) *rates.Kraken {
	return &rates.Kraken{Client: client, URL: url, Now: func() time.Time { return noon }}
}

// The prices are the middles of the books: those of the last trades are older, nobody says how much.
func TestKraken(t *testing.T) {
	t.Parallel()
	client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if want := "/0/public/Ticker?pair=ETHUSD%2CUSDCUSD%2CUSDTUSD"; r.URL.String() != want {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = w.Write(recorded(t, "kraken.json"))
	})
	k := kraken(client, url+"/")
	got, err := k.Prices(t.Context(), []string{"ETH", "USDC", "USDT", "XYZ"})
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	check(t, got, "ETH", "3021.55", noon)
	check(t, got, "USDC", "0.99985", noon)
	check(t, got, "USDT", "1.00045", noon)
	if got, err := k.Prices(t.Context(), []string{"XYZ"}); len(got) != 0 || err != nil {
		t.Error("an unknown symbol was asked for", got, err)
	}
}

func TestBitstamp(t *testing.T) {
	t.Parallel()
	client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v2/ticker/usdcusd/" {
			http.Error(w, "", http.StatusNotFound)
			return
		}
		_, _ = w.Write(recorded(t, "bitstamp_usdc.json"))
	})
	got, err := (&rates.Bitstamp{Client: client, URL: url}).Prices(t.Context(), []string{"USDC", "ETH", "XYZ"})
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "bitstamp: ethusd: status 404") {
		t.Fatal(got, err)
	}
	check(t, got, "USDC", "0.99985", noon)
}

// A pair that the exchange does not know costs no other its price, and some calls only
// once an hour.
func TestKrakenDoesNotKnowAPair(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	known := []string{"ETHUSD", "USDCUSD", "TONUSD"}
	client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		var said []string
		for _, pair := range strings.Split(r.URL.Query().Get("pair"), ",") {
			if !slices.Contains(known, pair) {
				_, _ = io.WriteString(w, `{"error":["EQuery:Unknown asset pair"]}`)
				return
			}
			said = append(said, fmt.Sprintf(`%q:{"a":["3.2","1","1"],"b":["3.2","1","1"],"t":[1,1]}`, pair))
		}
		_, _ = io.WriteString(w, `{"error":[],"result":{`+strings.Join(said, ",")+`}}`)
	})
	now := noon
	k := kraken(client, url)
	k.Now = func() time.Time { return now }
	for _, later := range []struct {
		by    time.Duration
		calls int32
	}{{0, 9}, {30 * time.Second, 1}, {2 * time.Hour, 9}} {
		now = now.Add(later.by)
		calls.Store(0)
		got, err := k.Prices(t.Context(), []string{"ETH", "TON", "BNB", "USDC"}) // TON has two names, and the new one is not known
		if len(got) != 3 || err == nil || !strings.Contains(err.Error(), "BNBUSD") || strings.Contains(err.Error(), "TON") {
			t.Fatal(got, err)
		}
		check(t, got, "TON", "3.20", now)
		if calls.Load() != later.calls {
			t.Errorf("%d calls after %s", calls.Load(), later.by)
		}
	}
}

// A key that is refused, as one of the demo plan is, costs no price: CoinGecko is asked
// without it, and the operator is told.
func TestCoinGeckoRefusesTheKey(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 429, 500} {
		client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Cg-Pro-Api-Key") != "" {
				w.WriteHeader(status)
				return
			}
			_, _ = w.Write(recorded(t, "coingecko.json"))
		})
		got, err := (&rates.CoinGecko{Client: client, URL: url, Key: "k"}).Prices(t.Context(), []string{"ETH"})
		if len(got) != 1 || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("with its key: coingecko: status %d", status)) {
			t.Error(got, err)
		}
		if rates.Limited(err) {
			t.Errorf("status %d of the key says that CoinGecko is not to be asked: %v", status, err)
		}
	}
}

// Nodes that hang use up the time of a round: the next one goes on where it ended.
func TestChainlinkPassesWhoHangs(t *testing.T) {
	t.Parallel()
	var hung, calls atomic.Int32
	client, good := node(t, string(recorded(t, "chainlink_decimals.json")), string(recorded(t, "chainlink_round.json")), &calls)
	_, bad := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		hung.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that nobody waits
		<-r.Context().Done()
	})
	c := &rates.Chainlink{Client: client, URLs: []string{bad, bad, good}, Feeds: rates.EthereumFeeds()}
	for range 2 {
		round, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if got, err := c.Prices(round, []string{"ETH", "USDC"}); len(got) != 0 || err == nil {
			t.Error(got, err)
		}
		end()
	}
	if got, err := c.Prices(t.Context(), []string{"ETH"}); err != nil || len(got) != 1 || hung.Load() > 2 {
		t.Error(got, err, hung.Load())
	}
}

// One node that fails takes no feed away, and is not waited for twice.
func TestChainlinkAsksTheNextNode(t *testing.T) {
	t.Parallel()
	var failed, calls atomic.Int32
	client, good := node(t, string(recorded(t, "chainlink_decimals.json")), string(recorded(t, "chainlink_round.json")), &calls)
	_, bad := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		failed.Add(1)
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c := &rates.Chainlink{Client: client, URLs: []string{bad, good}, Feeds: rates.EthereumFeeds()}
	for range 2 {
		got, err := c.Prices(t.Context(), []string{"ETH"})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		check(t, got, "ETH", "3020.50", noon.Add(-1000*time.Second))
	}
	if failed.Load() != 1 || calls.Load() != 3 {
		t.Errorf("%d and %d calls", failed.Load(), calls.Load())
	}
	c = &rates.Chainlink{Client: client, URLs: []string{bad, bad}, Feeds: rates.EthereumFeeds()}
	if got, err := c.Prices(t.Context(), []string{"ETH", "BTC"}); len(got) != 0 || err == nil || failed.Load() != 3 {
		t.Error(got, err, failed.Load())
	}
}

func TestUnpriced(t *testing.T) {
	t.Parallel()
	b := board(eth(t, "a", "3000", 0))
	b.Symbols = append(b.Symbols, "USDC")
	if why := b.Unpriced(); len(why) != 0 {
		t.Error("before the first round", why)
	}
	b.Refresh(t.Context())
	if why := b.Unpriced(); len(why) != 1 || why["USDC"] != "nothing fresh" {
		t.Error(why)
	}
	if _, err := b.Price(t.Context(), "USDC"); !errors.Is(err, rates.ErrUnavailable) {
		t.Error(err)
	}
}

// TestFaultsOfExchanges lets each fault happen to Kraken and Bitstamp: what they say then is
// never believed, and only where nothing is wrong but the time it is not told as a fault.
func TestFaultsOfExchanges(t *testing.T) {
	t.Parallel()
	book := func(ask, bid, trades string) string {
		return `{"error":[],"result":{"XETHZUSD":{"a":` + ask + `,"b":` + bid + `,"t":` + trades + `}}}`
	}
	ticker := func(bid, ask, at string) string {
		return `{"bid":"` + bid + `","ask":"` + ask + `","timestamp":"` + at + `"}`
	}
	for name, body := range map[string]string{
		"html":                "<html><body>Just a moment...</body></html>",
		"empty":               "",
		"null":                "null",
		"nothing":             "{}",
		"huge":                book(`["3000"]`, `["3000"]`, "[1,1]") + strings.Repeat(" ", 70<<10),
		"kraken is busy":      `{"error":["EService:Busy"]}`,
		"kraken is strict":    `{"error":["EAPI:Rate limit exceeded"],"result":{}}`,
		"kraken complains":    `{"error":["E` + strings.Repeat("x", 9999) + `"]}`,
		"kraken knows none":   `{"error":["EQuery:Unknown asset pair"]}`,
		"kraken, another":     `{"error":[],"result":{"XXBTZUSD":{"a":["3000"],"b":["3000"],"t":[1,1]}}}`,
		"kraken null ticker":  `{"error":[],"result":{"XETHZUSD":null}}`,
		"kraken text ticker":  `{"error":[],"result":{"XETHZUSD":"3000"}}`,
		"kraken no offer":     book(`[]`, `["3000"]`, "[1,1]"),
		"kraken no bid":       book(`["3000"]`, `["0"]`, "[1,1]"),
		"kraken crossed":      book(`["2999"]`, `["3001"]`, "[1,1]"),
		"kraken wide":         book(`["3100"]`, `["3000"]`, "[1,1]"),
		"kraken negative":     book(`["-3000"]`, `["-3000"]`, "[1,1]"),
		"kraken 1e400":        book(`["1e400"]`, `["1e400"]`, "[1,1]"),
		"kraken text":         book(`["3000 or so"]`, `["3000"]`, "[1,1]"),
		"kraken nobody trade": book(`["3000"]`, `["3000"]`, "[0,0]"),
		"kraken no trades":    book(`["3000"]`, `["3000"]`, "[]"),
		"bitstamp no bid":     ticker("0", "3000", "1795000000"),
		"bitstamp crossed":    ticker("3001", "2999", "1795000000"),
		"bitstamp wide":       ticker("3000", "3100", "1795000000"),
		"bitstamp no time":    `{"bid":"3000","ask":"3000"}`,
		"bitstamp a date":     ticker("3000", "3000", "yesterday"),
		"bitstamp stale":      ticker("3000", "3000", "1794990000"),
		"bitstamp future":     ticker("3000", "3000", "1795009000"),
		"bitstamp huge time":  ticker("3000", "3000", "9223372036854775807"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			b := board(kraken(client, url), &rates.Bitstamp{Client: client, URL: url})
			b.Refresh(t.Context())
			if p, err := b.Price(t.Context(), "ETH"); err == nil {
				t.Error("believed", p)
			}
			quiet := name == "bitstamp stale" || name == "bitstamp future" || name == "bitstamp huge time"
			for i, s := range b.State() {
				if s.LastError == "" && (i == 0 || !quiet) || len(s.LastError) > 300 {
					t.Errorf("%s: the operator is told %q", s.Name, s.LastError)
				}
			}
		})
	}
}

func FuzzKraken(f *testing.F) {
	f.Add(recorded(f, "kraken.json"))
	f.Add([]byte(`{"error":["EQuery:Unknown asset pair"]}`))
	fuzz(f, func(c *http.Client) rates.Source { return kraken(c, "") })
}

func FuzzBitstamp(f *testing.F) {
	f.Add(recorded(f, "bitstamp_usdc.json"))
	fuzz(f, func(c *http.Client) rates.Source { return &rates.Bitstamp{Client: c} })
}
