package bench_test

import (
	"context"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// ahead is a clock by which the blocks of a chain that mines fast, and stamps them a
// second apart, are not of the future.
func ahead() time.Time { return time.Now().Add(24 * time.Hour) }

func BenchmarkWatcher(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		const blocks, paid = 3_000, 300
		ctx := context.Background()
		c := testkit.StartChain(b)
		wallet := &devchain.Wallet{Client: c.Client(), Key: c.Payer()}
		send := func(to billing.Allocation) {
			if _, err := wallet.Pay(ctx, contracts.TestDollar, common.HexToAddress(to.Address.Address), to.Quote.Units.Big()); err != nil {
				b.Fatal(err)
			}
		}
		o := testkit.OptionsAt(url, c.URL())
		o.Now = ahead
		o.Sources[0].(*rates.Static).Now = ahead
		still(&o)
		as := before(b, o, c, paid)
		for n := range blocks {
			if n%(blocks/paid) == 0 {
				send(as[n/(blocks/paid)])
			}
			c.Mine()
		}
		o.Networks[0].Poll, o.Networks[0].BlockTime = 0, time.Second
		start := time.Now()
		a := testkit.Run(b, o)
		reached := func() time.Duration {
			head, err := c.Client().BlockNumber(ctx)
			if err != nil {
				b.Fatal(err)
			}
			book := &billing.Book{Billing: a.Billing, Network: o.Networks[0].Network}
			for {
				if at, _, err := book.Position(ctx); err != nil || at.Height >= head {
					return time.Since(start)
				}
				time.Sleep(time.Millisecond)
			}
		}
		rate := perSecond(blocks, reached())
		line{what: "blocks back-filled, one in ten with a deposit", engine: engine, figure: rate, unit: "/s", versus: "bare block reads/s, one at a time", than: bareRead(b, c)}.print()
		var lag durations
		for n := range 10 {
			time.Sleep(time.Second + time.Duration(n)*45*time.Millisecond) // so that the poll is met at different moments
			c.Mine()
			start = time.Now()
			lag = append(lag, reached())
		}
		lag.sorted()
		line{what: "lag behind a one-second chain, p50", engine: engine, figure: lag.ms(50), unit: "ms", versus: "ms between polls", than: 500}.print()
		line{what: "lag behind a one-second chain, worst of 10", engine: engine, figure: lag.ms(99), unit: "ms", versus: "ms between polls", than: 500}.print()
	})
}

// before runs a deployment that gives out addresses and goes down.
func before(b *testing.B, o app.Options, c *devchain.Chain, n int) []billing.Allocation {
	b.Helper()
	a, err := app.Start(context.Background(), o)
	if err != nil {
		b.Fatal(err)
	}
	first := &testkit.App{App: a, Chain: c}
	first.Merchant, first.Key, first.Commerce = testkit.AddMerchant(b, a)
	newLedger(b, first)
	as := allocate(b, first, open(b, first, n))
	if err := a.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
	return as
}

// bareRead is how many blocks a plain client reads in a second.
func bareRead(b *testing.B, c *devchain.Chain) float64 {
	b.Helper()
	e, err := ethclient.Dial(c.URL())
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	const n = 1_000
	took, _ := at(b, 1, n, func(_, i int) error {
		if _, err := e.BlockByNumber(context.Background(), big.NewInt(int64(i+1))); err != nil {
			return fmt.Errorf("block %d: %w", i+1, err)
		}
		return nil
	})
	return perSecond(n, took)
}
