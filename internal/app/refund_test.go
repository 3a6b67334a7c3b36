package app_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// An order is paid on one network and cannot be bought: the whole amount comes back on
// BSC, once, and every way to hear of it says the same.
func TestRefundOnBSC(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		key, to := newKey(t), crypto.PubkeyToAddress(newKey(t).PublicKey)
		bsc := testkit.StartChain(t)
		funder := &testkit.App{Chain: bsc, Wallet: &devchain.Wallet{Client: bsc.Client(), Key: bsc.Payer()}}
		funder.Bind(t)
		funder.Pay(common.Address{}, crypto.PubkeyToAddress(key.PublicKey).Hex(), big.NewInt(1e18))
		funder.Pay(contracts.TestDollar, crypto.PubkeyToAddress(key.PublicKey).Hex(), dollars(100))
		funder.Mine(1)
		a := testkit.StartApp(t, url, func(o *app.Options) {
			o.Networks = append(o.Networks, testkit.BSC(bsc.URL(), key, 5000*money.Cent))
		})
		f := follow(t, a)
		bought := f.Buy(testkit.SoldOut, `"refundDestinationWalletAddressBsc":"`+to.Hex()+`"`)
		address := a.Allocate(testkit.Headers{"x-session-token", bought.Session, "x-signature", bought.Signature}, testkit.Dollar)
		a.Pay(contracts.TestDollar, address.TempAddress, units(t, address.EstimatedTokenAmount))
		a.MineSlowly("its refund is on the way", func() bool { return f.See(bought.OrderID).RefundStatus == "PROCESSING" })
		funder.MineSlowly("its refund is paid", func() bool { return f.See(bought.OrderID).RefundStatus == "COMPLETED" })
		for {
			e := f.socket.Until(func(e api.Event) bool { return said(t, e).Status == "failed" })
			if o := said(t, e); o.RefundStatus == "COMPLETED" {
				if *o.Refund.AmountUSD != "19.00" || *o.Refund.Destination != to.Hex() {
					t.Errorf("%+v", o.Refund)
				}
				break
			}
		}
		funder.Mine(5)
		n, err := contracts.BalanceOf(t.Context(), bsc.Client(), contracts.TestDollar, to)
		if err != nil || n.Cmp(dollars(19)) != 0 {
			t.Errorf("%s came back, want $19.00 (%v)", n, err)
		}
	})
}

// refundScene is a database with a refund that is due, a wallet that can pay it, and no
// process that has seen it.
type refundScene struct {
	node  crashNode
	order string
	to    common.Address
}

// with opens the scene's database, as the command line does.
func (s *refundScene) with(t *testing.T, f func(*commerce.Commerce) error) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{URL: s.node.Database, Now: ahead, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	err = f(&commerce.Commerce{Store: st, Billing: &billing.Billing{Store: st, Wallets: app.Wallets(), Registry: &pay.Registry{}}})
	if e := st.Close(); err != nil || e != nil {
		t.Fatal(err, e)
	}
}

func newRefundScene(t *testing.T, database string, c *devchain.Chain, w *devchain.Wallet) *refundScene {
	key := newKey(t)
	for token, units := range map[common.Address]*big.Int{{}: big.NewInt(1e18), contracts.TestDollar: dollars(100)} {
		if _, err := w.Pay(t.Context(), token, crypto.PubkeyToAddress(key.PublicKey), units); err != nil {
			t.Fatal(err)
		}
	}
	digits := hex.EncodeToString(crypto.FromECDSA(key))
	s := &refundScene{node: crashNode{Database: database, RPC: c.URL(), Relayer: digits, Wallet: digits}, to: crypto.PubkeyToAddress(newKey(t).PublicKey)}
	s.with(t, func(c *commerce.Commerce) error {
		m, err := c.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "M", Environment: pay.Devnet}, map[pay.Family]string{pay.EVM: s.to.Hex()})
		if err != nil {
			return err
		}
		c.RefundWallets = map[pay.Environment]string{pay.Devnet: "there is one"}
		s.order = testkit.Owed(t, c.Store, m.ID, pay.Devnet, 1050*money.Cent, 50*money.Cent)
		to := s.to.Hex()
		_, err = c.SetRefundDestination(t.Context(), billing.Caller{Merchant: m, Environment: pay.Devnet}, s.order, api.RefundDestinationRequest{RefundDestination: &to}, billing.Once{})
		return err
	})
	return s
}

// paid runs a node until the refund is final.
func (s *refundScene) paid(t *testing.T) (visited []string) {
	cmd, in, lines := s.node.start(t, "")
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
			visited = append(visited, lines.Text())
		}
	}()
	st, err := store.Open(context.Background(), store.Options{URL: s.node.Database, Now: ahead, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the refund is final", func() bool {
		var o pay.Order
		err := st.Look(t.Context(), func(tx *store.Tx) (err error) { o, err = tx.Order(s.order); return err })
		return err == nil && o.Refund.Status == pay.RefundCompleted
	})
	_, _ = in.Close(), cmd.Wait()
	<-read
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	return visited
}

func (s *refundScene) check(t *testing.T, c *devchain.Chain) {
	t.Helper()
	n, err := contracts.BalanceOf(t.Context(), c.Client(), contracts.TestDollar, s.to)
	if err != nil || n.Cmp(dollars(10)) != 0 {
		t.Errorf("%s came back, want $10.00 (%v)", n, err)
	}
	nonce, err := c.Client().NonceAt(t.Context(), crypto.PubkeyToAddress(privateKey(s.node.Wallet).PublicKey), nil)
	if err != nil || nonce != 1 {
		t.Errorf("the wallet sent %d transactions (%v)", nonce, err)
	}
}

// However the process dies while it pays a refund, and wherever, a restart ends with the
// refund paid once: on both engines, at every place between two commits of it, and before
// and after every request to a node.
func TestCrashInRefund(t *testing.T) {
	t.Parallel()
	c := testkit.StartChain(t)
	mine := testkit.MineWhile(c, 50*time.Millisecond)
	w := &devchain.Wallet{Client: c.Client(), Key: c.Payer()}
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		defer mine()()
		s := newRefundScene(t, url, c, w)
		visited := slices.DeleteFunc(s.paid(t), func(place string) bool {
			return !strings.Contains(place, "settle.") && !strings.Contains(place, "appendEvents") &&
				!strings.HasPrefix(place, "before eth_") && !strings.HasPrefix(place, "after eth_")
		})
		s.check(t, c)
		slices.Sort(visited)
		if len(visited) < 10 || !slices.Contains(visited, "after eth_sendRawTransaction#1") {
			t.Fatalf("only %d places to die at: %q", len(visited), visited)
		}
		t.Logf("%d places to die at", len(visited))
		for n, place := range shared(visited, url) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				defer mine()()
				t.Log(place)
				database := filepath.Join(t.TempDir(), "test.db")
				if strings.HasPrefix(url, "postgres") {
					database = testkit.Postgres(t)
				}
				s := newRefundScene(t, database, c, w)
				s.node.dieAt(t, place)
				s.paid(t)
				s.check(t, c)
			})
		}
	})
}
