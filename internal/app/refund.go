package app

import (
	"context"
	"crypto/ecdsa"
	"math/big"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// RefundOptions say how refunds are paid on a network: from whose account, in which of
// the network's stable tokens, and how much in any 24 hours at most. All or none.
type RefundOptions struct {
	Key   *ecdsa.PrivateKey
	Token pay.Token
	Limit money.USD
}

// refunds makes the wallet that pays refunds on a network.
func (a *App) refunds(ctx context.Context, n NetworkOptions, nodes []*ethclient.Client) {
	w := &settle.Wallet{
		Account: settle.Account{Network: n.Network, Key: n.Refund.Key, Nodes: nodes, MaxFee: n.MaxFee, Log: a.Log, Now: a.Now, Meter: a.meter},
		Token:   n.Refund.Token, Limit: n.Refund.Limit,
	}
	a.payer.Wallets[n.Name] = w
	a.Commerce.RefundWallets[n.Environment] = crypto.PubkeyToAddress(n.Refund.Key.PublicKey).Hex()
	a.running.Go(func() { a.look(ctx, n.Name, func(ctx context.Context) error { return a.payer.Look(ctx, w) }) })
}

// What is read of accounts at a scrape.
var (
	relayerBalance  = meter.NewGauge("relayer_balance_coins", "What the relayer's account holds, in whole native coins.", "network")
	relayerOutOfGas = meter.NewGauge("relayer_out_of_gas", "1 while the relayer's account cannot pay for the next settlement.", "network")
	refundCoins     = meter.NewGauge("refund_wallet_coins", "What the refund wallet holds for gas, in whole native coins.", "network")
	refundDollars   = meter.NewGauge("refund_wallet_dollars", "What the refund wallet holds to pay with, in dollars.", "network")
	refundsWait     = meter.NewGauge("refunds_waiting", "1 while refunds wait for the reason: limit, dollars or gas in the wallet, or refused by the token.", "network", "reason")
)

func (a *App) scrapedAccounts(set func(meter.Gauge, float64, ...string)) {
	for n, r := range a.settler.Movers {
		if wei, known := r.Holds(); known {
			set(relayerBalance, whole(wei, 18), string(n))
			set(relayerOutOfGas, truth(r.Shortage() != ""), string(n))
		}
	}
	for n, w := range a.payer.Wallets {
		if wei, known := w.Holds(); known {
			set(refundCoins, whole(wei, 18), string(n))
		}
		if dollars, known := w.Dollars(); known {
			set(refundDollars, whole(dollars.Big(), w.Token.Decimals), string(n))
		}
		why, _ := w.Kept()
		for _, reason := range settle.Reasons {
			set(refundsWait, truth(why == reason), string(n), reason)
		}
	}
}

// whole is an amount of base units as it is told to people who look at graphs.
func whole(units *big.Int, decimals int) float64 {
	one := new(big.Float).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	n, _ := one.Quo(new(big.Float).SetInt(units), one).Float64()
	return n
}
