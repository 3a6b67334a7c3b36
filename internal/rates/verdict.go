package rates

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Verdict is what is believed of a symbol's price, and why.
type Verdict struct {
	Symbol   string
	OK       bool
	Price    Price      // what it is worth; zero unless OK
	Median   money.Rate // of the fresh prices, also when too few agree on it; zero when none is fresh
	Reason   string     // why there is no price; "" when OK
	Prices   []Opinion  // of every source that ever told one, in the order of the sources
	Answered bool       // whether any source has answered yet, if only about other symbols
	Now      time.Time
}

// Opinion is what one source last said of a symbol.
type Opinion struct {
	Price
	MaxAge   time.Duration // until when it counts as fresh
	Rejected string        // why it was put aside; "" when it was not
}

// Look tells what is believed of a symbol right now. It waits as Price does.
func (b *Board) Look(ctx context.Context, symbol string) Verdict {
	_, _ = b.Price(ctx, symbol) // for the first round to be over
	v := Verdict{Symbol: symbol, Now: b.Now()}
	b.mu.Lock()
	var ps []Price
	for _, seat := range b.seats {
		v.Answered = v.Answered || !seat.success.IsZero()
		if p, ok := seat.prices[symbol]; ok {
			ps = append(ps, p)
		}
	}
	b.mu.Unlock()
	j := b.believe(ps, v.Now)
	v.OK, v.Price, v.Median, v.Reason = j.ok, j.price, j.median, j.reason
	for _, p := range ps {
		v.Prices = append(v.Prices, Opinion{Price: p, MaxAge: b.limit(p), Rejected: j.aside[p.Source]})
	}
	return v
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
		if age := v.Now.Sub(p.At); age <= p.MaxAge && age >= -maxAhead && p.Rate.Positive() {
			widest = max(widest, p.Rate.Off(v.Median))
		}
	}
	return widest
}
