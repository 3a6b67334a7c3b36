package rates

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	roundLimit = 5 * time.Second  // what a round waits for its slowest source
	firstWait  = 2 * time.Second  // what Price waits for the very first round
	firstPause = 15 * time.Second // a failed source's first rest; it doubles with each failure
	maxPause   = 5 * time.Minute
	maxAsked   = time.Hour // the longest Retry-After obeyed
)

// Board answers what a token is worth from what its sources last said. Fields are
// set before first use and not changed. Stable coins get no special treatment:
// one that loses its peg is priced as it trades.
//
// A symbol's price is the median of its fresh prices after those farther than
// Spread from that median are dropped. There is no price at all when half of the
// fresh ones or more were dropped, or when an even number of them splits in the
// middle by more than Spread: two sources that disagree give no price.
type Board struct {
	Sources []Source
	Symbols []string         // what to ask for
	MaxAge  time.Duration    // positive; a source's own Price.MaxAge overrides it
	Spread  int64            // how far from the median is believed, in basis points; 0 admits only equal prices
	Quorum  int              // how many sources must agree at least; 0 means one
	Now     func() time.Time // the clock
	Log     *slog.Logger

	once  sync.Once
	warm  chan struct{} // closed when the first round is over
	first sync.Once     // closes warm
	mu    sync.Mutex
	seats []seat // one for each of Sources
}

// seat is what the board remembers of one source.
type seat struct {
	prices  map[string]Price
	busy    bool      // being asked; it is never asked twice at once
	notYet  time.Time // not asked before
	fails   int       // answers without any price in a row
	success time.Time
	err     error // of the last answer
}

// SourceState is how one source fares, for readiness and metrics.
type SourceState struct {
	Name        string
	LastSuccess time.Time     // of an answer with prices or without complaint; zero when there was none
	Age         time.Duration // since LastSuccess; 0 when there was none
	LastError   string        // of the last answer; "" when it was good
	NotBefore   time.Time     // when it will be asked again at the earliest; zero when nothing holds it back
}

func (b *Board) init() {
	b.once.Do(func() {
		b.warm = make(chan struct{})
		b.seats = make([]seat, len(b.Sources))
		for i := range b.seats {
			b.seats[i].prices = map[string]Price{}
		}
	})
}

// Price returns what the symbol is worth. It reads memory and asks no one, but
// before the first round is over it waits for that one up to two seconds. Every
// error is an *Unavailable.
func (b *Board) Price(ctx context.Context, symbol string) (Price, error) {
	b.init()
	p, err := b.look(symbol)
	if err == nil {
		return p, nil
	}
	select {
	case <-b.warm:
	case <-ctx.Done():
	case <-time.After(firstWait):
	}
	return b.look(symbol)
}

// Run asks the sources at once and then again each time every has passed (a
// second at least), until ctx ends.
func (b *Board) Run(ctx context.Context, every time.Duration) {
	for ctx.Err() == nil {
		b.Refresh(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(max(every, time.Second)):
		}
	}
}

// Refresh asks every source that is neither resting after a failure nor still
// busy with an earlier question, and waits for the answers up to five seconds.
func (b *Board) Refresh(ctx context.Context) {
	b.init()
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	var asked sync.WaitGroup
	now := b.Now()
	b.mu.Lock()
	for i, s := range b.Sources {
		if seat := &b.seats[i]; !seat.busy && !now.Before(seat.notYet) {
			seat.busy = true
			asked.Go(func() {
				prices, err := s.Prices(ctx, b.Symbols)
				b.record(i, prices, err)
			})
		}
	}
	b.mu.Unlock()
	over := make(chan struct{})
	go func() { asked.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done(): // whoever is late reports to record when it is done
	}
	b.first.Do(func() { close(b.warm) })
	for _, symbol := range b.Symbols {
		if j, _ := b.judge(symbol); j.whys() != "" {
			b.Log.Warn("prices put aside", "symbol", symbol, "why", j.whys(), "priced", j.ok)
		}
	}
}

// State returns how the sources fare, in their order.
func (b *Board) State() []SourceState {
	b.init()
	now := b.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]SourceState, len(b.Sources))
	for i, s := range b.Sources {
		seat := b.seats[i]
		out[i] = SourceState{Name: s.Name(), LastSuccess: seat.success, NotBefore: seat.notYet}
		if !seat.success.IsZero() {
			out[i].Age = now.Sub(seat.success)
		}
		if seat.err != nil {
			out[i].LastError = seat.err.Error()
		}
	}
	return out
}

// record keeps what source i answered and decides when it may be asked again.
func (b *Board) record(i int, prices map[string]Price, err error) {
	now := b.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	seat := &b.seats[i]
	if err != nil && seat.err == nil {
		b.Log.Warn("price source fails", "source", b.Sources[i].Name(), "err", err)
	} else if err == nil && seat.err != nil {
		b.Log.Info("price source is back", "source", b.Sources[i].Name())
	}
	seat.busy, seat.err, seat.notYet = false, err, time.Time{}
	for _, symbol := range b.Symbols {
		if p, ok := prices[symbol]; ok {
			p.Source = b.Sources[i].Name()
			seat.prices[symbol] = p
		}
	}
	if err == nil || len(prices) > 0 {
		seat.fails, seat.success = 0, now
	} else {
		seat.fails++
		// The shift is bounded because a count of failures is not.
		seat.notYet = now.Add(min(firstPause<<min(seat.fails-1, 10), maxPause))
	}
	if limited, ok := errors.AsType[*limitedError](err); ok && limited.wait > 0 {
		seat.notYet = now.Add(min(limited.wait, maxAsked))
	}
}

// look applies the rule to what is remembered of a symbol.
func (b *Board) look(symbol string) (Price, error) {
	j, retry := b.judge(symbol)
	if !j.ok {
		return Price{}, &Unavailable{symbol, j.whys(), retry}
	}
	return j.price, nil
}

// judge applies the rule, and says when asking again may help.
func (b *Board) judge(symbol string) (judgement, time.Duration) {
	now := b.Now()
	b.mu.Lock()
	var ps []Price
	retry := time.Minute
	for _, seat := range b.seats {
		if p, ok := seat.prices[symbol]; ok {
			ps = append(ps, p)
		}
		retry = min(retry, max(seat.notYet.Sub(now), 5*time.Second))
	}
	b.mu.Unlock()
	return b.believe(ps, now), retry
}
