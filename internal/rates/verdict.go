package rates

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
)

// Look tells what is believed of a symbol right now, and why. It waits as Price does.
func (b *Board) Look(ctx context.Context, symbol string) pay.Verdict {
	_, _ = b.Price(ctx, symbol) // for the first round to be over
	v := pay.Verdict{Symbol: symbol, Now: b.Now()}
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
	v.OK, v.Median, v.Reason = j.ok, j.median, j.reason
	if v.OK {
		v.Price = pay.Opinion{Source: j.price.Source, Rate: j.price.Rate, At: j.price.At}
	}
	for _, p := range ps {
		v.Prices = append(v.Prices, pay.Opinion{
			Source: p.Source, Rate: p.Rate, At: p.At, MaxAge: b.limit(p), Fresh: b.unfit(p, v.Now) == "", Rejected: j.aside[p.Source],
		})
	}
	return v
}

// Unpriced tells of each of Symbols that has no believable price now, and why. It waits
// for nothing, and knows nothing before the first round is over.
func (b *Board) Unpriced() map[string]string {
	b.init()
	select {
	case <-b.warm:
	default:
		return nil
	}
	out := map[string]string{}
	for _, symbol := range b.Symbols {
		if j, _ := b.judge(symbol); !j.ok {
			out[symbol] = j.whys()
		}
	}
	return out
}
