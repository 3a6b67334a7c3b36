package money_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/money"
)

func TestParseUSD(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]money.USD{
		"0": 0, "0.000": 0, "1": 1000, "49.99": 49_990, "49.990": 49_990, "49.9900000": 49_990, "0.001": 1, "007": 7000,
		"1e3": 1_000_000, "1E3": 1_000_000, "1e+3": 1_000_000, "4999e-2": 49_990, "0.0001e1": 1, "1000000": 1_000_000_000,
		"9223372036854775.807": math.MaxInt64,
	} {
		if got, err := money.ParseUSD(in); err != nil || got != want {
			t.Errorf("ParseUSD(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", " ", "-1", "+1", "1.", ".5", "1,5", "1 ", "0x10", "1_000", "NaN", "Inf", "1e", "e5", "1e5.0", "1ee5", "1.2.3", "١",
		"0.0001", "1e-4", "9223372036854775.808", "1e16", "1e999999999", "1e-999999999", "1e99999999999999999999",
		strings.Repeat("9", 1<<20), "0." + strings.Repeat("0", 1<<20), "1e" + strings.Repeat("0", 1<<20) + "99",
	} {
		got, err := money.ParseUSD(in)
		if err == nil {
			t.Errorf("ParseUSD(%.40q) = %d, want an error", in, got)
		} else if len(err.Error()) > 400 {
			t.Errorf("the error for %.40q has %d bytes: what comes in must not go out at length", in, len(err.Error()))
		}
	}
}

func TestUSDForms(t *testing.T) {
	t.Parallel()
	for u, want := range map[money.USD][3]string{ // String, Number, Cents
		0:             {"0.000", "0", "0.00"},
		1:             {"0.001", "0.001", "0.001"},
		10:            {"0.010", "0.01", "0.01"},
		100:           {"0.100", "0.1", "0.10"},
		49_990:        {"49.990", "49.99", "49.99"},
		49_995:        {"49.995", "49.995", "49.995"},
		50_000:        {"50.000", "50", "50.00"},
		100_000:       {"100.000", "100", "100.00"},
		1_000_000_000: {"1000000.000", "1000000", "1000000.00"},
		-1:            {"-0.001", "-0.001", "-0.001"},
		-49_990:       {"-49.990", "-49.99", "-49.99"},
		math.MaxInt64: {"9223372036854775.807", "9223372036854775.807", "9223372036854775.807"},
		math.MinInt64: {"-9223372036854775.808", "-9223372036854775.808", "-9223372036854775.808"},
	} {
		if got := [3]string{u.String(), u.Number(), u.Cents()}; got != want {
			t.Errorf("%d millis show as %q, want %q", int64(u), got, want)
		}
	}
}

func TestUSDAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want money.USD }{
		{1, 2, 3},
		{5, -7, -2},
		{math.MaxInt64, 0, math.MaxInt64},
		{math.MaxInt64, 1, math.MaxInt64},
		{1, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, -1, math.MaxInt64 - 1},
	} {
		if got := c.a.Add(c.b); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	word := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)).String()
	for in, want := range map[string]string{"0": "0", "000": "0", "1": "1", "0049": "49", word: word, strings.Repeat("0", 78): "0"} {
		if got, err := money.ParseUnits(in); err != nil || got.String() != want || got.IsZero() != (want == "0") {
			t.Errorf("ParseUnits(%q) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "+1", "1.0", "1e3", " 1", "0x1", "1_0", strings.Repeat("1", 79), strings.Repeat("1", 1<<20)} {
		if got, err := money.ParseUnits(in); err == nil || len(err.Error()) > 200 {
			t.Errorf("ParseUnits(%.40q) = %.80s, %.80v; want a short error", in, got, err)
		}
	}
	for _, c := range []struct {
		units    string
		decimals int
		want     string
	}{
		{"0", 0, "0"},
		{"0", 6, "0.000000"},
		{"1", 6, "0.000001"},
		{"49990000", 6, "49.990000"},
		{"999999", 6, "0.999999"},
		{"1000000", 6, "1.000000"},
		{"5", -1, "5"},
		{"123", 2, "1.23"},
		{"1", 18, "0.000000000000000001"},
	} {
		if got := units(c.units).Decimal(c.decimals); got != c.want {
			t.Errorf("%s units of %d decimals are %q, want %q", c.units, c.decimals, got, c.want)
		}
	}
	if !money.NewUnits(nil).IsZero() || !money.NewUnits(big.NewInt(-1)).IsZero() {
		t.Error("nil and negative amounts must be nothing")
	}
	n := big.NewInt(7)
	u := money.NewUnits(n)
	u.Big().SetInt64(1)
	if n.SetInt64(9); u.String() != "7" {
		t.Errorf("units changed to %s from outside", u)
	}
	if d, ok := units("3").Sub(units("5")); ok || !d.IsZero() {
		t.Errorf("3 − 5 = %s, %v; want nothing, false", d, ok)
	}
	if d, ok := units("5").Sub(units("5")); !ok || !d.IsZero() {
		t.Errorf("5 − 5 = %s, %v; want nothing, true", d, ok)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1": "1.00", "0.9950": "0.995", "2431.08730112": "2431.08730112", "2.5e3": "2500.00", "25e-1": "2.50", "0": "0.00", "0.0": "0.00",
		"100": "100.00", "0.10": "0.10", "1e-20": "0.00000000000000000001", "1e79": "1" + strings.Repeat("0", 79) + ".00",
	} {
		if got, err := money.ParseRate(in); err != nil || got.String() != want || got.Positive() != (want != "0.00") {
			t.Errorf("ParseRate(%q) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"1e80", "1e-81", "0.1e-80", strings.Repeat("1", 81), "1." + strings.Repeat("1", 81)} {
		if got, err := money.ParseRate(in); err == nil {
			t.Errorf("ParseRate(%q) = %s, want an error", in, got)
		}
	}
	for _, c := range []struct {
		n     int64
		scale int
		want  string
	}{
		{243108730112, 8, "2431.08730112"}, {-5, 2, "0.00"}, {0, 0, "0.00"}, {5, -2, "500.00"}, {1, 1 << 40, "0.00"}, {1, -(1 << 40), "0.00"}, {1, 81, "0.00"},
	} {
		if got := money.NewRate(big.NewInt(c.n), c.scale); got.String() != c.want {
			t.Errorf("NewRate(%d, %d) = %s, want %s", c.n, c.scale, got, c.want)
		}
	}
	if a, b := rate("1.5"), rate("2"); a.Mean(b).String() != "1.75" || a.Cmp(b) != -1 || b.Cmp(a) != 1 || a.Cmp(rate("1.50")) != 0 {
		t.Errorf("the mean of 1.5 and 2 is %s, their order %d and %d", a.Mean(b), a.Cmp(b), b.Cmp(a))
	}
	for _, c := range []struct {
		r, s string
		bps  int64
		want bool
	}{
		{"101", "100", 100, true},
		{"99", "100", 100, true},
		{"101.01", "100", 100, false},
		{"98.99", "100", 100, false},
		{"100", "101", 99, false},
		{"1", "0", 10_000, false},
		{"0", "0", 0, true},
		{"5", "5", 0, true},
	} {
		if got := rate(c.r).Within(rate(c.s), c.bps); got != c.want {
			t.Errorf("%s within %d bps of %s: %v", c.r, c.bps, c.s, got)
		}
	}
}

// What one source gives, and the mean of two, must be readable again: quotes are
// kept as text.
func TestRateSurvivesAverages(t *testing.T) {
	t.Parallel()
	r := rate("2431." + strings.Repeat("7", 75))
	s := money.NewRate(new(big.Int).Lsh(big.NewInt(1), 254), 73)
	for range 5 {
		r = r.Mean(s)
		back, err := money.ParseRate(r.String())
		if err != nil || back.Cmp(r) != 0 {
			t.Fatalf("%s reads back as %s, %v", r, back, err)
		}
	}
}

func TestUnitsRoundUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usd      money.USD
		rate     string
		decimals int
		buffer   int64
		want     string
	}{
		{49_990, "1", 6, 0, "49990000"},
		{49_990, "1.0001", 6, 0, "49985002"}, // 49985001.4…
		{10, "3", 0, 0, "1"},
		{1_000_000, "2000", 18, 50, "502500000000000000"},
		{0, "1", 6, 50, "0"},
		{-5, "1", 6, 0, "0"},
		{1_000_000_000, "1e-80", 18, 0, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)).String()},
	} {
		got := rate(c.rate).UnitsRoundUp(c.usd, c.decimals, c.buffer)
		if got.String() != c.want {
			t.Errorf("%s at %s with %d decimals and %d bps is %s units, want %s", c.usd, c.rate, c.decimals, c.buffer, got, c.want)
		}
		if _, err := money.ParseUnits(got.String()); err != nil {
			t.Error(err)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		whole    money.USD
		part, of string
		want     money.USD
	}{
		{1000, "0", "7", 0},
		{1000, "7", "7", 1000},
		{1000, "14", "7", 2000},
		{1000, "3", "7", 428},
		{1000, "1", "0", 0},
		{0, "5", "1", 0},
		{1_000_000_000, strings.Repeat("9", 78), "1", math.MaxInt64},
	} {
		if got := money.Share(c.whole, units(c.part), units(c.of)); got != c.want {
			t.Errorf("%s × %s ÷ %s = %d, want %d", c.whole, c.part, c.of, got, c.want)
		}
	}
}

func units(s string) money.Units {
	u, err := money.ParseUnits(s)
	if err != nil {
		panic(err)
	}
	return u
}

func rate(s string) money.Rate {
	r, err := money.ParseRate(s)
	if err != nil {
		panic(err)
	}
	return r
}
