package rates_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/rates"
)

var noon = time.Unix(1_795_000_000, 0) // 2026-11-18, the moment the recorded answers were made for

// says is a source that answers whatever its function does.
type says struct {
	name string
	do   func(context.Context) (map[string]rates.Price, error)
}

func (s says) Name() string { return s.name }

func (s says) Knows(string) bool { return true }

func (s says) Prices(ctx context.Context, _ []string) (map[string]rates.Price, error) {
	return s.do(ctx)
}

func rate(t testing.TB, s string) money.Rate {
	t.Helper()
	r, err := money.ParseRate(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func eth(t testing.TB, name, dollars string, age time.Duration) rates.Source {
	p := rates.Price{Rate: rate(t, dollars), At: noon.Add(-age)}
	return says{name, func(context.Context) (map[string]rates.Price, error) {
		return map[string]rates.Price{"ETH": p}, nil
	}}
}

func board(sources ...rates.Source) *rates.Board {
	return &rates.Board{
		Sources: sources, Symbols: []string{"ETH"}, MaxAge: 2 * time.Minute, Spread: 100,
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	old, soon := time.Hour, -2*time.Minute
	type said struct {
		dollars string
		age     time.Duration
	}
	for name, c := range map[string]struct {
		said   []said
		quorum int
		want   string // "" when there is no price
		source string
	}{
		"one":                         {[]said{{"3000", 0}}, 0, "3000.00", "a"},
		"one below the quorum":        {[]said{{"3000", 0}}, 2, "", ""},
		"two agree":                   {[]said{{"3000", 0}, {"3010", 0}}, 2, "3005.00", "a+b"},
		"two a hair within":           {[]said{{"3000", 0}, {"3030", 0}}, 2, "3015.00", "a+b"},
		"two a hair beyond":           {[]said{{"3000", 0}, {"3030.01", 0}}, 0, "", ""},
		"three":                       {[]said{{"3010", 0}, {"2990", 0}, {"3001", 0}}, 0, "3001.00", "c"},
		"three, one far above":        {[]said{{"3000", 0}, {"9999999", 0}, {"3010", 0}}, 0, "3005.00", "a+c"},
		"three, one far below":        {[]said{{"3000", 0}, {"0.01", 0}, {"3010", 0}}, 0, "3005.00", "a+c"},
		"three, none agree":           {[]said{{"1000", 0}, {"2000", 0}, {"3000", 0}}, 0, "", ""},
		"four in two camps":           {[]said{{"1000", 0}, {"1001", 0}, {"3000", 0}, {"3001", 0}}, 0, "", ""},
		"four, one far":               {[]said{{"3000", 0}, {"3001", 0}, {"3002", 0}, {"9000", 0}}, 0, "3001.00", "b"},
		"five, two far on one side":   {[]said{{"3000", 0}, {"3001", 0}, {"3002", 0}, {"9000", 0}, {"9001", 0}}, 0, "3001.00", "b"},
		"five, two far on two sides":  {[]said{{"3000", 0}, {"3001", 0}, {"3002", 0}, {"9000", 0}, {"1", 0}}, 0, "3001.00", "b"},
		"five, three of one opinion":  {[]said{{"1", 0}, {"2", 0}, {"3", 0}, {"4", 0}, {"5", 0}}, 0, "", ""},
		"zero":                        {[]said{{"0", 0}}, 0, "", ""},
		"zero beside a good one":      {[]said{{"0", 0}, {"3000", 0}}, 0, "3000.00", "b"},
		"stale":                       {[]said{{"3000", old}}, 0, "", ""},
		"just not stale":              {[]said{{"3000", 2 * time.Minute}}, 0, "3000.00", "a"},
		"stale beside a fresh one":    {[]said{{"2000", old}, {"3000", 0}}, 0, "3000.00", "b"},
		"future":                      {[]said{{"3000", soon}}, 0, "", ""},
		"a minute ahead":              {[]said{{"3000", -time.Minute}}, 0, "3000.00", "a"},
		"future beside a present one": {[]said{{"2000", soon}, {"3000", 0}}, 0, "3000.00", "b"},
		"nobody":                      {nil, 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sources []rates.Source
			for i, s := range c.said {
				sources = append(sources, eth(t, string(rune('a'+i)), s.dollars, s.age))
			}
			b := board(sources...)
			b.Quorum = c.quorum
			b.Refresh(t.Context())
			p, err := b.Price(t.Context(), "ETH")
			if c.want == "" {
				u, ok := errors.AsType[*rates.Unavailable](err)
				if !ok || !errors.Is(err, rates.ErrUnavailable) || u.Symbol != "ETH" || u.Reason == "" || u.Retry < 5*time.Second || u.Retry > time.Minute {
					t.Fatalf("got %v, %#v", p, err)
				}
				return
			}
			if err != nil || p.Rate.String() != c.want || p.Source != c.source {
				t.Fatalf("got %s by %s, %v; want %s by %s", p.Rate, p.Source, err, c.want, c.source)
			}
		})
	}
}

func TestMeanIsAsOldAsTheOlder(t *testing.T) {
	t.Parallel()
	b := board(eth(t, "a", "3000", 5*time.Second), eth(t, "b", "3001", 50*time.Second))
	b.Refresh(t.Context())
	if p, err := b.Price(t.Context(), "ETH"); err != nil || !p.At.Equal(noon.Add(-50*time.Second)) {
		t.Fatal(p, err)
	}
}

func TestASourcesOwnMaximumAge(t *testing.T) {
	t.Parallel()
	p := rates.Price{Rate: rate(t, "3000"), At: noon.Add(-time.Hour), MaxAge: 70 * time.Minute}
	b := board(says{"slow", func(context.Context) (map[string]rates.Price, error) {
		return map[string]rates.Price{"ETH": p}, nil
	}})
	now := noon
	b.Now = func() time.Time { return now }
	b.Refresh(t.Context())
	if _, err := b.Price(t.Context(), "ETH"); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(10*time.Minute + time.Second)
	if _, err := b.Price(t.Context(), "ETH"); !errors.Is(err, rates.ErrUnavailable) || !strings.Contains(err.Error(), "stale") {
		t.Fatal("a price outlived its own maximum age", err)
	}
}

func TestADepeggedStableCoinIsSeen(t *testing.T) {
	t.Parallel()
	b := board(&rates.Static{Rates: map[string]money.Rate{"USDC": rate(t, "0.8812")}, Now: func() time.Time { return noon }})
	b.Symbols = []string{"USDC"}
	b.Refresh(t.Context())
	if p, err := b.Price(t.Context(), "USDC"); err != nil || p.Rate.String() != "0.8812" {
		t.Fatal(p, err)
	}
}
