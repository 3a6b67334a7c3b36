package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Where CoinGecko serves its API v3, without and with a paid plan
// (docs.coingecko.com, "Authentication").
const (
	CoinGeckoURL    = "https://api.coingecko.com"
	CoinGeckoProURL = "https://pro-api.coingecko.com"
)

// coinGeckoIDs are CoinGecko's names of coins (its /coins/list), which unlike
// tickers are unique.
var coinGeckoIDs = map[string]string{
	"BTC": "bitcoin", "ETH": "ethereum", "SOL": "solana",
	"DAI": "dai", "USDC": "usd-coin", "USDT": "tether",
	"AVAX": "avalanche-2", "BNB": "binancecoin", "POL": "polygon-ecosystem-token",
	"TON": "the-open-network", "ADA": "cardano", "SUI": "sui",
}

// Quotable are the symbols that prices can be had for.
func Quotable() []string { return slices.Sorted(maps.Keys(coinGeckoIDs)) }

// CoinGecko is the average over the exchanges that coingecko.com lists, at its
// /simple/price. It is recomputed about once a minute. One question costs one call
// whatever the number of symbols; a demo key allows 10,000 a month, one in about
// four and a half minutes.
type CoinGecko struct {
	Client *http.Client
	Key    string            // optional API key
	Pro    bool              // the key belongs to a paid plan
	URL    string            // instead of CoinGeckoURL or CoinGeckoProURL
	IDs    map[string]string // CoinGecko's coin id of each symbol, instead of a built-in table of the common ones
}

// Name returns "coingecko".
func (c *CoinGecko) Name() string { return "coingecko" }

// Prices asks for all symbols in one call.
func (c *CoinGecko) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	ids, base, key := c.IDs, c.URL, "X-Cg-Demo-Api-Key"
	if ids == nil {
		ids = coinGeckoIDs
	}
	if base == "" {
		base = CoinGeckoURL
		if c.Pro {
			base = CoinGeckoProURL
		}
	}
	if c.Pro {
		key = "X-Cg-Pro-Api-Key"
	}
	header := http.Header{"Accept": {"application/json"}}
	if c.Key != "" {
		header.Set(key, c.Key)
	}
	known := slices.DeleteFunc(slices.Clone(symbols), func(s string) bool { return ids[s] == "" })
	if len(known) == 0 {
		return nil, nil
	}
	wanted := make([]string, len(known))
	for i, symbol := range known {
		wanted[i] = ids[symbol]
	}
	query := url.Values{
		"ids": {strings.Join(wanted, ",")}, "vs_currencies": {"usd"},
		"include_last_updated_at": {"true"}, "precision": {"full"},
	}
	body, err := fetch(ctx, c.Client, http.MethodGet, strings.TrimRight(base, "/")+"/api/v3/simple/price?"+query.Encode(), header, nil)
	if err != nil {
		return nil, fmt.Errorf("coingecko: %w", err)
	}
	var answer map[string]struct {
		USD json.Number `json:"usd"`
		At  json.Number `json:"last_updated_at"` // Unix seconds
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("coingecko: decode: %w", err)
	}
	out, wrong := map[string]Price{}, []error(nil)
	for i, symbol := range known {
		coin := answer[wanted[i]] // when absent, its empty numbers are no numbers
		rate, err := money.ParseRate(coin.USD.String())
		at, atErr := coin.At.Int64()
		if err := errors.Join(err, atErr); err != nil {
			wrong = append(wrong, fmt.Errorf("coingecko: %s: %w", symbol, err))
			continue
		}
		out[symbol] = Price{Rate: rate, At: time.Unix(at, 0), Source: c.Name()}
	}
	return out, errors.Join(wrong...)
}
