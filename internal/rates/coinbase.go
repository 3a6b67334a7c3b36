package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// CoinbaseURL is where Coinbase Exchange serves its public REST API
// (docs.cdp.coinbase.com/exchange, "Get product ticker").
const CoinbaseURL = "https://api.exchange.coinbase.com"

// coinbaseProducts are dollar markets of that exchange; where there are several names, the
// first that it knows counts. It has none for USDC, which it takes for a dollar.
var coinbaseProducts = map[string]string{
	"BTC": "BTC-USD", "ETH": "ETH-USD", "SOL": "SOL-USD", "DAI": "DAI-USD", "USDT": "USDT-USD",
	"AVAX": "AVAX-USD", "BNB": "BNB-USD", "POL": "POL-USD",
	"TON": "GRAM-USD TON-USD", // renamed in June 2026
	"ADA": "ADA-USD", "SUI": "SUI-USD",
}

// Coinbase is the last trade on Coinbase Exchange. It needs no key and costs one
// call for each symbol it knows.
type Coinbase struct {
	Client   *http.Client
	URL      string            // instead of CoinbaseURL
	Products map[string]string // the exchange's product of each symbol, or several, instead of a built-in table of the common ones
}

// Name returns "coinbase".
func (c *Coinbase) Name() string { return "coinbase" }

// Knows reports whether the exchange has a dollar market of the symbol.
func (c *Coinbase) Knows(symbol string) bool { return c.products()[symbol] != "" }

func (c *Coinbase) products() map[string]string {
	if c.Products != nil {
		return c.Products
	}
	return coinbaseProducts
}

// Prices asks for one symbol after the other. It gives up on the rest when told
// to slow down.
func (c *Coinbase) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	return each(c.Name(), symbols, c.products(), func(product string) (Price, error) { return c.ticker(ctx, product) })
}

func (c *Coinbase) ticker(ctx context.Context, product string) (Price, error) {
	base := c.URL
	if base == "" {
		base = CoinbaseURL
	}
	header := http.Header{"Accept": {"application/json"}}
	body, err := fetch(ctx, c.Client, http.MethodGet, strings.TrimRight(base, "/")+"/products/"+url.PathEscape(product)+"/ticker", header, nil)
	if err != nil {
		return Price{}, err
	}
	var answer struct {
		Price json.Number `json:"price"`
		Bid   json.Number `json:"bid"`
		Ask   json.Number `json:"ask"`
		Time  time.Time   `json:"time"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Price{}, fmt.Errorf("decode: %w", err)
	}
	rate, err1 := money.ParseRate(answer.Price.String())
	bid, err2 := money.ParseRate(answer.Bid.String())
	ask, err3 := money.ParseRate(answer.Ask.String())
	if err := errors.Join(err1, err2, err3); err != nil {
		return Price{}, err
	}
	// A market nobody buys in, or whose book is crossed, is halted or opening.
	if !bid.Positive() || ask.Cmp(bid) < 0 {
		return Price{}, fmt.Errorf("no market: bid %s, ask %s", bid, ask)
	}
	return Price{Rate: rate, At: answer.Time, Source: c.Name()}, nil
}
