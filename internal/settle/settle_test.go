package settle_test

import (
	"encoding/hex"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// ahead is the system's clock, moved.
type ahead struct{ by atomic.Int64 }

func (c *ahead) Now() time.Time      { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *ahead) Add(d time.Duration) { c.by.Add(int64(d)) }

// heard is a log that can be asked.
type heard struct {
	mu sync.Mutex
	b  strings.Builder
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heard) has(s string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(h.b.String(), s)
}

// start runs a deployment on a chain that mines when told. change sees its head.
func start(t *testing.T, database string, change func(*app.Options, *types.Header)) (*testkit.App, *heard) {
	t.Helper()
	c, log := testkit.StartChain(t), &heard{}
	head, err := c.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := testkit.OptionsAt(database, c.URL())
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	change(&o, head)
	a := &testkit.App{App: testkit.Run(t, o), Chain: c, Wallet: &devchain.Wallet{Client: c.Client(), Key: c.Payer()}}
	a.Bind(t)
	a.Merchant, a.Key, a.Commerce = testkit.AddMerchant(t, a.App)
	return a, log
}

// paid opens an invoice of $10 and pays it in dollars.
func paid(t *testing.T, a *testkit.App) (invoice string) {
	t.Helper()
	made, payor := a.Open(`{"amount_usd":10}`)
	a.Pay(contracts.TestDollar, a.Allocate(payor, testkit.Dollar).TempAddress, big.NewInt(10e6))
	a.Mine(3)
	testkit.Eventually(t, "it is paid", func() bool { return a.Status(made.InvoiceID).Invoice.Status == "paid" })
	return made.InvoiceID
}

func settlement(a *testkit.App, invoice string) string {
	return a.Status(invoice).LatestPayment.SettlementStatus
}

// underWay returns the forms of the settlement that is under way, oldest first.
func underWay(t *testing.T, a *testkit.App) (txs []*types.Transaction) {
	t.Helper()
	if err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
		l, _, err := tx.RelayUnderWay(pay.Devchain.Name)
		for _, s := range l.Sends {
			raw, e := hex.DecodeString(s.Raw)
			signed := new(types.Transaction)
			if e == nil {
				e = signed.UnmarshalBinary(raw)
			}
			if e != nil {
				return e
			}
			txs = append(txs, signed)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return txs
}

// A settlement that is not mined in time is sent for ever better fees, up to the
// cap and never above it. Under one nonce: one of them lands, and the merchant is
// paid once.
func TestFeeIsRaised(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock, limit := new(ahead), new(big.Int)
		a, log := start(t, url, func(o *app.Options, head *types.Header) {
			o.Now = clock.Now
			limit.Mul(head.BaseFee, big.NewInt(4)).Add(limit, big.NewInt(1e9))
			o.Networks[0].MaxFee = limit
		})
		client, from := a.Chain.Client(), crypto.PubkeyToAddress(devchain.Relayer().PublicKey)
		nonce, err := client.NonceAt(t.Context(), from, nil)
		if err != nil {
			t.Fatal(err)
		}
		before, err := contracts.BalanceOf(t.Context(), client, contracts.TestDollar, devchain.Merchant())
		if err != nil {
			t.Fatal(err)
		}
		invoice := paid(t, a)
		testkit.Eventually(t, "it is sent", func() bool { return len(underWay(t, a)) == 1 })
		const capped = "its fee is at the cap"
		for sent := 1; !log.has(capped); {
			clock.Add(31 * time.Second)
			testkit.Eventually(t, "it is sent for a better fee, or at the cap", func() bool { return len(underWay(t, a)) > sent || log.has(capped) })
			sent = len(underWay(t, a))
		}
		sends := underWay(t, a)
		if len(sends) < 3 {
			t.Errorf("%d forms", len(sends))
		}
		for n, s := range sends {
			if s.Nonce() != nonce || s.GasFeeCap().Cmp(limit) > 0 || s.GasTipCap().Cmp(s.GasFeeCap()) > 0 || *s.To() != contracts.Factory {
				t.Errorf("form %d: nonce %d, fee %s of at most %s, tip %s, to %s", n, s.Nonce(), s.GasFeeCap(), limit, s.GasTipCap(), s.To())
			}
			if n > 0 && new(big.Int).Mul(s.GasFeeCap(), big.NewInt(8)).Cmp(new(big.Int).Mul(sends[n-1].GasFeeCap(), big.NewInt(9))) < 0 {
				t.Errorf("form %d pays %s after %s: nodes refuse that", n, s.GasFeeCap(), sends[n-1].GasFeeCap())
			}
		}
		a.MineSlowly("it is settled", func() bool { return settlement(a, invoice) == "settled" })
		landed := 0
		for _, s := range sends {
			if _, err := client.TransactionReceipt(t.Context(), s.Hash()); err == nil {
				landed++
			}
		}
		after, err := contracts.BalanceOf(t.Context(), client, contracts.TestDollar, devchain.Merchant())
		if err != nil || landed != 1 || after.Sub(after, before).Cmp(big.NewInt(10e6)) != 0 {
			t.Errorf("%d forms landed, the merchant got %s (%v)", landed, after, err)
		}
		if now, err := client.NonceAt(t.Context(), from, nil); err != nil || now != nonce+1 {
			t.Errorf("the relayer's nonce went from %d to %d (%v)", nonce, now, err)
		}
	})
}

// A relayer without gas says what it needs, everywhere an operator may look, and
// settles once it has it.
func TestOutOfGas(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		from := crypto.PubkeyToAddress(key.PublicKey)
		a, log := start(t, url, func(o *app.Options, _ *types.Header) {
			o.Networks[0].Relayer, o.Operations = key, "127.0.0.1:0"
		})
		says := func(path, text string) bool {
			status, body := testkit.Fetch(t, "GET", a.OpsURL+path, "", nil)
			return status == 200 && strings.Contains(string(body), text)
		}
		gas := func(n string) func() bool {
			return func() bool { return says("/metrics", `pepay_relayer_out_of_gas{network="ethereum"} `+n+"\n") }
		}
		testkit.Eventually(t, "the balance is known", gas("0"))
		invoice := paid(t, a)
		testkit.Eventually(t, "the metric says so", gas("1"))
		if !log.has("too little for gas: "+from.Hex()) || !says("/readyz", `"status":"ready","warnings":{"relayer ethereum":"out of gas: `+from.Hex()) {
			_, body := testkit.Fetch(t, "GET", a.OpsURL+"/readyz", "", nil)
			t.Errorf("readyz %s", body)
		}
		if s := settlement(a, invoice); s != "pending" {
			t.Errorf("settlement %s", s)
		}
		if !says("/metrics", `pepay_relayer_balance_coins{network="ethereum"} 0`+"\n") {
			t.Error("the balance is not told")
		}
		a.Pay(common.Address{}, from.Hex(), big.NewInt(1e18))
		a.MineSlowly("it is settled", func() bool { return settlement(a, invoice) == "settled" })
		if !gas("0")() || says("/readyz", "out of gas") {
			t.Error("the shortage has no end")
		}
	})
}
