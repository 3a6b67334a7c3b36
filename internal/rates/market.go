package rates

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pepay/pepay/internal/money"
)

// widest is how far apart the best offers of a market may be, in basis points, for the
// middle between them to be a price.
const widest = 200

// middle is the price between the best offers of a market.
func middle(bid, ask json.Number) (money.Rate, error) {
	low, err1 := money.ParseRate(bid.String())
	high, err2 := money.ParseRate(ask.String())
	if err := errors.Join(err1, err2); err != nil {
		return money.Rate{}, err
	}
	// A market nobody buys in, or whose book is crossed, is halted or opening.
	if !low.Positive() || high.Cmp(low) < 0 || !high.Within(low, widest) {
		return money.Rate{}, fmt.Errorf("no market: bid %s, ask %s", low, high)
	}
	return low.Mean(high), nil
}

// each asks a source that tells of one market at a time. Where a symbol has several names
// of markets, the first that the source knows counts. The rest is given up when the source
// says to slow down.
func each(source string, symbols []string, markets map[string]string, ask func(market string) (Price, error)) (map[string]Price, error) {
	out, wrong := map[string]Price{}, []error(nil)
	for _, symbol := range symbols {
		var errs error
		for _, market := range strings.Fields(markets[symbol]) {
			p, err := ask(market)
			if err == nil {
				out[symbol], errs = p, nil
				break
			}
			errs = errors.Join(errs, fmt.Errorf("%s: %s: %w", source, market, err))
			if _, limited := errors.AsType[*limitedError](err); limited {
				return out, errors.Join(append(wrong, errs)...)
			}
		}
		wrong = append(wrong, errs)
	}
	return out, errors.Join(wrong...)
}
