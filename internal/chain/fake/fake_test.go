package fake_test

import (
	"fmt"
	"testing"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

func TestDriver(t *testing.T) {
	t.Parallel()
	chaintest.Run(t, func(testing.TB) chaintest.Harness {
		c := fake.New("ethereum")
		held, tx := map[[2]string]money.Units{}, 0
		content := func(ts []chaintest.Transfer) (in fake.Content) {
			in.Hidden = map[string]money.Units{}
			for _, x := range ts {
				tx++
				hash, units, at := fmt.Sprint("tx", tx), units(x.Units), [2]string{x.Address, x.Token}
				switch {
				case x.Sweep:
					in.Sweeps = append(in.Sweeps, pay.Sweep{TxHash: hash, Address: x.Address, Token: x.Token, Units: held[at], To: "merchant"})
					delete(held, at)
					continue
				case x.Hidden:
					in.Hidden[x.Address] = in.Hidden[x.Address].Add(units)
				default:
					in.Deposits = append(in.Deposits, pay.Deposit{TxHash: hash, Address: x.Address, Token: x.Token, Units: units})
				}
				held[at] = held[at].Add(units)
			}
			return in
		}
		return chaintest.Harness{
			Driver: c, Addresses: []string{"a", "b"}, Stranger: "s", Token: "t",
			Mine: func(_ testing.TB, ts ...chaintest.Transfer) { c.Mine(content(ts)) },
			Fork: func(_ testing.TB, depth int, ts ...chaintest.Transfer) { c.Fork(depth, content(ts)) },
		}
	})
}

func units(n int64) money.Units {
	u, err := money.ParseUnits(fmt.Sprint(n))
	if err != nil {
		panic(err)
	}
	return u
}
