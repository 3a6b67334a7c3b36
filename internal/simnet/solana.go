package simnet

import (
	"context"
	"math/big"

	"github.com/pepay/pepay/internal/chain/solana"
	dev "github.com/pepay/pepay/internal/devchain/solana"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// solana runs a small Solana.
func (n *Network) solana(o Options) error {
	c := dev.New(dev.Options{Seed: o.Seed, Now: o.Now})
	n.Identity, n.Tokens = c.Genesis(), tokens(n.Name, dev.Dollar.String(), pay.SPL)
	n.Payout = solana.Address(dev.Key("merchant")).String()
	n.Pay = func(_ context.Context, to string, t pay.Token, units money.Units) (string, error) {
		return c.Pay(dev.Payment{To: to, Token: t.Address, Units: units.Big().Uint64(), Reference: solana.Reference(to)})
	}
	n.Holds = func(_ context.Context, address string, t pay.Token) (*big.Int, error) {
		return new(big.Int).SetUint64(c.Balance(address, t.Address)), nil
	}
	n.Mine, n.Drop = c.Mine, func(context.Context, string) error { return c.Fork(1) }
	n.run(o.Every, c.Run)
	return n.serve(c, o)
}
