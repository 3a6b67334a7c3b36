package settle_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// A node takes a refund and its answer is lost, for minutes: the outcome is unknown. It is
// looked up, not paid a second time.
func TestRefundWithLostAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", true)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "answers were lost", func() bool { return k.node.times() >= 3 })
		k.node.lose("eth_getTransactionReceipt", "", true)
		k.Mine(4)
		k.clock.Add(time.Hour)
		testkit.Eventually(t, "receipts were lost", func() bool { return k.node.times() >= 1 })
		k.node.lose("", "", false)
		k.clock.Add(10 * time.Minute)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
	})
}

// A refund that never reached a node is sent again, the same bytes; when it has waited
// long, for a better fee under the same nonce. One of the forms lands.
func TestRefundDropped(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "it was lost on its way, again and again", func() bool { return k.node.times() >= 3 })
		if n := len(k.row(order).Sends); n != 1 {
			t.Errorf("%d forms", n)
		}
		for n := 1; n < 4; n++ {
			k.clock.Add(31 * time.Second)
			testkit.Eventually(t, "it is signed for a better fee", func() bool { return len(k.row(order).Sends) > n })
		}
		k.node.lose("", "", false)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
		nonces := map[uint64]bool{}
		for _, s := range k.row(order).Sends {
			nonces[signed(t, s.Raw).Nonce()] = true
		}
		if len(nonces) != 1 {
			t.Errorf("nonces %v", nonces)
		}
	})
}

// Another transaction of the wallet takes a refund's nonce. That is believed only after a
// while; then the refund has failed, and goes on when somebody names a destination.
func TestRefundReplaced(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "it is lost", func() bool { return k.node.times() >= 1 })
		own := &testkit.App{Chain: k.Chain, Wallet: &devchain.Wallet{Client: k.Chain.Client(), Key: k.key}}
		own.Bind(t)
		own.Pay(common.Address{}, k.wallet().Hex(), big.NewInt(1))
		k.Mine(4)
		testkit.Eventually(t, "it is in doubt", func() bool { return !k.row(order).DoubtAt.IsZero() })
		k.node.lose("", "", false)
		k.clock.Add(9 * time.Minute)
		k.looks("eth_getTransactionCount")
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("in doubt it is %s", f.Status)
		}
		k.clock.Add(2 * time.Minute)
		k.becomes(order, "FAILED")
		k.got(to, 0)
		k.name(order, to)
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(2)
	})
}

// A node that has lost a receipt says of a refund that it cannot be mined any more. The
// token knows better: nothing is paid again.
func TestRefundWithoutReceipt(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.node.lose("eth_getTransactionReceipt", `"result":null`, true)
		order, to := k.owe(7 * usd)
		k.becomes(order, "PROCESSING")
		k.MineSlowly("it is in doubt", func() bool { return !k.row(order).DoubtAt.IsZero() })
		k.clock.Add(11 * time.Minute)
		testkit.Eventually(t, "a person is called", func() bool { return k.log.has("its payment is unknown and yet") })
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("it is %s", f.Status)
		}
		k.node.lose("", "", false)
		k.clock.Add(10 * time.Minute)
		k.paid(order)
		if !k.row(order).DoubtAt.IsZero() && k.row(order).State != pay.RelayDone {
			t.Errorf("%+v", k.row(order))
		}
		k.got(to, 7*usd)
		k.spent(1)
	})
}

// A refund is mined and reverted: nothing has moved, it has failed, and it can be sent
// elsewhere.
func TestRefundReverted(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 10, 50*usd)
		payer := crypto.PubkeyToAddress(k.Wallet.Key.PublicKey)
		words := func(selector string, args ...common.Hash) []byte {
			data := common.FromHex(selector)
			for _, a := range args {
				data = append(data, a[:]...)
			}
			return data
		}
		all := common.BigToHash(big.NewInt(10e6))
		own := &devchain.Wallet{Client: k.Chain.Client(), Key: k.key}
		if _, err := own.Call(t.Context(), contracts.TestDollar, words("0x095ea7b3", common.BytesToHash(payer[:]), all)); err != nil {
			t.Fatal(err)
		}
		k.Mine(1)
		from := k.wallet()
		// Estimated ahead: once the refund is on its way the wallet's dollars are gone, in a
		// transaction that pays more and so comes first.
		k.node.lose("eth_sendRawTransaction", "", false)
		order, to := k.owe(7 * usd)
		k.becomes(order, "PROCESSING")
		if _, err := k.Wallet.Call(t.Context(), contracts.TestDollar, words("0x23b872dd", common.BytesToHash(from[:]), common.BytesToHash(payer[:]), all)); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingTransactionCount(t.Context())
			return err == nil && n == 1
		})
		k.Mine(1)
		k.node.lose("", "", false)
		k.MineSlowly("the refund has failed", func() bool { return k.refund(order).Status == "FAILED" })
		if r := k.row(order).Reason; r != "the transaction was reverted" {
			t.Error(r)
		}
		k.fund(10, false)
		other := fresh(t)
		k.name(order, other)
		k.paid(order)
		k.got(to, 0)
		k.got(other, 7*usd)
	})
}

// A reorganisation drops the block of a refund: it is complete only when it is final, in
// another block, and paid once.
func TestRefundReorg(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		k := newCashier(t, url, 100, 50*usd)
		k.Mine(3)
		parent, err := k.Chain.Client().HeaderByNumber(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		order, to := k.owe(7 * usd)
		testkit.Eventually(t, "the node has it", func() bool {
			n, err := k.Chain.Client().PendingNonceAt(t.Context(), k.wallet())
			return err == nil && n == 1
		})
		k.Mine(2)
		k.looks("eth_getTransactionReceipt")
		if err := k.Chain.Fork(parent.Hash()); err != nil {
			t.Fatal(err)
		}
		k.got(to, 0)
		if f := k.refund(order); f.Status != "PROCESSING" {
			t.Errorf("%s", f.Status)
		}
		k.paid(order)
		k.got(to, 7*usd)
		k.spent(1)
	})
}
