package rates_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/internal/rates"
)

// bubbled makes a board whose clock is the bubble's.
func bubbled(sources ...rates.Source) *rates.Board {
	b := board(sources...)
	b.Now = time.Now
	return b
}

// counted is a source that counts how often it is asked.
func counted(name string, n *atomic.Int32, do func() (map[string]rates.Price, error)) rates.Source {
	return says{name, func(context.Context) (map[string]rates.Price, error) { n.Add(1); return do() }}
}

func TestRunKeepsPricesFreshAndStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b := bubbled(counted("a", &asked, func() (map[string]rates.Price, error) {
			return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: time.Now()}}, nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { b.Run(ctx, 30*time.Second); close(over) }()
		time.Sleep(10*time.Minute + time.Second)
		if _, err := b.Price(ctx, "ETH"); err != nil || asked.Load() != 21 {
			t.Fatal(asked.Load(), err)
		}
		cancel()
		<-over
		time.Sleep(2 * time.Minute)
		if _, err := b.Price(t.Context(), "ETH"); !errors.Is(err, rates.ErrUnavailable) {
			t.Fatal("a stale price was given out", err)
		}
	})
}

func TestRunNeverSpins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b := bubbled(counted("a", &asked, func() (map[string]rates.Price, error) { return nil, nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		b.Run(ctx, 0)
		if asked.Load() != 11 {
			t.Fatal(asked.Load())
		}
	})
}

func TestPriceWaitsForTheFirstRoundButNotLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bubbled(says{"a", func(context.Context) (map[string]rates.Price, error) {
			time.Sleep(time.Second)
			return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: time.Now()}}, nil
		}})
		start := time.Now()
		if _, err := b.Price(t.Context(), "ETH"); !errors.Is(err, rates.ErrUnavailable) || time.Since(start) != 2*time.Second {
			t.Fatal(err, time.Since(start))
		}
		go b.Refresh(t.Context())
		if _, err := b.Price(t.Context(), "ETH"); err != nil || time.Since(start) != 3*time.Second {
			t.Fatal(err, time.Since(start))
		}
		// From now on nobody waits, not even for what does not exist.
		if _, err := b.Price(t.Context(), "DOGE"); !errors.Is(err, rates.ErrUnavailable) || time.Since(start) != 3*time.Second {
			t.Fatal(err, time.Since(start))
		}
	})
}

func TestAHangingSourceCostsOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int32
		deaf := counted("deaf", &asked, func() (map[string]rates.Price, error) {
			<-release // heeds no context
			return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: time.Now().Add(-time.Hour)}}, nil
		})
		good := says{"good", func(context.Context) (map[string]rates.Price, error) {
			return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: time.Now()}}, nil
		}}
		b := bubbled(deaf, good)
		start := time.Now()
		b.Refresh(t.Context())
		if time.Since(start) != 5*time.Second {
			t.Fatal("the round took", time.Since(start))
		}
		b.Refresh(t.Context())
		if asked.Load() != 1 {
			t.Fatal("a busy source was asked again")
		}
		if p, err := b.Price(t.Context(), "ETH"); err != nil || p.Source != "good" {
			t.Fatal(p, err)
		}
		close(release)
		synctest.Wait()
		if p, err := b.Price(t.Context(), "ETH"); err != nil || p.Source != "good" {
			t.Fatal("a late and stale answer counted", p, err)
		}
	})
}

func TestAFailingSourceRestsLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var healed atomic.Bool
		start := time.Now()
		var at []time.Duration
		b := bubbled(says{"a", func(context.Context) (map[string]rates.Price, error) {
			at = append(at, time.Since(start))
			if !healed.Load() {
				return nil, errors.New("broken")
			}
			return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: time.Now()}}, nil
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		go b.Run(ctx, time.Second)
		time.Sleep(14 * time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 15, 45, 105, 225, 465, 765}
		if len(at) != len(want) {
			t.Fatal(at)
		}
		for i := range want {
			if at[i] != want[i]*time.Second {
				t.Fatal(at)
			}
		}
		s := b.State()[0]
		if s.LastError != "broken" || !s.LastSuccess.IsZero() || s.Age != 0 || !s.NotBefore.Equal(start.Add(1065*time.Second)) {
			t.Fatalf("%+v", s)
		}
		_, err := b.Price(ctx, "ETH")
		if u, ok := errors.AsType[*rates.Unavailable](err); !ok || u.Retry != time.Minute {
			t.Fatal(err)
		}
		healed.Store(true)
		time.Sleep(225*time.Second + time.Millisecond)
		if s := b.State()[0]; s.LastError != "" || s.Name != "a" || s.LastSuccess.IsZero() || s.Age > time.Second || !s.NotBefore.IsZero() {
			t.Fatalf("%+v", s)
		}
		if _, err := b.Price(ctx, "ETH"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHalfAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	b := board(says{"half", func(context.Context) (map[string]rates.Price, error) {
		return map[string]rates.Price{"ETH": {Rate: rate(t, "3000"), At: noon}, "XYZ": {}}, errors.New("BTC: delisted")
	}})
	b.Refresh(t.Context())
	if p, err := b.Price(t.Context(), "ETH"); err != nil || p.Source != "half" {
		t.Fatal(p, err)
	}
	if s := b.State()[0]; s.LastError != "BTC: delisted" || !s.LastSuccess.Equal(noon) || !s.NotBefore.IsZero() {
		t.Fatalf("%+v", s)
	}
}
