// Package settle moves final deposits to the merchants, and pays refunds. It and the
// packages below it are the only ones that sign transactions.
package settle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/trace"
)

// maxTodo bounds the payments looked at for one transaction.
const maxTodo = 50

// How long settlements rest before they are tried again by themselves: the failed, since each
// try may cost gas that the merchant's own contract can waste, and those that are under way
// without a transaction.
var (
	restFailed = store.Rest{Least: 10 * time.Minute, Most: 6 * time.Hour}
	restStuck  = store.Rest{Least: 5 * time.Minute, Most: 5 * time.Minute}
)

// Settler settles. Its jobs are one for each network, so that a network has one
// transaction under way at a time and its nonces no gaps.
type Settler struct {
	Store   *store.Store
	Billing *billing.Billing
	Movers  map[pay.NetworkName]Mover
	Meter   *meter.Meter // may be nil
	Log     *slog.Logger
}

// Settle takes the settlements of a network one step further and says when to look
// again; the zero time when nothing is left to do. A relayer without gas, a node
// that does not answer: nothing is lost, it is tried again.
func (s *Settler) Settle(ctx context.Context, network string) (again time.Time, err error) {
	trace.OnNetwork(ctx, network)
	n := pay.NetworkName(network)
	m, ok := s.Movers[n]
	on, served := s.Billing.Registry.Network(n)
	if !ok || !served {
		return s.giveUp(ctx, n)
	}
	var under pay.Relay
	var busy bool
	var todo []pay.Payment
	var rest bool
	var now time.Time
	if err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		if under, busy, err = tx.RelayUnderWay(n); err != nil || busy {
			return err
		}
		todo, rest, err = waiting(tx, n)
		return err
	}); err != nil {
		return again, err
	}
	switch {
	case busy:
		return now.Add(on.BlockTime), s.reconcile(ctx, m, under)
	case len(todo) == 0 && rest:
		return now.Add(time.Minute), nil
	case len(todo) == 0:
		return again, nil
	}
	if err := s.begin(ctx, on, m, todo); err != nil {
		return again, err
	}
	return now.Add(on.BlockTime), nil
}

// waiting returns the payments to settle now: the pending, the failed that have
// rested, and those left behind by a transaction that is no more. rest reports
// whether there are others that will be ready later.
func waiting(tx *store.Tx, n pay.NetworkName) (todo []pay.Payment, rest bool, err error) {
	for _, w := range []struct {
		status pay.SettlementStatus
		rest   store.Rest
	}{{pay.SettlementPending, store.Rest{}}, {pay.SettlementFailed, restFailed}, {pay.SettlementProcessing, restStuck}} {
		ps, err := tx.UnsettledPayments(n, w.status, w.rest, maxTodo-len(todo))
		if err != nil {
			return nil, false, err
		}
		some, err := tx.Unsettled(n, w.status)
		if err != nil {
			return nil, false, err
		}
		todo, rest = append(todo, ps...), rest || some
	}
	return todo, rest, nil
}

// begin writes down a transaction that settles the payments, and only then sends it.
func (s *Settler) begin(ctx context.Context, n pay.Network, m Mover, ps []pay.Payment) error {
	ps, items, err := s.items(ctx, n, ps)
	if err != nil || len(items) == 0 {
		return err
	}
	p, err := s.prepare(ctx, n, m, items)
	if e := s.postpone(ctx, within(ps, p.Unread)); e != nil {
		return errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("prepare settlement of %d payments on %s: %w", len(ps), n.Name, err)
	}
	if err := s.leave(ctx, ps, p.Left); err != nil || len(p.Items) == 0 {
		return err
	}
	ps = within(ps, p.Items)
	l := pay.Relay{Network: n.Name, Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}, State: pay.RelaySent}
	if err := s.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Next("relays " + string(n.Name)); err != nil { // one after the other, on every engine
			return err
		}
		if _, busy, err := tx.RelayUnderWay(n.Name); err != nil || busy {
			return cmp.Or(err, errMeanwhile)
		}
		l.ID, l.At = tx.NewID(), tx.Now()
		l.Sends[0].At = tx.Now()
		if err := tx.SaveRelay(l); err != nil {
			return err
		}
		return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: pay.SettlementProcessing, TxHash: l.Sends[0].TxHash, At: tx.Now()}
		})
	}); errors.Is(err, errMeanwhile) {
		return nil // this process was held up for so long that another took over
	} else if err != nil {
		return err
	}
	s.Meter.Relay(string(l.Network), "sent")
	m.Send(ctx, l)
	s.Log.InfoContext(ctx, "settling", "network", l.Network, "payments", len(ps), "tx", l.Sends[0].TxHash)
	return nil
}

// prepare asks for a transaction that empties some of the items: on most networks to one
// receiver, as the chain shows who sent and who got, and not which of several got what. When
// nothing is known of those of one, the next one's turn comes.
func (s *Settler) prepare(ctx context.Context, n pay.Network, m Mover, items []pay.SweepItem) (p Prepared, err error) {
	if n.Name.Family() == pay.EVM {
		return m.Prepare(ctx, items)
	}
	var unread []pay.SweepItem
	for len(items) > 0 {
		var turn, rest []pay.SweepItem
		for _, i := range items {
			if i.Receiver == items[0].Receiver {
				turn = append(turn, i)
			} else {
				rest = append(rest, i)
			}
		}
		p, err = m.Prepare(ctx, turn)
		unread = append(unread, p.Unread...)
		if p.Unread = unread; !errors.Is(err, ErrUnread) {
			return p, err
		}
		s.Log.WarnContext(ctx, "what a merchant's deposit addresses hold is not known; the next one's go first", "network", n.Name, "err", err)
		items = rest
	}
	return p, err
}

