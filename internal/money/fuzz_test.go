package money_test

import (
	"math/big"
	"testing"

	"github.com/pepay/pepay/internal/money"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{"49.99", "1e3", "1e-80", "0.0001e1", "-1", "1e999999999", "", ".", "00.10", "1E+2", "e", "9223372036854775.808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := money.ParseUSD(s); err == nil {
			if exact, ok := new(big.Rat).SetString(s); !ok || exact.Cmp(big.NewRat(int64(u), 1000)) != 0 {
				t.Errorf("ParseUSD(%q) = %d", s, u)
			}
			for _, form := range []string{u.String(), u.Number(), u.Cents()} {
				if back, err := money.ParseUSD(form); err != nil || back != u {
					t.Errorf("%d shown as %q reads as %d, %v", u, form, back, err)
				}
			}
		}
		if r, err := money.ParseRate(s); err == nil {
			shown, _ := new(big.Rat).SetString(r.String())
			if exact, ok := new(big.Rat).SetString(s); !ok || exact.Cmp(shown) != 0 {
				t.Errorf("ParseRate(%q) = %s", s, r)
			}
			if back, err := money.ParseRate(r.String()); err != nil || back.Cmp(r) != 0 {
				t.Errorf("%s reads back as %s, %v", r, back, err)
			}
		}
		if u, err := money.ParseUnits(s); err == nil {
			if back, err := money.ParseUnits(u.String()); err != nil || back.Cmp(u) != 0 {
				t.Errorf("%s reads back as %s, %v", u, back, err)
			}
			if r, err := money.ParseRate(u.Decimal(18)); err != nil || r.Cmp(money.NewRate(u.Big(), 18)) != 0 {
				t.Errorf("%s shown with 18 decimals is %s, %v", u, u.Decimal(18), err)
			}
		}
	})
}

// What a payor is asked for is never short, and at most one base unit too much.
func FuzzUnitsRoundUp(f *testing.F) {
	f.Add(int64(49_990), uint64(243108730112), uint8(8), uint8(18), uint16(50))
	f.Add(int64(10), uint64(3), uint8(0), uint8(0), uint16(0))
	f.Fuzz(func(t *testing.T, usd int64, price uint64, scale, decimals uint8, buffer uint16) {
		n := new(big.Int).SetUint64(price)
		r := money.NewRate(n, int(scale%40))
		if !r.Positive() || usd < 0 {
			t.Skip()
		}
		d := int(decimals % 25)
		got := r.UnitsRoundUp(money.USD(usd), d, int64(buffer)).Big()
		exact := new(big.Rat).SetFrac64(usd, 1000)
		exact.Mul(exact, new(big.Rat).SetFrac64(10_000+int64(buffer), 10_000))
		exact.Mul(exact, new(big.Rat).SetInt(ten(d)))
		exact.Quo(exact, new(big.Rat).SetFrac(n, ten(int(scale%40))))
		over := new(big.Rat).Sub(new(big.Rat).SetInt(got), exact)
		if over.Sign() < 0 || over.Cmp(big.NewRat(1, 1)) >= 0 {
			t.Errorf("%s at %s is %s units, which is %s too many", money.USD(usd), r, got, over.FloatString(6))
		}
	})
}

// A share grows with its part, is exact for the whole, never more than its due,
// and cutting a part in two loses less than a thousandth of a dollar.
func FuzzShare(f *testing.F) {
	f.Add(uint32(49_990), uint64(49_990_000), uint64(10), uint64(20))
	f.Fuzz(func(t *testing.T, whole uint32, of, a, b uint64) {
		w, all, x, y := money.USD(whole), amount(of), amount(a), amount(b)
		if of == 0 {
			t.Skip()
		}
		if got := money.Share(w, all, all); got != w {
			t.Errorf("the whole of %s is %s", w, got)
		}
		sx, sy, sum := money.Share(w, x, all), money.Share(w, y, all), money.Share(w, x.Add(y), all)
		if sx < 0 || sum < sx || sum < sx.Add(sy) && sum != 1<<63-1 || sum > sx.Add(sy).Add(1) {
			t.Errorf("shares of %s for %s and %s of %s: %d, %d, together %d", w, x, y, all, sx, sy, sum)
		}
		if sum != 1<<63-1 {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(x.Add(y).Big(), big.NewInt(int64(w))), all.Big())
			if d := exact.Sub(exact, new(big.Rat).SetInt64(int64(sum))); d.Sign() < 0 || d.Cmp(big.NewRat(1, 1)) >= 0 {
				t.Errorf("share of %s is off by %s", w, d)
			}
		}
	})
}

func FuzzMean(f *testing.F) {
	f.Add(uint64(5), uint8(3), uint64(7), uint8(0))
	f.Fuzz(func(t *testing.T, a uint64, s uint8, b uint64, u uint8) {
		r, q := money.NewRate(new(big.Int).SetUint64(a), int(s%40)), money.NewRate(new(big.Int).SetUint64(b), int(u%40))
		m := r.Mean(q)
		if m.Cmp(q.Mean(r)) != 0 || m.Cmp(r)*m.Cmp(q) > 0 || r.Cmp(q) != -q.Cmp(r) {
			t.Errorf("the mean of %s and %s is %s", r, q, m)
		}
	})
}

func amount(n uint64) money.Units { return money.NewUnits(new(big.Int).SetUint64(n)) }

func ten(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
