package rates

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// BitstampURL is where Bitstamp serves its public API (bitstamp.net/api, "Ticker").
const BitstampURL = "https://www.bitstamp.net"

// bitstampPairs are dollar markets of that exchange.
var bitstampPairs = map[string]string{"BTC": "btcusd", "ETH": "ethusd", "SOL": "solusd", "USDC": "usdcusd", "USDT": "usdtusd"}

// Bitstamp is the middle between the best offers on Bitstamp. It needs no key and costs
// one call for each symbol it knows.
type Bitstamp struct {
	Client *http.Client
	URL    string // instead of BitstampURL
}

// Name returns "bitstamp".
func (b *Bitstamp) Name() string { return "bitstamp" }

// Knows reports whether the exchange has a dollar market of the symbol.
func (b *Bitstamp) Knows(symbol string) bool { return bitstampPairs[symbol] != "" }

// Prices asks for one symbol after the other. It gives up on the rest when told
// to slow down.
func (b *Bitstamp) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	return each(b.Name(), symbols, bitstampPairs, func(pair string) (Price, error) { return b.ticker(ctx, pair) })
}

func (b *Bitstamp) ticker(ctx context.Context, pair string) (Price, error) {
	base := strings.TrimRight(cmp.Or(b.URL, BitstampURL), "/")
	body, err := fetch(ctx, b.Client, http.MethodGet, base+"/api/v2/ticker/"+pair+"/", http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return Price{}, err
	}
	// Its time is that of the answer. The last trade may be much older, so it does not count.
	var answer struct {
		Bid json.Number `json:"bid"`
		Ask json.Number `json:"ask"`
		At  json.Number `json:"timestamp"` // Unix seconds
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Price{}, fmt.Errorf("decode: %w", err)
	}
	rate, err := middle(answer.Bid, answer.Ask)
	if err != nil {
		return Price{}, err
	}
	at, err := answer.At.Int64()
	return Price{Rate: rate, At: time.Unix(at, 0), Source: b.Name()}, err
}
