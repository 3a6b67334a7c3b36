package sui

import (
	"context"
	"errors"
	"fmt"

	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// Fate implements settle.Mover. A relay is failed when the network executed it and it
// failed; or when its epoch is over and it was never executed, of which two nodes must be
// sure if there are two.
func (m *Mover) Fate(ctx context.Context, l pay.Relay) (settle.Fate, error) {
	f := settle.Fate{State: pay.RelaySent, TxHash: l.Sends[len(l.Sends)-1].TxHash}
	nodes, err := m.ready()
	if err != nil {
		return f, err
	}
	never, answered := 0, false
	var errs []error
	for _, n := range nodes.Ready() {
		o, sure, err := outcome(ctx, n, f.TxHash, l.Nonce)
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		answered = true
		if sure {
			never++
		}
		if !o.Executed {
			continue
		}
		if f.Mined = true; o.Checkpointed {
			m.mu.Lock()
			m.landed = o.Height
			m.mu.Unlock()
			if f.State = pay.RelayDone; !o.Success {
				f.State, f.Reason = pay.RelayFailed, "the network executed it without effect: "+o.Reason
			}
		}
		return f, nil
	}
	if !answered {
		return f, fmt.Errorf("look for transaction %s: %w", f.TxHash, errors.Join(errs...))
	}
	if never >= min(2, len(nodes.Nodes)) {
		f.State, f.Reason = pay.RelayFailed, fmt.Sprintf("epoch %d, the last in which it was valid, ended without it", l.Nonce)
	}
	return f, nil
}

// outcome asks a node what became of a transaction. It is sure that it never will be
// executed when the node was in a later epoch before it was asked, knows all of the
// transaction's last epoch, and does not know the transaction.
func outcome(ctx context.Context, n *sui.Node, digest string, last uint64) (o sui.Outcome, sure bool, err error) {
	info, err := n.Call(ctx, sui.GetServiceInfo, nil)
	if err != nil {
		return o, false, err
	}
	o, err = n.Outcome(ctx, digest)
	if !sui.Refused(err, sui.CodeNotFound) || info.Uint(3) <= last {
		if sui.Refused(err, sui.CodeNotFound) {
			err = nil
		}
		return o, false, err
	}
	a, err := n.Call(ctx, sui.GetEpoch, sui.Fields{}.Uint(1, last).Mask(2, "epoch", "first_checkpoint"))
	if sui.Refused(err, sui.CodeNotFound) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	e, err := a.At(1)
	return o, err == nil && e.Uint(1) == last && e.Has(4) && info.Has(6) && info.Uint(6) <= e.Uint(4), err
}
