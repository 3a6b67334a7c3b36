package rates

import (
	"fmt"
	"slices"
	"time"
)

// maxAhead is how far a source's clock may run ahead of ours before its prices
// are called invented.
const maxAhead = time.Minute

// believe returns the price that most of ps agree on, and why each of the others
// was put aside. There is none when too few are fresh, or too few agree.
func (b *Board) believe(ps []Price, now time.Time) (p Price, aside []string, ok bool) {
	reject := func(p Price, why string) { aside = append(aside, p.Source+" "+why) }
	var fresh []Price
	for _, p := range ps {
		limit := p.MaxAge
		if limit == 0 {
			limit = b.MaxAge
		}
		switch age := now.Sub(p.At); {
		case !p.Rate.Positive():
			reject(p, "is not positive")
		case age > limit:
			reject(p, fmt.Sprintf("is stale (%s old)", age.Truncate(time.Second)))
		case age < -maxAhead:
			reject(p, "is from the future")
		default:
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return Price{}, append(aside, "nothing fresh"), false
	}
	slices.SortStableFunc(fresh, func(p, q Price) int { return p.Rate.Cmp(q.Rate) })
	lo, hi := fresh[(len(fresh)-1)/2], fresh[len(fresh)/2]
	if !hi.Rate.Within(lo.Rate, b.Spread) {
		// An even number of prices in two camps: nobody can tell which one errs.
		return Price{}, append(aside, fmt.Sprintf("%s (%s) and %s (%s) disagree", lo.Source, lo.Rate, hi.Source, hi.Rate)), false
	}
	median := mean(lo, hi)
	var agree []Price
	for _, p := range fresh {
		if p.Rate.Within(median.Rate, b.Spread) {
			agree = append(agree, p)
		} else {
			reject(p, fmt.Sprintf("(%s) is far from the median (%s)", p.Rate, median.Rate))
		}
	}
	if len(agree) < b.Quorum || 2*len(agree) <= len(fresh) {
		return Price{}, append(aside, fmt.Sprintf("only %d of %d fresh prices agree", len(agree), len(fresh))), false
	}
	return mean(agree[(len(agree)-1)/2], agree[len(agree)/2]), aside, true
}

// mean returns the price between two, as old as the older one.
func mean(p, q Price) Price {
	if p == q {
		return p
	}
	m := Price{Rate: p.Rate.Mean(q.Rate), At: p.At, Source: p.Source + "+" + q.Source}
	if q.At.Before(p.At) {
		m.At = q.At
	}
	return m
}
