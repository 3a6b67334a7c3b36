// Package money holds amounts as integers: dollars in thousandths, tokens in
// base units, prices as exact decimals. Nothing here rounds without saying which
// way, and nothing here is a float.
package money

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// USD is an amount in thousandths of a dollar, the unit "usd_millis" of the
// contract. Its range covers every invoice (at most one million dollars) with
// nine digits to spare.
type USD int64

// Cent is one hundredth of a dollar.
const Cent USD = 10

// ParseUSD reads decimal dollars such as "49.99", exactly. It refuses signs,
// exponents and anything finer than a thousandth of a dollar.
func ParseUSD(s string) (USD, error) {
	r, err := ParseRate(s)
	if err != nil {
		return 0, err
	}
	m := new(big.Int).Mul(r.mantissa(), pow10(3))
	m, rest := m.QuoRem(m, pow10(r.scale), new(big.Int))
	if rest.Sign() != 0 {
		return 0, fmt.Errorf("%.40q is finer than a thousandth of a dollar", s)
	}
	if !m.IsInt64() {
		return 0, fmt.Errorf("%.40q is out of range", s)
	}
	return USD(m.Int64()), nil
}

// String returns the amount in dollars with three decimals, as in "49.990".
func (u USD) String() string {
	sign, n := "", uint64(u)
	if u < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%03d", sign, n/1000, n%1000)
}

// Number returns the amount in dollars in the shortest form, as in "49.99" or
// "50": the JSON number that payors read.
func (u USD) Number() string { return trim(u.String()) }

// Add returns u + v, or the largest amount when the sum would overflow.
func (u USD) Add(v USD) USD {
	if v > 0 && u > math.MaxInt64-v {
		return math.MaxInt64
	}
	return u + v
}

// Plus returns the amount with so many basis points added, rounded up. The amount
// must be that of an invoice.
func (u USD) Plus(bps int64) USD { return (u*USD(10_000+bps) + 9_999) / 10_000 }

// Cents returns the amount in dollars with two decimals, as in "49.99", or with
// three where the last is not zero: how people are shown money.
func (u USD) Cents() string {
	s := u.String()
	return s[:len(s)-1] + strings.TrimRight(s[len(s)-1:], "0")
}

// UpToCent returns the amount rounded up to whole cents.
func (u USD) UpToCent() USD { return (u + Cent - 1) / Cent * Cent }

// Share returns so many basis points of the amount, rounded up to whole cents. The
// amount must be that of an invoice.
func (u USD) Share(bps int64) USD { return ((u*USD(bps) + 9_999) / 10_000).UpToCent() }
