package billing_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/store"
)

// What a balance showed on one network is no transfer on another: an address that is the
// same on both may be paid on both.
func TestSurplusAndStray(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		bsc := pay.Network{Name: "bsc", Environment: pay.Devnet, ChainID: 97, Confirmations: 3, BlockTime: pay.Devchain.BlockTime}
		x.Registry.Networks = append(x.Registry.Networks, bsc)
		x.Registry.Tokens = append(x.Registry.Tokens, pay.Token{ID: 900, Network: "bsc", Environment: pay.Devnet, Symbol: "BNB", Type: pay.Native, Decimals: 18, Price: "ETH"})
		x.chain.Mine(fake.Content{Hidden: map[string]money.Units{x.address[11]: ether(1e18)}})
		x.watch()
		x.clock.Add(10 * time.Second)
		x.mine(4)
		x.paid(1, 995)
		book, at := &billing.Book{Billing: x.Billing, Network: bsc}, pay.Block{Height: 2, Hash: "0xb2", Time: x.clock.Now()}
		if err := book.Start(t.Context(), pay.Block{Height: 1, Hash: "0xb1", Time: x.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if err := book.See(t.Context(), chain.Found{Last: at, Blocks: 1, Deposits: []pay.Deposit{{
			Network: "bsc", TxHash: "0xstray", Index: pay.IndexValue, Block: at, Address: x.address[11], Units: ether(5e18), From: "payer",
		}}}); err != nil {
			t.Fatal(err)
		}
		if got := x.payments(); !strings.Contains(got, "0xstray seen") {
			t.Errorf("it is not recorded: %s", got)
		}
	})
}

func ether(wei int64) money.Units { return money.NewUnits(big.NewInt(wei)) }

// Strangers can send any number of next to nothing. What an invoice has very many of is no
// more recorded, unless it is worth something, or nobody can say what; and what is left of
// native coin is known by the balance once it is worth something.
func TestDust(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		var log bytes.Buffer
		x.Log = slog.New(slog.NewTextHandler(&log, nil))
		send := func(from, to int, token string, units int64) {
			var ds []pay.Deposit
			for n := from; n < to; n++ {
				d := pay.Deposit{TxHash: fmt.Sprint("0x", n), Index: 3, Address: x.address[10], Token: token, Units: ether(units), From: "payer"}
				if token == "" {
					d.Index, d.Address = pay.IndexValue, x.address[11]
				}
				ds = append(ds, d)
			}
			x.chain.Mine(fake.Content{Deposits: ds})
			x.watch()
		}
		recorded := func(what string, want int) {
			t.Helper()
			if n := strings.Count(x.payments(), ",") + 1; n != want {
				t.Errorf("%s: %d payments are recorded, not %d", what, n, want)
			}
		}
		send(0, 300, dollarAddress, 9_999)
		recorded("some", 300)
		send(300, 700, dollarAddress, 9_999) // less than a cent
		send(700, 710, dollarAddress, 1)
		recorded("many", 500)
		if n := strings.Count(log.String(), "very many payments"); n != 1 {
			t.Errorf("told %d times: %s", n, &log)
		}
		send(710, 712, dollarAddress, 10_000)
		send(712, 713, dollarAddress, 5_000_000)
		recorded("what is worth something", 503)
		x.watcher.Probes = 0
		send(713, 715, "", 6e15) // 0.6 cents each
		recorded("native dust", 503)
		x.watcher.Probes = 8
		x.clock.Add(time.Minute)
		x.mine(1)
		recorded("what the balance shows", 504)
		x.clock.Add(2 * time.Hour) // no price is that old
		x.chain.Mine(fake.Content{Deposits: []pay.Deposit{{TxHash: "0xother", Index: pay.IndexValue, Address: x.address[10], Units: ether(1), From: "payer"}}})
		x.watch()
		recorded("what has no price", 505)
		x.mine(4)
		x.paid(504, 10_030) // 500 of 9,999 units, two of a cent, five dollars, and 0.012 coins
	})
}

// What can be priced is, beside what cannot; for that it is tried again, and not at once.
func TestPricesThatAreMissing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		x.clock.Add(2 * time.Hour) // no price is that old
		x.ether("0xa")
		x.chain.Mine(fake.Content{Deposits: []pay.Deposit{{TxHash: "0xb", Index: 3, Address: x.address[11], Token: dollarAddress, Units: ether(2_000_000), From: "payer"}}})
		x.mine(4)
		one, _ := money.ParseRate("1")
		x.Rates = &rates.Board{
			Sources: []rates.Source{&rates.Static{Rates: map[string]money.Rate{"USDC": one}, Now: x.clock.Now}},
			Symbols: []string{"USDC", "ETH"}, MaxAge: time.Hour, Now: x.clock.Now, Log: x.Log,
		}
		x.Rates.Refresh(t.Context())
		id, due := x.session.Invoice.ID, x.clock.Now().Add(4*time.Minute)
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := x.Store.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		var js []store.Job
		write(func(tx *store.Tx) (err error) {
			js, err = tx.ClaimJobs(9, time.Minute, billing.JobExpire, billing.JobSettle)
			return err
		})
		if len(js) != 1 || js[0].Kind != billing.JobPrice || js[0].Arg != id {
			t.Fatalf("promised: %+v", js)
		}
		if err := x.Price(t.Context(), id); err == nil {
			t.Error("all is priced")
		}
		write(func(tx *store.Tx) error {
			ps, err := tx.PaymentsOf(id)
			if err != nil || len(ps) != 2 || ps[0].Priced() || ps[1].Amount != 2_000 {
				t.Errorf("%+v %v", ps, err)
			}
			return tx.RetryJob(js[0], due)
		})
		write(func(tx *store.Tx) error {
			at, ok, err := tx.NextJob(billing.JobExpire, billing.JobSettle)
			if !ok || !at.Equal(due) {
				t.Errorf("it is tried again at %v, not %v: %v", at, due, err)
			}
			return err
		})
	})
}

// An invoice with a payment on its way does not expire, and is looked at more rarely the
// longer that takes.
func TestExpiryWaitsLonger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, x *till, _ *dying) {
		x.pays("0xa", 10, 10_000_000)
		x.watch()
		i := x.session.Invoice
		for _, c := range []struct{ late, wait time.Duration }{
			{0, time.Second}, {5 * time.Second, time.Second}, {100 * time.Second, 10 * time.Second}, {time.Hour, time.Minute},
		} {
			x.clock.Add(i.ExpiresAt.Add(c.late).Sub(x.clock.Now()))
			again, err := x.Expire(t.Context(), i.ID)
			if wait := again.Sub(x.clock.Now()); err != nil || wait != c.wait {
				t.Errorf("%s after its expiry: again in %s, not %s: %v", c.late, wait, c.wait, err)
			}
		}
		x.mine(4)
		if again, err := x.Expire(t.Context(), i.ID); err != nil || !again.IsZero() {
			t.Errorf("paid: %s %v", again, err)
		}
	})
}
