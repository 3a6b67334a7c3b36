package simnet

import (
	"context"
	"math/big"
	"strconv"

	"github.com/pepay/pepay/internal/chain/cardano"
	dev "github.com/pepay/pepay/internal/devchain/cardano"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// cardano runs a small Cardano.
func (n *Network) cardano(o Options) error {
	c, err := dev.New(dev.Options{Start: o.Now(), Now: o.Now, Assets: []dev.Asset{dev.Dollar, dev.Other}})
	if err != nil {
		return err
	}
	merchant, err := cardano.AccountKey([]byte("pepay development merchant"), 0)
	if err != nil {
		return err
	}
	n.Identity, n.Confirmations, n.Tokens = strconv.Itoa(dev.Magic), 3, tokens(n.Name, dev.Dollar.Unit, pay.Asset)
	n.Payout = cardano.Testnet.Enterprise(merchant.Payment(0).Public())
	n.Pay = func(_ context.Context, to string, t pay.Token, units money.Units) (string, error) {
		return c.Pay(to, t.Address, units.Big().Uint64())
	}
	n.Holds = func(_ context.Context, address string, t pay.Token) (*big.Int, error) {
		v := c.Balance(address)
		if t.Type == pay.Native {
			return new(big.Int).SetUint64(v.Lovelace), nil
		}
		return new(big.Int).SetUint64(v.Assets[t.Address]), nil
	}
	n.Mine, n.Drop = c.Mine, func(context.Context, string) error { return c.Fork(1, nil) }
	n.run(o.Every, c.Run)
	return n.serve(c, o)
}
