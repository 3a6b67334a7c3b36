package rates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// maxAhead is how far a source's clock may run ahead of ours before its prices
// are called invented.
const maxAhead = time.Minute

// judgement is what the prices of a symbol amount to.
type judgement struct {
	ok     bool
	price  Price
	median money.Rate        // of the fresh prices, zero when there are none
	aside  map[string]string // why a source's price was put aside, by source
	reason string            // why there is no price, "" when ok
}

// whys are all reasons at once, for operators.
func (j judgement) whys() string {
	var all []string
	for _, source := range slices.Sorted(maps.Keys(j.aside)) {
		all = append(all, source+" "+j.aside[source])
	}
	if j.reason != "" {
		all = append(all, j.reason)
	}
	return strings.Join(all, "; ")
}

// limit is how old a price may be.
func (b *Board) limit(p Price) time.Duration {
	if p.MaxAge != 0 {
		return p.MaxAge
	}
	return b.MaxAge
}

// unfit says why a price cannot be used by itself, "" if it can.
func (b *Board) unfit(p Price, now time.Time) string {
	switch age := now.Sub(p.At); {
	case !p.Rate.Positive():
		return "is not positive"
	case age > b.limit(p):
		return fmt.Sprintf("is stale (%s old)", age.Truncate(time.Second))
	case age < -maxAhead:
		return "is from the future"
	}
	return ""
}

// believe returns the price that most of ps agree on, and why each of the others
// was put aside. There is none when too few are fresh, or too few agree.
func (b *Board) believe(ps []Price, now time.Time) (j judgement) {
	j.aside = map[string]string{}
	var fresh []Price
	for _, p := range ps {
		if why := b.unfit(p, now); why != "" {
			j.aside[p.Source] = why
			continue
		}
		fresh = append(fresh, p)
	}
	if len(fresh) == 0 {
		j.reason = "nothing fresh"
		return j
	}
	slices.SortStableFunc(fresh, func(p, q Price) int { return p.Rate.Cmp(q.Rate) })
	lo, hi := fresh[(len(fresh)-1)/2], fresh[len(fresh)/2]
	median := mean(lo, hi)
	j.median = median.Rate
	if !hi.Rate.Within(lo.Rate, b.Spread) {
		// An even number of prices in two camps: nobody can tell which one errs.
		j.reason = fmt.Sprintf("%s (%s) and %s (%s) disagree", lo.Source, lo.Rate, hi.Source, hi.Rate)
		return j
	}
	var agree []Price
	for _, p := range fresh {
		if p.Rate.Within(median.Rate, b.Spread) {
			agree = append(agree, p)
		} else {
			j.aside[p.Source] = fmt.Sprintf("(%s) is far from the median (%s)", p.Rate, median.Rate)
		}
	}
	if len(agree) < b.Quorum || 2*len(agree) <= len(fresh) {
		j.reason = fmt.Sprintf("only %d of %d fresh prices agree", len(agree), len(fresh))
		return j
	}
	j.ok, j.price = true, mean(agree[(len(agree)-1)/2], agree[len(agree)/2])
	return j
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
