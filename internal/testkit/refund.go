package testkit

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"
	"time"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// BSC serves a development chain under the name of BSC, with an account that refunds are
// paid from.
func BSC(rpc string, wallet *ecdsa.PrivateKey, limit money.USD) app.NetworkOptions {
	network := pay.Devchain
	network.Name, network.BlockTime = pay.RefundNetwork, 50*time.Millisecond
	tokens := pay.DevchainTokens(contracts.TestDollar.Hex())
	for n := range tokens {
		tokens[n].ID += 10
		tokens[n].Network = network.Name
	}
	return app.NetworkOptions{
		Network: network, Tokens: tokens, RPC: []string{rpc}, MaxFee: big.NewInt(1e12), Poll: 10 * time.Millisecond,
		Refund: app.RefundOptions{Key: wallet, Token: tokens[0], Limit: limit},
	}
}

// Owed makes an order of a merchant's that was paid and has failed: its refund is due, and
// waits for somebody to say where it goes. Of the amount the fee is kept back.
func Owed(t testing.TB, s *store.Store, merchant int64, env pay.Environment, amount, fee money.USD) (id string) {
	t.Helper()
	if err := s.Write(context.Background(), func(tx *store.Tx) (err error) {
		e := pay.Estimate{
			ID: tx.NewID(), MerchantID: merchant, Environment: env, Customer: pay.Customer{ID: "cust_1"}, Pricing: pay.Pricing{Total: amount}, RefundFee: fee,
			Lines: []pay.OrderLine{{ProductID: SoldOut, Retailer: "amazon", Quantity: 1, Price: amount}},
		}
		o := pay.NewOrder(tx.NewID(), e, pay.ShippingAddress{}, tx.Now())
		o.InvoiceID, id = tx.NewID(), o.ID
		for _, k := range []pay.FactKind{pay.FactPaid, pay.FactFailed} {
			if o, err = o.Next(pay.Fact{Kind: k}, tx.Now()); err != nil {
				return err
			}
		}
		return tx.AddOrder(o)
	}); err != nil {
		t.Fatal(err)
	}
	return id
}
