package view_test

import (
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// Percentages and stars are exact numbers in their shortest form.
func TestFractions(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 1: "0.01", 10: "0.1", 99: "0.99", 100: "1", 250: "2.5", 1000: "10", 10_025: "100.25"} {
		if got := view.CommerceInfo(pay.Terms{FeeRate: n}, pay.Devnet).Fees.Percentage; string(got) != want {
			t.Errorf("%d basis points are %s per cent, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 5: "0.5", 10: "1", 45: "4.5", 50: "5"} {
		if got := view.Product(pay.Product{Rating: n}).Rating; string(got) != want {
			t.Errorf("%d tenths are %s stars, want %s", n, got, want)
		}
	}
}
