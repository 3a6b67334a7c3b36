package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Verdict is what is believed of a symbol's price, and why.
type Verdict struct {
	Symbol   string
	OK       bool
	Price    Opinion    // what it is worth; zero unless OK
	Median   money.Rate // of the fresh prices, also when too few agree on it; zero when none is fresh
	Reason   string     // why there is no price; "" when OK
	Prices   []Opinion  // of every source that ever told one, in the order of the sources
	Answered bool       // whether any source has answered yet, if only about other symbols
	Now      time.Time
}

// Opinion is what one source last said of a symbol.
type Opinion struct {
	Source   string
	Rate     money.Rate
	At       time.Time
	MaxAge   time.Duration // how old it may be
	Fresh    bool          // it is usable by itself: positive, not too old, not of the future
	Rejected string        // why it was put aside; "" when it was not
}

// Monitored reports whether the price is watched all the time: some source knows it,
// or none has answered yet.
func (v Verdict) Monitored() bool { return len(v.Prices) > 0 || !v.Answered }

// Newest is when the newest price was observed, the zero time when there is none.
func (v Verdict) Newest() (at time.Time) {
	for _, p := range v.Prices {
		if p.At.After(at) {
			at = p.At
		}
	}
	return at
}

// Spread is how far the farthest fresh price lies from the median, in basis points,
// rounded up.
func (v Verdict) Spread() (widest int64) {
	for _, p := range v.Prices {
		if p.Fresh {
			widest = max(widest, p.Rate.Off(v.Median))
		}
	}
	return widest
}
