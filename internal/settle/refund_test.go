package settle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// A refund waits for a destination, is sent once it has one, and is complete when it is
// final: what arrives is exactly what is due, once.
func TestRefund(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		order := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 13_990, 0)
		to := fresh(t)
		k.name(order, to)
		sent := k.becomes(order, "PROCESSING")
		if sent.TxHash == nil || *sent.AmountUSD != "13.99" {
			t.Fatalf("%+v", sent)
		}
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingNonceAt(t.Context(), k.wallet())
			return err == nil && n == 1
		})
		k.Mine(2)
		k.got(to, 13_990)
		k.looks("eth_getTransactionReceipt")
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("with one confirmation of three it is %s", f.Status)
		}
		done := k.paid(order)
		if *done.TxHash != *sent.TxHash {
			t.Errorf("%s was sent, %s is final", *sent.TxHash, *done.TxHash)
		}
		if got, want := fmt.Sprint(k.told(order)), fmt.Sprintf("[PENDING PROCESSING %[1]s COMPLETED %[1]s]", *sent.TxHash); got != want {
			t.Errorf("events: %s, want %s", got, want)
		}
		k.Mine(5)
		k.got(to, 13_990)
		k.spent(1)
		k.warns("")
		testkit.Eventually(t, "the numbers are told", func() bool {
			_, b := testkit.Fetch(t, "GET", k.OpsURL+"/metrics", "", nil)
			series := string(b)
			return strings.Contains(series, `pepay_refund_wallet_dollars{network="bsc"} 86.01`+"\n") && strings.Contains(series, `pepay_refund_wallet_coins{network="bsc"} 0.99`) &&
				strings.Contains(series, `pepay_refund_transactions_total{network="bsc",outcome="done"} 1`+"\n")
		})
	})
}

// The limit of a day holds, whatever is owed: what is beyond it waits, and goes on the next
// day. What is above the whole limit keeps nothing else.
func TestRefundLimit(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 1000, 20*usd)
		huge, never := k.owe(20*usd + money.Cent)
		k.warns("limit")
		first, to := k.owe(15 * usd)
		k.paid(first)
		k.got(to, 15*usd)
		second, later := k.owe(5*usd + money.Cent)
		k.warns("limit")
		fits, _ := k.owe(4 * usd) // in turn: one that is small does not overtake
		k.clock.Add(23 * time.Hour)
		testkit.Eventually(t, "it is looked at again", func() bool { return k.log.has("refunds wait") })
		k.Mine(3)
		if a, b := k.refund(second).Status, k.refund(fits).Status; a != "PENDING" || b != "PENDING" {
			t.Errorf("within the day: %s, %s", a, b)
		}
		k.got(later, 0)
		k.clock.Add(time.Hour + time.Minute)
		k.paid(second)
		k.paid(fits)
		k.got(later, 5*usd+money.Cent)
		k.got(never, 0)
		if s := k.refund(huge).Status; s != "PENDING" {
			t.Errorf("above the limit: %s", s)
		}
		k.spent(3)
	})
}

// A wallet without dollars, or without gas, says so, and pays once it has them.
func TestRefundWalletEmpty(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		order, to := k.owe(12 * usd)
		k.warns("dollars")
		k.fund(11, false)
		k.clock.Add(2 * time.Minute)
		testkit.Eventually(t, "it is not enough", func() bool {
			_, b := testkit.Fetch(t, "GET", k.OpsURL+"/readyz", "", nil)
			return strings.Contains(string(b), "has 11.000000 DUSDC and needs $12.00")
		})
		k.fund(1, false)
		k.clock.Add(2 * time.Minute)
		k.warns("gas")
		if f := k.refund(order); f.Status != "PENDING" {
			t.Errorf("without gas it is %s", f.Status)
		}
		k.fund(0, true)
		k.clock.Add(2 * time.Minute)
		k.becomes(order, "PROCESSING")
		k.warns("")
		k.paid(order)
		k.got(to, 12*usd)
		k.got(k.wallet(), 0)
	})
}

