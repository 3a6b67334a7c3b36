package simnet

import (
	"context"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/ethereum/go-ethereum/common"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/devchain/avalanche"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// evm runs a chain of go-ethereum.
func (n *Network) evm(ctx context.Context, o Options) error {
	c, err := devchain.Start(ctx, devchain.Options{ChainID: n.ChainID, Period: o.Every, Log: o.Log})
	if err != nil {
		return err
	}
	n.close = append(n.close, c.Close)
	at, err := url.Parse(c.URL())
	if err != nil {
		return err
	}
	n.Confirmations, n.Tokens = 3, tokens(n.Name, contracts.TestDollar.Hex(), pay.ERC20)
	n.Relayer, n.MaxFee, n.Payout = devchain.Relayer(), big.NewInt(1e12), devchain.Merchant().Hex()
	wallet := &devchain.Wallet{Client: c.Client(), Key: devchain.Payer()}
	n.Pay = func(ctx context.Context, to string, t pay.Token, units money.Units) (string, error) {
		tx, err := wallet.Pay(ctx, common.HexToAddress(t.Address), common.HexToAddress(to), units.Big())
		return tx.Hex(), err
	}
	n.Holds = func(ctx context.Context, address string, t pay.Token) (*big.Int, error) {
		if t.Type == pay.Native {
			return c.Client().BalanceAt(ctx, common.HexToAddress(address), nil)
		}
		return contracts.BalanceOf(ctx, c.Client(), contracts.TestDollar, common.HexToAddress(address))
	}
	n.Mine = func() { c.Mine() }
	n.Drop = func(ctx context.Context, tx string) error { return c.Drop(ctx, common.HexToHash(tx)) }
	if n.Name == "avalanche" {
		return n.serve(avalanche.New(c.Client().Client()), o)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = at.Host }, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway)
	}}
	return n.serve(proxy, o)
}
