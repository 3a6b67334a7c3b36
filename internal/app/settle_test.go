package app_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// payOnce opens an invoice of $10 and pays it in dollars.
func payOnce(t *testing.T, a *testkit.App) (invoice, address string) {
	t.Helper()
	made, payor := a.Open(`{"amount_usd":10}`)
	address = a.Allocate(payor, testkit.Dollar).TempAddress
	a.Pay(contracts.TestDollar, address, dollars(10))
	a.Mine(3)
	latest(t, a, made.InvoiceID, "it is confirmed", func(p api.Payment) bool { return p.Status == "confirmed" })
	return made.InvoiceID, address
}

func settled(t *testing.T, a *testkit.App, invoice string) {
	t.Helper()
	a.MineSlowly("it is settled", func() bool { return a.Status(invoice).LatestPayment.SettlementStatus == "settled" })
}

// A relayer without gas says so, loses nothing, and settles once it has some.
func TestRelayerOutOfGas(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	relayer := newKey(t)
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Networks[0].Relayer, o.Log = relayer, slog.New(slog.NewTextHandler(log, nil))
	})
	invoice, _ := payOnce(t, a)
	from := crypto.PubkeyToAddress(relayer.PublicKey)
	testkit.Eventually(t, "the log says what is missing", func() bool {
		return strings.Contains(log.String(), "too little for gas: "+from.Hex())
	})
	if s := a.Status(invoice).LatestPayment.SettlementStatus; s != "pending" {
		t.Errorf("settlement %s", s)
	}
	a.Pay(common.Address{}, from.Hex(), big.NewInt(1e18))
	settled(t, a, invoice)
}

// A node takes the settlement and its answer is lost: the outcome is unknown. It is
// looked up, not sent a second time, and the merchant is paid once.
func TestSettlementWithLostAnswers(t *testing.T) {
	t.Parallel()
	lossy := &lossyNode{}
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Networks[0].HTTP = lossy })
	before := balance(t, a, contracts.TestDollar, devchain.Merchant())
	invoice, address := payOnce(t, a)
	settled(t, a, invoice)
	if got := new(big.Int).Sub(balance(t, a, contracts.TestDollar, devchain.Merchant()), before); got.Cmp(dollars(10)) != 0 {
		t.Errorf("the merchant got %s", got)
	}
	nonce, err := a.Chain.Client().NonceAt(t.Context(), crypto.PubkeyToAddress(devchain.Relayer().PublicKey), nil)
	lossy.mu.Lock() // its node may still be asked
	lost := lossy.lost
	lossy.mu.Unlock()
	if err != nil || nonce != 1 || lost == 0 {
		t.Errorf("the relayer sent %d transactions, %d answers were lost (%v)", nonce, lost, err)
	}
	// What comes later to the same address is found and settled all the same.
	a.Pay(contracts.TestDollar, address, dollars(3))
	a.Mine(3)
	latest(t, a, invoice, "the second is seen", func(p api.Payment) bool { return p.Amount == 3000 && p.Status == "confirmed" })
	settled(t, a, invoice)
}

// Anybody may sweep: when somebody else did, the payment is settled all the same.
func TestSweptByAnother(t *testing.T) {
	t.Parallel()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Networks[0].Relayer = nil })
	made, payor := a.Open(`{"amount_usd":10}`)
	to := a.Allocate(payor, testkit.Dollar).TempAddress
	a.Pay(contracts.TestDollar, to, dollars(10))
	a.Mine(3)
	latest(t, a, made.InvoiceID, "it is left to others", func(p api.Payment) bool { return p.SettlementStatus == "manual" })
	ad := addressOf(t, a, made.InvoiceID)
	if _, err := a.Wallet.Call(t.Context(), contracts.Factory, contracts.PackSweep([]contracts.Item{{
		Receiver: common.HexToAddress(ad.Receiver), Salt: common.HexToHash(ad.Salt), Token: contracts.TestDollar,
	}})); err != nil {
		t.Fatal(err)
	}
	settled(t, a, made.InvoiceID)
}

// lossyNode loses the answer to every settlement it passes on, and the first few
// to receipts.
type lossyNode struct {
	mu   sync.Mutex
	lost int
}

func (l *lossyNode) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := http.DefaultTransport.RoundTrip(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && (bytes.Contains(body, []byte("eth_sendRawTransaction")) || bytes.Contains(body, []byte("eth_getTransactionReceipt")) && l.lost < 4) {
		l.lost++
		_ = resp.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return resp, err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func addressOf(t *testing.T, a *testkit.App, invoice string) (ad pay.Address) {
	t.Helper()
	if err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
		as, err := tx.AddressesOf(invoice)
		if err == nil {
			ad = as[0]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return ad
}
