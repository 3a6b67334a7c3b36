// Package settle moves final deposits to the merchants. On EVM networks a relayer
// that holds nothing but gas asks the factory to empty deposit addresses; their
// only exit is the merchant. It is the only package that signs transactions.
package settle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/trace"
)

// maxItems bounds the addresses emptied by one transaction.
const maxItems = 50

// How long a failed settlement rests before it is tried again by itself, and how
// long one may be under way without a transaction before it is taken up again.
const (
	retryFailed = 10 * time.Minute
	retryStuck  = 5 * time.Minute
)

// Settler settles. Its jobs are one for each network, so that a network has one
// transaction under way at a time and its nonces no gaps.
type Settler struct {
	Store    *store.Store
	Billing  *billing.Billing
	Relayers map[pay.NetworkName]*Account
	Log      *slog.Logger
}

// Settle takes the settlements of a network one step further and says when to look
// again; the zero time when nothing is left to do. A relayer without gas, a node
// that does not answer: nothing is lost, it is tried again.
func (s *Settler) Settle(ctx context.Context, network string) (again time.Time, err error) {
	trace.OnNetwork(ctx, network)
	n := pay.NetworkName(network)
	r, ok := s.Relayers[n]
	if !ok {
		return again, s.giveUp(ctx, n)
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
		return now.Add(r.Network.BlockTime), s.reconcile(ctx, r, under)
	case len(todo) == 0 && rest:
		return now.Add(time.Minute), nil
	case len(todo) == 0:
		return again, nil
	}
	if err := s.begin(ctx, r, todo); err != nil {
		return again, err
	}
	return now.Add(r.Network.BlockTime), nil
}

// waiting returns the payments to settle now: the pending, the failed that have
// rested, and those left behind by a transaction that is no more. rest reports
// whether there are others that will be ready later.
func waiting(tx *store.Tx, n pay.NetworkName) (todo []pay.Payment, rest bool, err error) {
	for _, w := range []struct {
		status pay.SettlementStatus
		rest   time.Duration
	}{{pay.SettlementPending, 0}, {pay.SettlementFailed, retryFailed}, {pay.SettlementProcessing, retryStuck}} {
		ps, err := tx.UnsettledPayments(n, w.status, maxItems-len(todo))
		if err != nil {
			return nil, false, err
		}
		for _, p := range ps {
			if tx.Now().Before(p.Settlement.At.Add(w.rest)) {
				rest = true
			} else {
				todo = append(todo, p)
			}
		}
	}
	return todo, rest, nil
}

// begin writes down a transaction that settles the payments, and only then sends it.
func (s *Settler) begin(ctx context.Context, r *Account, ps []pay.Payment) error {
	ps, items, err := s.items(ctx, r, ps)
	if err != nil || len(items) == 0 {
		return err
	}
	nonce, first, err := r.prepare(ctx, contracts.Factory, contracts.PackSweep(packed(items)), 0)
	if err != nil {
		return fmt.Errorf("prepare settlement of %d payments on %s: %w", len(ps), r.Network.Name, err)
	}
	l := pay.Relay{Network: r.Network.Name, Nonce: nonce, Sweeps: items, Sends: []pay.RelaySend{first}, State: pay.RelaySent}
	if err := s.Store.Write(ctx, func(tx *store.Tx) error {
		l.ID, l.At = tx.NewID(), tx.Now()
		l.Sends[0].At = tx.Now()
		if err := tx.SaveRelay(l); err != nil {
			return err
		}
		return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: pay.SettlementProcessing, TxHash: l.Sends[0].TxHash, At: tx.Now()}
		})
	}); err != nil {
		return err
	}
	r.Meter.Relay(string(l.Network), "sent")
	r.send(ctx, l.Sends)
	s.Log.InfoContext(ctx, "settling", "network", l.Network, "payments", len(ps), "tx", l.Sends[0].TxHash)
	return nil
}

