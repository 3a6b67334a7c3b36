package simnet_test

import (
	"math/big"
	"testing"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
)

// On each network what is paid arrives, and what a fork drops is gone again.
func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, name := range pay.Networks {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			n, err := simnet.Start(t.Context(), name, simnet.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			})
			for range 3 {
				n.Mine()
			}
			for _, token := range n.Tokens {
				before, err := n.Holds(t.Context(), n.Payout, token)
				if err != nil {
					t.Fatal(err)
				}
				tx, err := n.Pay(t.Context(), n.Payout, token, money.NewUnits(big.NewInt(5_000_000)))
				if err != nil {
					t.Fatal(err)
				}
				n.Mine()
				after, err := n.Holds(t.Context(), n.Payout, token)
				if err != nil || after.Sub(after, before).Int64() != 5_000_000 {
					t.Errorf("%s: %s arrived, %v", token.Symbol, after, err)
				}
				if err := n.Drop(t.Context(), tx); err != nil {
					t.Fatal(err)
				}
				if gone, err := n.Holds(t.Context(), n.Payout, token); err != nil || gone.Cmp(before) != 0 {
					t.Errorf("%s: %s after the fork, before %s: %v", token.Symbol, gone, before, err)
				}
			}
		})
	}
}