// within returns the payments whose proceeds are in the items.
func within(ps []pay.Payment, items []pay.SweepItem) (some []pay.Payment) {
	for _, p := range ps {
		if slices.ContainsFunc(items, func(i pay.SweepItem) bool { return i.Address == p.Address && i.Token == p.Token }) {
			some = append(some, p)
		}
	}
	return some
}

// postpone lets payments of which nothing could be learned wait behind all others, also when
// that has taken all the time there was.
func (s *Settler) postpone(ctx context.Context, ps []pay.Payment) error {
	if len(ps) == 0 {
		return nil
	}
	return s.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, p := range ps {
			if err := tx.PostponeSettlement(p.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// leave marks the payments that cannot be moved now, each with the reason; they are tried
// again later.
func (s *Settler) leave(ctx context.Context, ps []pay.Payment, left map[pay.SweepItem]string) error {
	for item, reason := range left {
		if err := s.restate(ctx, within(ps, []pay.SweepItem{item}), pay.SettlementFailed, reason); err != nil {
			return err
		}
	}
	return nil
}

// items returns the addresses to empty. Proceeds too small to be worth the gas stay
// where they are, and are marked so.
func (s *Settler) items(ctx context.Context, n pay.Network, ps []pay.Payment) (kept []pay.Payment, items []pay.SweepItem, err error) {
	var small []pay.Payment
	worth := map[[2]string]money.USD{} // of each address and token, with all that waits there
	for _, p := range ps {
		worth[[2]string{p.Address, p.Token}] += p.Amount
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		for _, p := range ps {
			if p.Priced() && worth[[2]string{p.Address, p.Token}] < n.SweepMinimum {
				small = append(small, p)
				continue
			}
			a, ok, err := tx.AddressAt(p.Network, p.Address)
			if err != nil || !ok {
				return cmp.Or(err, fmt.Errorf("payment %s is to an address we do not have", p.ID))
			}
			item := pay.SweepItem{Address: a.Address, Receiver: a.Receiver, Salt: a.Salt, Token: p.Token}
			if kept = append(kept, p); !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
		return nil
	})
	if err != nil || len(small) == 0 {
		return kept, items, err
	}
	return kept, items, s.restate(ctx, small, pay.SettlementManual, "below the least amount that is worth its fee on this network")
}

func (s *Settler) restate(ctx context.Context, ps []pay.Payment, to pay.SettlementStatus, reason string) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: to, TxHash: v.TxHash, Reason: reason, At: tx.Now()}
		})
	})
}

// giveUp marks what cannot be settled by us, unless another process settles on the network.
// Anybody may call the factory instead; the watcher will see it.
func (s *Settler) giveUp(ctx context.Context, n pay.NetworkName) (again time.Time, err error) {
	if yes, again, err := held(ctx, s.Store, billing.JobSettle, n); yes || err != nil {
		return again, err
	}
	for {
		var ps []pay.Payment
		if err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			ps, err = tx.UnsettledPayments(n, pay.SettlementPending, store.Rest{}, maxTodo)
			return err
		}); err != nil || len(ps) == 0 {
			return again, err
		}
		if err := s.restate(ctx, ps, pay.SettlementManual, noRelayer); err != nil {
			return again, err
		}
	}
}

// reconcile finds out what became of a transaction under way: mined and final,
// mined, waiting, or lost; and sends it again while it waits.
func (s *Settler) reconcile(ctx context.Context, m Mover, l pay.Relay) error {
	fate, err := m.Fate(ctx, l)
	if err != nil {
		return fmt.Errorf("reconcile relay %s on %s: %w", l.ID, l.Network, err)
	}
	failed := l.Sweeps
	switch fate.State {
	case pay.RelayDue:
	case pay.RelaySent:
		if fate.Mined {
			return nil
		}
		return s.again(ctx, m, l)
	case pay.RelayDone:
		failed = fate.Refused
		s.Log.InfoContext(ctx, "settlement is final", "network", l.Network, "tx", fate.TxHash)
	case pay.RelayFailed:
		s.Log.ErrorContext(ctx, "settlement failed and will be tried again", "network", l.Network, "tx", fate.TxHash, "reason", fate.Reason)
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		l.State, l.Reason = fate.State, fate.Reason
		if err := tx.SaveRelay(l); err != nil {
			return err
		}
		var ps []pay.Payment
		for _, item := range failed {
			at, err := tx.PaymentsAt(l.Network, item.Address, item.Token)
			if err != nil {
				return err
			}
			ps = append(ps, slices.DeleteFunc(at, func(p pay.Payment) bool { return p.Settlement.Status != pay.SettlementProcessing })...)
		}
		return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: pay.SettlementFailed, TxHash: fate.TxHash, Reason: cmp.Or(fate.Reason, "the token or the receiver refused the transfer"), At: tx.Now()}
		})
	})
	if err == nil {
		s.Meter.Relay(string(l.Network), string(fate.State))
	}
	return err
}

// again sends a waiting transaction once more, for a better fee when it has waited long:
// that one is written down first.
func (s *Settler) again(ctx context.Context, m Mover, l pay.Relay) error {
	var now time.Time
	if err := s.Store.Read(ctx, func(tx *store.Tx) error { now = tx.Now(); return nil }); err != nil {
		return err
	}
	next, some, err := m.Again(ctx, l, now)
	if err != nil || !some {
		return err
	}
	l.Sends = append(l.Sends, next)
	if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveRelay(l) }); err != nil {
		return err
	}
	s.Meter.Relay(string(l.Network), "replaced")
	m.Send(ctx, l)
	return nil
}
