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
	"strings"
	"sync"
	"time"
)

// KrakenURL is where Kraken serves its public REST API (docs.kraken.com/api, "Get Ticker
// Information").
const KrakenURL = "https://api.kraken.com"

// krakenPairs are dollar markets of that exchange, which calls bitcoin XBT.
var krakenPairs = map[string]string{
	"BTC": "XBTUSD", "ETH": "ETHUSD", "SOL": "SOLUSD", "DAI": "DAIUSD", "USDC": "USDCUSD", "USDT": "USDTUSD",
	"AVAX": "AVAXUSD", "BNB": "BNBUSD", "POL": "POLUSD",
	"TON": "GRAMUSD TONUSD", // renamed in June 2026
	"ADA": "ADAUSD", "SUI": "SUIUSD",
}

// unknownFor is how long a pair is left out that the exchange does not know.
const unknownFor = time.Hour

// Kraken is the middle between the best offers on Kraken. It needs no key, and one question
// costs one call whatever the number of symbols, as long as the exchange knows them all.
type Kraken struct {
	Client *http.Client
	URL    string           // instead of KrakenURL
	Now    func() time.Time // the exchange does not say when

	unknown sync.Map // pair → time.Time, when it was not known
}

// Name returns "kraken".
func (k *Kraken) Name() string { return "kraken" }

// Knows reports whether the exchange has a dollar market of the symbol.
func (k *Kraken) Knows(symbol string) bool { return krakenPairs[symbol] != "" }

// Prices asks for all symbols in one call.
func (k *Kraken) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	var pairs []string
	for _, symbol := range symbols {
		for _, pair := range strings.Fields(krakenPairs[symbol]) {
			if since, ok := k.unknown.Load(pair); !ok || k.Now().Sub(since.(time.Time)) > unknownFor {
				pairs = append(pairs, pair)
			}
		}
	}
	now := k.Now() // before asking: what is said is not older
	said, err := k.ask(ctx, pairs)
	if len(said) == 0 && err != nil {
		return nil, fmt.Errorf("kraken: %w", err)
	}
	out, more := each(k.Name(), symbols, krakenPairs, func(pair string) (Price, error) { return said.price(pair, now) })
	for symbol, p := range out {
		p.Source = k.Name()
		out[symbol] = p
	}
	return out, errors.Join(err, more)
}

var errUnknownPair = errors.New("an unknown pair")

// ask returns what the exchange says of pairs. For one that it does not know it refuses
// all, so then each half is asked for by itself.
func (k *Kraken) ask(ctx context.Context, pairs []string) (krakenAnswer, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	said, err := k.tickers(ctx, pairs)
	if !errors.Is(err, errUnknownPair) {
		return said, err
	}
	if len(pairs) == 1 {
		k.unknown.Store(pairs[0], k.Now())
		return nil, nil
	}
	said, err = k.ask(ctx, pairs[:len(pairs)/2])
	if err != nil {
		return said, err
	}
	more, err := k.ask(ctx, pairs[len(pairs)/2:])
	both := krakenAnswer{}
	maps.Copy(both, said)
	maps.Copy(both, more)
	return both, err
}

func (k *Kraken) tickers(ctx context.Context, pairs []string) (krakenAnswer, error) {
	query := url.Values{"pair": {strings.Join(pairs, ",")}}
	address := strings.TrimRight(cmp.Or(k.URL, KrakenURL), "/") + "/0/public/Ticker?" + query.Encode()
	body, err := fetch(ctx, k.Client, http.MethodGet, address, http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error  []string     `json:"error"`
		Result krakenAnswer `json:"result"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	switch why := strings.Join(answer.Error, ", "); {
	case len(answer.Result) > 0:
		return answer.Result, nil
	case strings.Contains(why, "Unknown asset pair"):
		return nil, errUnknownPair
	case strings.Contains(why, "Rate limit") || strings.Contains(why, "Too many requests") || strings.Contains(why, "Throttled"):
		return nil, &limitedError{status: http.StatusTooManyRequests}
	default:
		return nil, fmt.Errorf("the exchange says %.100q", why)
	}
}

// krakenAnswer is what the exchange says of each pair.
type krakenAnswer map[string]json.RawMessage

// price reads the ticker of a pair. Some pairs are answered by an older name: XBTUSD as
// XXBTZUSD, USDTUSD as USDTZUSD.
func (a krakenAnswer) price(pair string, now time.Time) (Price, error) {
	coin := strings.TrimSuffix(pair, "USD")
	for _, name := range []string{pair, coin + "ZUSD", "X" + coin + "ZUSD"} {
		if a[name] == nil {
			continue
		}
		var t struct {
			Ask    []json.Number `json:"a"` // a price and two amounts
			Bid    []json.Number `json:"b"`
			Trades []json.Number `json:"t"` // how many today, and in 24 hours
		}
		if err := json.Unmarshal(a[name], &t); err != nil {
			return Price{}, fmt.Errorf("decode: %w", err)
		}
		if len(t.Ask) == 0 || len(t.Bid) == 0 || len(t.Trades) < 2 || t.Trades[1] == "0" {
			return Price{}, errors.New("no market: nobody offers, or nobody has traded for a day")
		}
		rate, err := middle(t.Bid[0], t.Ask[0])
		return Price{Rate: rate, At: now}, err
	}
	return Price{}, errors.New("the exchange does not know the pair")
}
