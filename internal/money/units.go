package money

import (
	"fmt"
	"math/big"
	"strings"
)

// Units is a non-negative amount of one token in its base units (wei, lamports,
// the sixth decimal of a stable coin). The zero Units is nothing. Units are
// immutable; which token they count is the caller's to know.
type Units struct{ n *big.Int }

// NewUnits returns n base units; a negative or nil n counts as nothing.
func NewUnits(n *big.Int) Units {
	if n == nil || n.Sign() <= 0 {
		return Units{}
	}
	return Units{new(big.Int).Set(n)}
}

// ParseUnits reads a whole number of base units. It accepts at most 78 digits,
// the size of a 256-bit word.
func ParseUnits(s string) (Units, error) {
	if len(s) == 0 || len(s) > 78 || strings.Trim(s, "0123456789") != "" {
		return Units{}, fmt.Errorf("%.40q is not a whole number of base units", s)
	}
	n, _ := new(big.Int).SetString(s, 10)
	return NewUnits(n), nil
}

// Big returns the amount as a new big integer.
func (u Units) Big() *big.Int {
	if u.n == nil {
		return new(big.Int)
	}
	return new(big.Int).Set(u.n)
}

// Add returns u + v.
func (u Units) Add(v Units) Units { return NewUnits(u.Big().Add(u.Big(), v.Big())) }

// Sub returns u − v, and false when v is the larger.
func (u Units) Sub(v Units) (Units, bool) {
	d := new(big.Int).Sub(u.Big(), v.Big())
	return NewUnits(d), d.Sign() >= 0
}

// Cmp compares: −1 when u is less than v, 0 when equal, +1 when greater.
func (u Units) Cmp(v Units) int { return u.Big().Cmp(v.Big()) }

// IsZero reports whether u is nothing.
func (u Units) IsZero() bool { return u.n == nil }

// String returns the base units in decimal digits.
func (u Units) String() string { return u.Big().String() }

// Decimal returns the amount in whole tokens with all the token's decimals, as
// in "49.990000" for 49990000 units of a token with six.
func (u Units) Decimal(decimals int) string {
	s := u.String()
	if decimals <= 0 {
		return s
	}
	if len(s) <= decimals {
		s = strings.Repeat("0", decimals-len(s)+1) + s
	}
	return s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}
