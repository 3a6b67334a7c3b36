package money

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Rate is the price of one whole token in dollars: an exact non-negative decimal.
// The zero Rate is a price of nothing, which no caller may sell at. A rate has at
// most maxDigits digits on each side of the point, so what String writes ParseRate
// reads back, whatever sources and averages it came from.
type Rate struct {
	n     *big.Int // the digits
	scale int      // how many of them stand after the point
}

// maxDigits bounds what a rate will hold, so that a hostile "1e999999999" costs
// nothing. The 78 digits of a 256-bit word, as feeds on chain report, fit.
const maxDigits = 80

// ParseRate reads a decimal such as "0.9950" or "2.5e3", exactly.
func ParseRate(s string) (Rate, error) {
	bad := fmt.Errorf("%.40q is not a decimal number", s)
	digits, exp, isExp := strings.Cut(strings.ToLower(s), "e")
	e := 0
	if isExp {
		var err error
		if e, err = strconv.Atoi(exp); err != nil || e > maxDigits || e < -maxDigits {
			return Rate{}, bad
		}
	}
	whole, part, point := strings.Cut(digits, ".")
	if whole == "" || point && part == "" || len(whole) > maxDigits-max(e, 0) || len(part) > maxDigits+min(e, 0) || strings.Trim(whole+part, "0123456789") != "" {
		return Rate{}, bad
	}
	n, _ := new(big.Int).SetString(whole+part, 10)
	return NewRate(n, len(part)-e), nil
}

// NewRate returns n × 10^−scale dollars, as price feeds on chain report it, rounded
// down to maxDigits digits after the point. It is zero when n is negative or when
// more than maxDigits digits stand before the point: no price is.
func NewRate(n *big.Int, scale int) Rate {
	if n.Sign() <= 0 || scale < -maxDigits || scale > 4*maxDigits {
		return Rate{}
	}
	n = new(big.Int).Set(n)
	if scale < 0 {
		n.Mul(n, pow10(-scale))
		scale = 0
	} else if scale > maxDigits {
		n.Quo(n, pow10(scale-maxDigits))
		scale = maxDigits
	}
	if n.Sign() == 0 || n.Cmp(pow10(maxDigits+scale)) >= 0 {
		return Rate{}
	}
	return Rate{n, scale}
}

// Positive reports whether the rate can be sold at.
func (r Rate) Positive() bool { return r.n != nil }

// Cmp compares two rates.
func (r Rate) Cmp(s Rate) int {
	return new(big.Int).Mul(r.mantissa(), pow10(s.scale)).Cmp(new(big.Int).Mul(s.mantissa(), pow10(r.scale)))
}

// Mean returns the rate half way between r and s.
func (r Rate) Mean(s Rate) Rate {
	a, b := new(big.Int).Mul(r.mantissa(), pow10(s.scale)), new(big.Int).Mul(s.mantissa(), pow10(r.scale))
	return NewRate(a.Add(a, b).Mul(a, big.NewInt(5)), r.scale+s.scale+1)
}

// Within reports whether r lies within bps basis points of s.
func (r Rate) Within(s Rate, bps int64) bool {
	a, b := new(big.Int).Mul(r.mantissa(), pow10(s.scale)), new(big.Int).Mul(s.mantissa(), pow10(r.scale))
	diff := new(big.Int).Sub(a, b)
	return diff.Abs(diff).Mul(diff, big.NewInt(10_000)).Cmp(b.Mul(b, big.NewInt(bps))) <= 0
}

// Off is how far r lies from s in basis points of s, rounded up; the largest number
// when s is nothing.
func (r Rate) Off(s Rate) int64 {
	if !s.Positive() {
		return math.MaxInt64
	}
	a, b := new(big.Int).Mul(r.mantissa(), pow10(s.scale)), new(big.Int).Mul(s.mantissa(), pow10(r.scale))
	diff := new(big.Int).Sub(a, b)
	n, rest := diff.Abs(diff).Mul(diff, big.NewInt(10_000)).QuoRem(diff, b, new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// String returns the rate as a plain decimal with no needless zeros, but never
// fewer than two decimals: "2431.08730112", "1.00".
func (r Rate) String() string {
	s := Units{r.n}.Decimal(r.scale)
	if r.scale == 0 {
		s += "."
	}
	s = strings.TrimRight(s, "0")
	for len(s)-strings.IndexByte(s, '.') < 3 {
		s += "0"
	}
	return s
}

// maxUnits is the greatest amount a chain can express: a 256-bit word.
var maxUnits = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))

// UnitsRoundUp returns how many base units of a token with the given decimals are
// worth u at the rate, plus a buffer in basis points, rounded up: what a payor is
// asked for. It is at most a 256-bit word, which no supply of a token exceeds. The
// rate must be positive.
func (r Rate) UnitsRoundUp(u USD, decimals int, bufferBPS int64) Units {
	n := new(big.Int).Mul(big.NewInt(int64(u)), pow10(decimals+r.scale))
	n.Mul(n, big.NewInt(10_000+bufferBPS))
	d := new(big.Int).Mul(r.mantissa(), big.NewInt(1000*10_000))
	n, rest := n.QuoRem(n, d, new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if n.Cmp(maxUnits) > 0 {
		n = maxUnits
	}
	return NewUnits(n)
}

// Share returns whole × part ÷ of, rounded down: what part of a quoted amount is
// worth. It is zero when of is nothing.
func Share(whole USD, part, of Units) USD {
	if of.IsZero() {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(int64(whole)), part.Big())
	if n.Quo(n, of.Big()); !n.IsInt64() {
		return 1<<63 - 1
	}
	return USD(n.Int64())
}

func (r Rate) mantissa() *big.Int {
	if r.n == nil {
		return new(big.Int)
	}
	return r.n
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// trim drops trailing zeros of a decimal, and the point when nothing follows it.
func trim(s string) string { return strings.TrimRight(strings.TrimRight(s, "0"), ".") }