// What the token does not let through rests, and keeps no other refund.
func TestRefundRefused(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		blocked := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 3*usd, 0)
		to := fresh(t)
		k.node.lose("eth_estimateGas "+to.Hex()[2:], `"error":{"code":3,"message":"execution reverted: blocked"}`, true)
		k.name(blocked, to)
		testkit.Eventually(t, "it is refused", func() bool { return k.row(blocked).Reason != "" })
		k.warns("refused")
		good, there := k.owe(4 * usd)
		k.paid(good)
		k.got(there, 4*usd)
		if f := k.refund(blocked); f.Status != "PENDING" {
			t.Errorf("%s", f.Status)
		}
		k.node.lose("", "", false)
		k.clock.Add(11 * time.Minute)
		k.paid(blocked)
		k.got(to, 3*usd)
	})
}

// Many refunds, two processes on one database, and others that do not care whose turn it
// is, as one does whose lease has run out while it stood still: each is paid once, and no
// more than the limit.
func TestRefundsByTwoProcesses(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	k := newCashier(t, url, 100, 20*usd)
	testkit.Run(t, k.options(url, 20*usd))
	for range 3 {
		stray := k.payer(20 * usd)
		end, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for {
				_, _ = stray.Pay(context.Background(), "bsc")
				select {
				case <-end:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		t.Cleanup(func() { close(end); <-ended })
	}
	orders, to := map[string]common.Address{}, fresh(t)
	for range 8 {
		order := testkit.Owed(t, k.Store, k.Merchant.ID, pay.Devnet, 3*usd, 0)
		k.name(order, to)
		orders[order] = to
	}
	done := func() (n money.USD) {
		for order := range orders {
			if k.refund(order).Status == "COMPLETED" {
				n++
			}
		}
		return n
	}
	k.MineSlowly("what the limit allows is paid", func() bool { return done() == 6 })
	k.Mine(3)
	k.got(to, 18*usd)
	k.clock.Add(25 * time.Hour)
	k.MineSlowly("the rest is paid", func() bool { return done() == 8 })
	k.got(to, 24*usd)
	k.spent(8)
}

// What the simulator has taken over is not paid.
func TestRefundOfASimulatedOrder(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		order, to := k.owe(5 * usd)
		k.warns("dollars")
		shopper := k.Shopper("cust_1")
		shopper.T = t
		if o := shopper.Simulate(order, "refunded", ""); o.Refund.Status != "COMPLETED" {
			t.Fatalf("%+v", o.Refund)
		}
		k.fund(100, true)
		k.clock.Add(2 * time.Minute)
		testkit.Eventually(t, "the wallet leaves it", func() bool { return k.row(order).State == pay.RelayFailed })
		k.got(to, 0)
		k.spent(0)
	})
}

// What was paid by hand is not paid again; what the wallet is paying is not by hand.
func TestRefundPaidByHand(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 0, 50*usd)
		by := func(order string) pay.Code {
			return pay.CodeOf(k.App.App.Commerce.PaidByHand(t.Context(), order, "0x"+strings.Repeat("7c", 32)))
		}
		order, to := k.owe(5 * usd)
		k.warns("dollars")
		if c := by(order); c != "" {
			t.Error(c)
		}
		if f := k.refund(order); f.Status != "COMPLETED" || *f.TxHash != "0x"+strings.Repeat("7c", 32) {
			t.Errorf("%+v", f)
		}
		k.fund(100, true)
		k.clock.Add(2 * time.Minute)
		second, there := k.owe(6 * usd)
		k.becomes(second, "PROCESSING")
		if c := by(second); c != pay.CodeTransition {
			t.Errorf("under way: %q", c)
		}
		k.paid(second)
		k.got(there, 6*usd)
		k.got(to, 0)
		k.spent(1)
	})
}
