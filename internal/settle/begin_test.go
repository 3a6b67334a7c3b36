package settle_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// left is a deployment without a relayer, with a paid invoice whose settlement has been in a
// state for an hour; and the same deployment with a relayer.
func left(t *testing.T, database string, status pay.SettlementStatus) (a *testkit.App, with app.Options, p pay.Payment) {
	t.Helper()
	var relayer *ecdsa.PrivateKey
	a, _ = start(t, database, func(mine *app.Options, _ *types.Header) {
		relayer, mine.Networks[0].Relayer = mine.Networks[0].Relayer, nil
		with = *mine
	})
	with.Log, with.Networks = slog.New(slog.DiscardHandler), slices.Clone(with.Networks)
	with.Networks[0].Relayer = relayer
	invoice := paid(t, a)
	testkit.Eventually(t, "nobody settles it", func() bool { return settlement(a, invoice) == "manual" })
	if err := a.Store.Write(t.Context(), func(tx *store.Tx) error {
		ps, err := tx.PaymentsOf(invoice)
		if err != nil {
			return err
		}
		if err := a.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: status, At: tx.Now().Add(-time.Hour)}
		}); err != nil {
			return err
		}
		p, _, err = tx.Payment(ps[0].ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return a, with, p
}

func settlementOf(t *testing.T, a *testkit.App, p pay.Payment) pay.Settlement {
	t.Helper()
	var now pay.Payment
	if err := a.Store.Read(t.Context(), func(tx *store.Tx) (err error) { now, _, err = tx.Payment(p.ID); return err }); err != nil {
		t.Fatal(err)
	}
	return now.Settlement
}

// What failed is tried again after a start with the key, although one without it had nothing
// to do and forgot that there was something.
func TestWhatFailedIsTakenUp(t *testing.T) {
	t.Parallel()
	for _, status := range []pay.SettlementStatus{pay.SettlementFailed, pay.SettlementProcessing} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			a, with, p := left(t, testkit.Postgres(t), status)
			testkit.Run(t, with)
			a.MineSlowly("it is settled", func() bool { return settlement(a, p.InvoiceID) == "settled" })
		})
	}
}

// blind is a mover that learns nothing in all the time it has.
type blind struct {
	asked
	end func()
}

func (b *blind) Prepare(_ context.Context, items []pay.SweepItem) (settle.Prepared, error) {
	b.end()
	return settle.Prepared{Unread: items}, settle.ErrUnread
}

// Of whose address nothing can be learned waits behind all others, and is what it was: it
// rests no longer than before.
func TestUnreadWaitsBehindOthers(t *testing.T) {
	t.Parallel()
	for _, status := range []pay.SettlementStatus{pay.SettlementPending, pay.SettlementFailed} {
		testkit.EachDatabase(t, func(t *testing.T, url string) {
			a, _, p := left(t, url, status)
			was := p.Settlement
			ctx, end := context.WithCancel(t.Context())
			s := &settle.Settler{
				Store: a.Store, Billing: a.Billing, Movers: map[pay.NetworkName]settle.Mover{pay.Devchain.Name: &blind{end: end}}, Log: slog.New(slog.DiscardHandler),
			}
			if _, err := s.Settle(ctx, string(pay.Devchain.Name)); !errors.Is(err, settle.ErrUnread) {
				t.Error(err)
			}
			now := settlementOf(t, a, p)
			if !now.At.After(was.At.Add(time.Minute)) {
				t.Errorf("it waits since %s as before", now.At)
			}
			if status == pay.SettlementFailed && !now.Since.Equal(now.At) {
				t.Errorf("it rests for %s", now.At.Sub(now.Since))
			}
			if now.At, now.Since = was.At, was.Since; now != was {
				t.Errorf("it is %+v, and was %+v", now, was)
			}
		})
	}
}

// overtaken is a mover that is held up in its preparations until another process has begun
// to settle.
type overtaken struct {
	asked
	store *store.Store
	sent  bool
}

func (o *overtaken) Prepare(ctx context.Context, items []pay.SweepItem) (settle.Prepared, error) {
	return settle.Prepared{Nonce: 1, Items: items, Send: pay.RelaySend{TxHash: "0xours"}}, o.store.Write(ctx, func(tx *store.Tx) error {
		return tx.SaveRelay(pay.Relay{ID: "theirs", Network: pay.Devchain.Name, Sweeps: items, Sends: []pay.RelaySend{{TxHash: "0xtheirs"}}, State: pay.RelaySent, At: tx.Now()})
	})
}

func (o *overtaken) Send(context.Context, pay.Relay) { o.sent = true }

// A process that another has overtaken sends nothing and changes nothing.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, _, p := left(t, url, pay.SettlementPending)
		m := &overtaken{store: a.Store}
		s := &settle.Settler{Store: a.Store, Billing: a.Billing, Movers: map[pay.NetworkName]settle.Mover{pay.Devchain.Name: m}, Log: slog.New(slog.DiscardHandler)}
		if _, err := s.Settle(t.Context(), string(pay.Devchain.Name)); err != nil || m.sent {
			t.Errorf("it sent: %v, %v", m.sent, err)
		}
		if now := settlementOf(t, a, p); now != p.Settlement {
			t.Errorf("it is %+v, and was %+v", now, p.Settlement)
		}
		if err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
			l, _, err := tx.RelayUnderWay(pay.Devchain.Name)
			if l.ID != "theirs" {
				t.Errorf("%+v is under way", l)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
