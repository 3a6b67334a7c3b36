package settle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Payer pays refunds. Its jobs are one for each network, so that a network has one
// payment under way at a time and its nonces no gaps.
type Payer struct {
	Store   *store.Store
	Wallets map[pay.NetworkName]*Wallet
	// Tell makes a fact about its refund true of an order that it then holds until the
	// unit ends. The error has CodeTransition when the fact does not fit.
	Tell func(tx *store.Tx, order string, f pay.Fact) error
	Log  *slog.Logger
}

const (
	limitPeriod = 24 * time.Hour   // over which the limit counts
	retryWait   = time.Minute      // between looks at what keeps refunds from being paid
	retryRefuse = 10 * time.Minute // how long a refund rests that the token would not let through
	doubtPeriod = 10 * time.Minute // how long a payment must look lost until it is
)

// errMeanwhile ends a unit: another process was quicker. The next look is at what it did.
var errMeanwhile = errors.New("another process was here meanwhile")

// Pay takes the refunds on a network one step further and says when to look again; the
// zero time when nothing is left to do. Dying anywhere and doing it again pays nothing
// twice: a payment is written down before it is sent, and sent as it was written down.
func (p *Payer) Pay(ctx context.Context, network string) (again time.Time, err error) {
	w, ok := p.Wallets[pay.NetworkName(network)]
	if !ok { // another process has the wallet; or it was promised under another configuration: a start with one promises it again
		if yes, later, err := held(ctx, p.Store, billing.JobRefund, pay.NetworkName(network)); yes || err != nil {
			return later, err
		}
		return again, nil
	}
	var now time.Time
	var under pay.Repayment
	var busy bool
	if err := p.Store.Read(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		under, busy, err = tx.RefundUnderWay(w.Network.Name)
		return err
	}); err != nil {
		return again, err
	}
	again = now.Add(w.Network.BlockTime)
	if busy {
		err = p.reconcile(ctx, w, under, now)
	} else {
		var f pay.Repayment
		var what look
		switch f, what, err = p.next(ctx, w); {
		case err != nil:
		case what == nothing:
			again = time.Time{}
		case what == waits:
			again = now.Add(retryWait)
		default:
			err = p.begin(ctx, w, f)
		}
	}
	switch {
	case errors.Is(err, ErrNoGas):
		return now.Add(retryWait), nil
	case errors.Is(err, errMeanwhile):
		err = nil
	case err != nil:
		err = fmt.Errorf("refunds on %s: %w", network, err)
	}
	return again, err
}

// begin writes down the transaction that pays a refund, and only then sends it.
func (p *Payer) begin(ctx context.Context, w *Wallet, f pay.Repayment) error {
	if len(f.Sends) > 0 {
		if gone, err := p.gone(ctx, w, f); err != nil || !gone {
			return err
		}
	}
	units, least := w.Token.Worth(f.Amount), uint64(0)
	if err := p.Store.Read(ctx, func(tx *store.Tx) (err error) {
		least, err = tx.RefundNonce(w.Network.Name, w.address().Hex())
		return err
	}); err != nil {
		return err
	}
	head, err := w.head(ctx)
	if err != nil {
		return err
	}
	nonce, first, err := w.prepare(ctx, common.HexToAddress(w.Token.Address), contracts.PackTransfer(common.HexToAddress(f.Destination), units.Big()), least)
	switch {
	case errors.Is(err, ErrNoGas): // warned about, and no failure
		w.keep(ctx, "gas", w.Shortage())
		return err
	case errors.Is(err, errRefused):
		p.Log.WarnContext(ctx, "the token does not let a refund through; it will be tried again", "order", f.OrderID, "err", err)
		_, err = p.update(ctx, w, f, func(tx *store.Tx, f *pay.Repayment) error {
			f.DueAt, f.Reason = tx.Now().Add(retryRefuse), "the token does not let the transfer through"
			return nil
		})
		return err
	case err != nil:
		return fmt.Errorf("prepare the refund of order %s: %w", f.OrderID, err)
	}
	f, err = p.update(ctx, w, f, func(tx *store.Tx, f *pay.Repayment) error {
		if err := p.room(tx, w, *f); err != nil {
			return err
		}
		err := p.Tell(tx, f.OrderID, pay.Fact{Kind: pay.FactRefundSent, TxHash: first.TxHash})
		if pay.CodeOf(err) == pay.CodeTransition { // the simulator has taken the order over
			f.State, f.Reason = pay.RelayFailed, "the order wants no refund any more"
			return nil
		}
		first.At = tx.Now()
		f.State, f.Reason, f.TakenAt, f.DoubtAt, f.Sends = pay.RelaySent, "", tx.Now(), time.Time{}, []pay.RelaySend{first}
		f.Network, f.Wallet, f.Token, f.Units, f.Nonce, f.Head = w.Network.Name, w.address().Hex(), w.Token.Address, units, nonce, head
		return err
	})
	if err != nil || f.State != pay.RelaySent {
		return err
	}
	w.keep(ctx, "", "")
	w.Meter.Refund(string(f.Network), "sent")
	w.send(ctx, f.Sends)
	p.Log.InfoContext(ctx, "refunding", "network", f.Network, "order", f.OrderID, "usd", f.Amount.Cents(), "tx", first.TxHash)
	return nil
}

// room is the error that ends a unit which would spend more than the limit, or have two
// payments under way.
func (p *Payer) room(tx *store.Tx, w *Wallet, f pay.Repayment) error {
	_, busy, err := tx.RefundUnderWay(w.Network.Name)
	if err != nil || busy {
		return cmp.Or(err, errMeanwhile)
	}
	spent, err := tx.Refunded(w.Network.Name, tx.Now().Add(-limitPeriod), f.OrderID)
	if err == nil && spent.Add(f.Amount) > w.Limit {
		return errMeanwhile
	}
	return err
}

