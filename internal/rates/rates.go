// Package rates tells what a token is worth in dollars: it asks several sources,
// believes what most of them say, and forgets every price at a maximum age.
package rates

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Price is what one whole token cost in dollars at a moment.
type Price struct {
	Rate   money.Rate
	At     time.Time     // when the source says it was observed
	MaxAge time.Duration // how long after At its source vouches for it; 0 leaves that to the Board
	Source string        // who said so; "a+b" when it is the mean of what a and b said
}

// Source is a place that knows prices. Its methods may be called from several
// goroutines.
type Source interface {
	// Name is short, lower-case and constant: a label in logs and metrics.
	Name() string
	// Knows reports whether Prices may tell of the symbol. It asks no one.
	Knows(symbol string) bool
	// Prices returns what the source knows of the symbols, upper-case tickers such
	// as "ETH". Unknown ones are absent. It may return prices together with an
	// error: the prices are those it learned before, or beside, the failure. It
	// returns soon after ctx ends.
	Prices(ctx context.Context, symbols []string) (map[string]Price, error)
}

// ErrUnavailable is what every error of Board.Price is: no fresh and believable
// price exists, so nothing may be quoted.
var ErrUnavailable = errors.New("no believable price")

// Unavailable says why a symbol has no price. It matches ErrUnavailable.
type Unavailable struct {
	Symbol string
	Reason string        // for operators: which prices were rejected and why
	Retry  time.Duration // when asking again may help: 5 s to 1 min
}

func (e *Unavailable) Error() string {
	return fmt.Sprintf("%v of %s: %s", ErrUnavailable, e.Symbol, e.Reason)
}

// Unwrap returns ErrUnavailable.
func (e *Unavailable) Unwrap() error { return ErrUnavailable }

// Static is a source for development and tests: a fixed table, always observed
// just now.
type Static struct {
	Rates map[string]money.Rate
	Now   func() time.Time
}

// Name returns "static".
func (s *Static) Name() string { return "static" }

// Knows reports whether the table has the symbol.
func (s *Static) Knows(symbol string) bool { _, ok := s.Rates[symbol]; return ok }

// Prices returns the table's entries. It never fails.
func (s *Static) Prices(_ context.Context, symbols []string) (map[string]Price, error) {
	out := map[string]Price{}
	for _, symbol := range symbols {
		if r, ok := s.Rates[symbol]; ok {
			out[symbol] = Price{Rate: r, At: s.Now(), Source: s.Name()}
		}
	}
	return out, nil
}
