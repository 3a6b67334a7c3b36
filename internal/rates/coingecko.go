package rates

import (
	"cmp"
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
// whatever the number of symbols.
type CoinGecko struct {
	Client *http.Client
	Key    string            // of a paid plan, optional. A demo key is refused, and worth less than none: it allows one call in five minutes
	URL    string            // instead of CoinGeckoURL or CoinGeckoProURL
	IDs    map[string]string // CoinGecko's coin id of each symbol, instead of a built-in table of the common ones
}

// Name returns "coingecko".
func (c *CoinGecko) Name() string { return "coingecko" }

// Knows reports whether the symbol has a coin id.
func (c *CoinGecko) Knows(symbol string) bool { return c.ids()[symbol] != "" }

func (c *CoinGecko) ids() map[string]string {
	if c.IDs != nil {
		return c.IDs
	}
	return coinGeckoIDs
}

// Prices asks for all symbols in one call. When that fails with a key, it asks without
// one, and the error tells of the key.
func (c *CoinGecko) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	known := slices.DeleteFunc(slices.Clone(symbols), func(s string) bool { return !c.Knows(s) })
	if len(known) == 0 {
		return nil, nil
	}
	out, err := c.ask(ctx, known, c.Key)
	if len(out) > 0 || c.Key == "" {
		return out, err
	}
	out, more := c.ask(ctx, known, "")
	return out, errors.Join(errors.New("with its key: "+err.Error()), more) // whatever it says of the key holds for that alone
}

func (c *CoinGecko) ask(ctx context.Context, known []string, apiKey string) (map[string]Price, error) {
	base, header := cmp.Or(c.URL, CoinGeckoURL), http.Header{"Accept": {"application/json"}}
	if apiKey != "" {
		base = cmp.Or(c.URL, CoinGeckoProURL)
		header.Set("X-Cg-Pro-Api-Key", apiKey)
	}
	ids := c.ids()
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