// update changes a refund in a unit, unless another process has changed it meanwhile. One
// process at a time changes those of a network, whatever leases say.
func (p *Payer) update(ctx context.Context, w *Wallet, f pay.Repayment, change func(*store.Tx, *pay.Repayment) error) (next pay.Repayment, err error) {
	err = p.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Next("refunds " + string(w.Network.Name)); err != nil {
			return err
		}
		next = f
		next.Sends = slices.Clone(f.Sends)
		if err := change(tx, &next); err != nil {
			return err
		}
		is, _, err := tx.Refund(f.OrderID) // now that its order is held, if that changes too
		if err != nil || !reflect.DeepEqual(is, f) {
			return cmp.Or(err, errMeanwhile)
		}
		return tx.SaveRefund(next)
	})
	return next, err
}

// reconcile finds out what became of the payment under way: mined and final, mined,
// waiting, or lost; and sends it again while it waits.
func (p *Payer) reconcile(ctx context.Context, w *Wallet, f pay.Repayment, now time.Time) error {
	fate, err := w.fate(ctx, common.HexToAddress(f.Wallet), f.Nonce, f.Sends)
	if err != nil {
		return fmt.Errorf("reconcile the refund of order %s: %w", f.OrderID, err)
	}
	fact := pay.Fact{Kind: pay.FactRefunded, TxHash: fate.txHash}
	switch {
	case fate.state == pay.RelaySent:
		return p.wait(ctx, w, f, fate, now)
	case fate.state == pay.RelayFailed && fate.receipt == nil:
		if lost, err := p.lost(ctx, w, f, fate, now); err != nil || !lost {
			return err
		}
		fallthrough
	case fate.state == pay.RelayFailed:
		fact = pay.Fact{Kind: pay.FactRefundFailed, Reason: fate.reason}
	}
	if _, err := p.update(ctx, w, f, func(tx *store.Tx, f *pay.Repayment) error {
		f.State, f.Reason = fate.state, fate.reason
		err := p.Tell(tx, f.OrderID, fact)
		if pay.CodeOf(err) == pay.CodeTransition { // the simulator has taken the order over
			return nil
		}
		return err
	}); err != nil {
		return err
	}
	w.Meter.Refund(string(f.Network), string(fate.state))
	if fate.state == pay.RelayFailed {
		p.Log.ErrorContext(ctx, "a refund failed and waits for a destination", "network", f.Network, "order", f.OrderID, "tx", fate.txHash, "reason", fate.reason)
	} else {
		p.Log.InfoContext(ctx, "a refund is final", "network", f.Network, "order", f.OrderID, "tx", fate.txHash)
	}
	return nil
}

// wait sends a payment again that is not mined, for a better fee when it has waited long:
// that one is written down first.
func (p *Payer) wait(ctx context.Context, w *Wallet, f pay.Repayment, fate fate, now time.Time) (err error) {
	if !f.DoubtAt.IsZero() {
		if f, err = p.update(ctx, w, f, func(_ *store.Tx, f *pay.Repayment) error { f.DoubtAt = time.Time{}; return nil }); err != nil {
			return err
		}
	}
	if fate.mined {
		return nil
	}
	if f.Wallet != w.address().Hex() { // the key was changed: the old one's payment cannot be signed anew
		w.send(ctx, f.Sends)
		return nil
	}
	next, some, err := w.again(ctx, f.Sends, now)
	if err != nil || !some {
		return err
	}
	f, err = p.update(ctx, w, f, func(_ *store.Tx, f *pay.Repayment) error { f.Sends = append(f.Sends, next); return nil })
	if err == nil {
		w.Meter.Refund(string(f.Network), "replaced")
		w.send(ctx, f.Sends)
	}
	return err
}

// lost decides about a payment whose nonce another transaction has used. A node that lags
// says the same of one that was mined, so it is believed only when it has said so for long,
// and when the token knows of no transfer either.
func (p *Payer) lost(ctx context.Context, w *Wallet, f pay.Repayment, fate fate, now time.Time) (bool, error) {
	if f.DoubtAt.IsZero() {
		p.Log.WarnContext(ctx, "a refund seems to be lost: its nonce was used", "network", f.Network, "order", f.OrderID, "nonce", f.Nonce)
		_, err := p.update(ctx, w, f, func(tx *store.Tx, f *pay.Repayment) error { f.DoubtAt = tx.Now(); return nil })
		return false, err
	}
	if now.Before(f.DoubtAt.Add(doubtPeriod)) {
		return false, nil
	}
	paid, err := w.paid(ctx, f, fate.final)
	if err == nil && paid {
		err = fmt.Errorf("order %s: its payment is unknown and yet %s got something from %s; a person must look, and then: pepay refunds paid", f.OrderID, f.Destination, f.Wallet)
	}
	return err == nil, err
}

// gone makes sure, before a refund that failed is paid again, that it still has failed. If
// not it is taken up where it was left.
func (p *Payer) gone(ctx context.Context, w *Wallet, f pay.Repayment) (bool, error) {
	fate, err := w.fate(ctx, common.HexToAddress(f.Wallet), f.Nonce, f.Sends)
	if err != nil || fate.state == pay.RelayFailed {
		return err == nil, err
	}
	_, err = p.update(ctx, w, f, func(tx *store.Tx, f *pay.Repayment) error {
		f.State, f.Reason, f.DoubtAt = pay.RelaySent, "", time.Time{}
		return p.Tell(tx, f.OrderID, pay.Fact{Kind: pay.FactRefundSent, TxHash: fate.txHash})
	})
	return false, err
}
