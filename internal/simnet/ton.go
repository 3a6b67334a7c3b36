package simnet

import (
	"context"
	"math/big"

	"github.com/pepay/pepay/internal/chain/ton"
	dev "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// ton runs a small TON.
func (n *Network) ton(o Options) error {
	c := dev.New(o.Now)
	n.Tokens = tokens(n.Name, dev.USDT, pay.Jetton)
	n.Tokens[0].Symbol, n.Tokens[0].Name = "USDT", "Tether USD" // a jetton that is known by its master
	to := ton.Address{0: 0x77}
	n.Payout = to.String()
	n.Pay = func(_ context.Context, to string, t pay.Token, units money.Units) (string, error) {
		return "", c.Pay(to, t.Address, units.Big())
	}
	n.Holds = func(_ context.Context, address string, t pay.Token) (*big.Int, error) {
		a, err := ton.Parse(address, true)
		return c.Balance(a, t.Address), err
	}
	n.Mine, n.Drop = c.Mine, func(context.Context, string) error { c.Fork(1, nil); return nil }
	n.run(o.Every, c.Run)
	return n.serve(c, o)
}
