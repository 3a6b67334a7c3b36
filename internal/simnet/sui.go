package simnet

import (
	"bytes"
	"cmp"
	"context"
	"math/big"
	"strconv"

	"github.com/pepay/pepay/internal/chain/sui"
	dev "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// sui runs a small Sui.
func (n *Network) sui(o Options) error {
	c := dev.New(dev.Options{Seed: strconv.FormatUint(o.Seed, 10), Now: o.Now})
	n.Identity, n.Tokens = c.ID(), tokens(n.Name, dev.Dollar, pay.Coin)
	n.Tokens[0].Symbol = "USDC" // as its metadata says
	n.Payout = sui.Address(bytes.Repeat([]byte{0x77}, 32)).String()
	n.Pay = func(_ context.Context, to string, t pay.Token, units money.Units) (string, error) {
		a, err := sui.ParseAddress(to)
		if err != nil {
			return "", err
		}
		return c.Pay(dev.Transfer{To: a, Coin: cmp.Or(t.Address, sui.Native), Units: units.Big().Uint64()}), nil
	}
	n.Holds = func(_ context.Context, address string, t pay.Token) (*big.Int, error) {
		a, err := sui.ParseAddress(address)
		return c.Holds(a, cmp.Or(t.Address, sui.Native)), err
	}
	n.Mine, n.Drop = c.Mine, func(context.Context, string) error { return c.Fork(1) }
	n.run(o.Every, c.Run)
	return n.serve(c, o)
}