// items returns the addresses to empty. Proceeds too small to be worth the gas stay
// where they are, and are marked so.
func (s *Settler) items(ctx context.Context, r *Account, ps []pay.Payment) (kept []pay.Payment, items []pay.SweepItem, err error) {
	var small []pay.Payment
	worth := map[[2]string]money.USD{} // of each address and token, with all that waits there
	for _, p := range ps {
		worth[[2]string{p.Address, p.Token}] += p.Amount
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		for _, p := range ps {
			if p.Priced() && worth[[2]string{p.Address, p.Token}] < r.Network.SweepMinimum {
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

// packed is what the factory is told of the items.
func packed(sweeps []pay.SweepItem) []contracts.Item {
	all := make([]contracts.Item, len(sweeps))
	for n, s := range sweeps {
		all[n] = contracts.Item{Receiver: common.HexToAddress(s.Receiver), Salt: common.HexToHash(s.Salt), Token: common.HexToAddress(s.Token)}
	}
	return all
}

func (s *Settler) restate(ctx context.Context, ps []pay.Payment, to pay.SettlementStatus, reason string) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: to, TxHash: v.TxHash, Reason: reason, At: tx.Now()}
		})
	})
}

// giveUp marks what cannot be settled by us: the deployment has no relayer on the
// network. Anybody may call the factory instead; the watcher will see it.
func (s *Settler) giveUp(ctx context.Context, n pay.NetworkName) error {
	var ps []pay.Payment
	if err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
		ps, err = tx.UnsettledPayments(n, pay.SettlementPending, maxItems)
		return err
	}); err != nil || len(ps) == 0 {
		return err
	}
	return s.restate(ctx, ps, pay.SettlementManual, "this deployment has no relayer for the network")
}

// reconcile finds out what became of a transaction under way: mined and final,
// mined, waiting, or lost; and sends it again while it waits.
func (s *Settler) reconcile(ctx context.Context, r *Account, l pay.Relay) error {
	fate, err := r.fate(ctx, r.address(), l.Nonce, l.Sends)
	if err != nil {
		return fmt.Errorf("reconcile relay %s on %s: %w", l.ID, l.Network, err)
	}
	failed := l.Sweeps
	switch fate.state {
	case pay.RelayDue:
	case pay.RelaySent:
		if fate.mined {
			return nil
		}
		return s.again(ctx, r, l)
	case pay.RelayDone:
		failed = refused(fate.receipt, l.Sweeps)
		s.Log.InfoContext(ctx, "settlement is final", "network", l.Network, "tx", fate.txHash)
	case pay.RelayFailed:
		s.Log.ErrorContext(ctx, "settlement failed and will be tried again", "network", l.Network, "tx", fate.txHash, "reason", fate.reason)
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		l.State, l.Reason = fate.state, fate.reason
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
			return pay.Settlement{ID: v.ID, Status: pay.SettlementFailed, TxHash: fate.txHash, Reason: cmp.Or(fate.reason, "the token or the receiver refused the transfer"), At: tx.Now()}
		})
	})
	if err == nil {
		r.Meter.Relay(string(l.Network), string(fate.state))
	}
	return err
}

// again sends a waiting transaction once more, for a better fee when it has waited long:
// that one is written down first.
func (s *Settler) again(ctx context.Context, r *Account, l pay.Relay) error {
	var now time.Time
	if err := s.Store.Read(ctx, func(tx *store.Tx) error { now = tx.Now(); return nil }); err != nil {
		return err
	}
	next, some, err := r.again(ctx, l.Sends, now)
	if err != nil || !some {
		return err
	}
	l.Sends = append(l.Sends, next)
	if err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.SaveRelay(l) }); err != nil {
		return err
	}
	r.Meter.Relay(string(l.Network), "replaced")
	r.send(ctx, l.Sends)
	return nil
}

// notFound reports whether a node said that it knows no such thing.
func notFound(err error) bool { return errors.Is(err, ethereum.NotFound) }
