package testkit

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/simnet"
)

// Period is how often a network makes a block in tests: on most they are stamped in whole
// seconds, and must not run ahead of the clock.
func Period(n pay.NetworkName) time.Duration {
	if f := n.Family(); f == pay.Solana || f == pay.Sui {
		return 100 * time.Millisecond
	}
	return time.Second
}

// StartNetwork runs a network until the test ends.
func StartNetwork(t testing.TB, name pay.NetworkName, o simnet.Options) *simnet.Network {
	t.Helper()
	if o.Every == 0 {
		o.Every = Period(name)
	}
	n, err := simnet.Start(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// SimulatedOptions are those of a deployment on a database that serves the networks, and
// has the keys of their deposit addresses.
func SimulatedOptions(t testing.TB, database string, networks ...*simnet.Network) app.Options {
	t.Helper()
	o := OptionsAt(database, "")
	o.Networks = nil
	for _, n := range networks {
		o.Networks = append(o.Networks, n.NetworkOptions)
	}
	prices := map[string]money.Rate{}
	for symbol, usd := range simnet.Prices {
		r, err := money.ParseRate(usd)
		if err != nil {
			t.Fatal(err)
		}
		prices[symbol] = r
	}
	o.Sources = []rates.Source{&rates.Static{Rates: prices, Now: time.Now}}
	o.Seed = words(t)
	return o
}

func words(t testing.TB) seed.Seed {
	t.Helper()
	s, err := seed.New(simnet.Words)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FundFees gives the accounts that pay for settlements what they need.
func FundFees(t testing.TB, networks ...*simnet.Network) {
	t.Helper()
	for _, n := range networks {
		if to := app.FeePayer(n.Network, words(t)); to != "" {
			if _, err := n.Pay(t.Context(), to, n.Tokens[1], money.NewUnits(big.NewInt(100e9))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// StartOn starts a deployment on networks, with a merchant that is paid on each of them.
func StartOn(t testing.TB, database string, networks ...*simnet.Network) *App {
	t.Helper()
	FundFees(t, networks...)
	a := &App{App: Run(t, SimulatedOptions(t, database, networks...)), t: t}
	payouts := map[pay.Family]string{}
	for _, n := range networks {
		payouts[n.Name.Family()] = n.Payout
	}
	var err error
	if a.Merchant, err = a.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "Corner Coffee", Environment: pay.Devnet}, maps.Clone(payouts)); err == nil {
		_, a.Key, err = a.Billing.AddKey(t.Context(), a.Merchant.ID, "test", pay.ScopeMerchant, pay.Devnet, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// AllocateOn asks for the address to pay in a token, and returns it with the amount in
// base units.
func (a *App) AllocateOn(payor Headers, token pay.Token) (api.PaymentAddress, money.Units) {
	a.t.Helper()
	v := Ask[api.PaymentAddress](a.t, "POST", a.URL+"/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":%q,"tokenId":%d}`, token.Network, token.ID), payor)
	n, ok := new(big.Int).SetString(strings.ReplaceAll(v.EstimatedTokenAmount, ".", ""), 10)
	if _, decimals, _ := strings.Cut(v.EstimatedTokenAmount, "."); !ok || len(decimals) != token.Decimals {
		a.t.Fatalf("%s of a token with %d decimals", v.EstimatedTokenAmount, token.Decimals)
	}
	return v, money.NewUnits(n)
}
