package app_test

import (
	"bytes"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// kept is a log that can be read while it is written.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.Write(p)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

// What leaves a deposit address for another than its merchant, as only a stolen key can
// make it, settles nothing and is told.
func TestSweepToAStranger(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		log := &kept{}
		a := testkit.StartApp(t, url, func(o *app.Options) {
			o.Networks[0].Poll, o.Networks[0].Relayer, o.Log = time.Hour, nil, slog.New(slog.NewTextHandler(log, nil))
		})
		_, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Ether).TempAddress
		book := &billing.Book{Billing: a.Billing, Network: a.Networks[0].Network}
		first := rests(t, a, book)
		units, at := money.NewUnits(big.NewInt(4e15)), pay.Block{Height: first.Height + 1, Hash: "one", Time: time.Now().Truncate(time.Second)}
		if err := book.See(t.Context(), chain.Found{
			Last: at, Blocks: 1,
			Deposits: []pay.Deposit{{Network: book.Network.Name, TxHash: "0x01", Index: pay.IndexValue, Block: at, Address: to, Units: units}},
			Sweeps:   []pay.Sweep{{Network: book.Network.Name, TxHash: "0x02", Block: at, Address: to, Units: units, To: "0x00000000000000000000000000000000000bad00"}},
		}); err != nil {
			t.Fatal(err)
		}
		if err := book.Finalize(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
			ps, err := tx.PaymentsAt(book.Network.Name, to, "")
			if err == nil && (len(ps) != 1 || ps[0].Sight != pay.Final || ps[0].Settlement.Status == pay.SettlementSettled) {
				t.Errorf("%+v", ps)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "went elsewhere than to its merchant") {
			t.Errorf("nobody was told: %s", log)
		}
	})
}
