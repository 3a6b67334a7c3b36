package sui

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// Fate implements settle.Mover. A relay is failed when the network executed it and it
// failed; or when it was never executed and never will be, because its epoch is over or because
// another transaction used a coin of it, of which two nodes must be sure if there are two.
func (m *Mover) Fate(ctx context.Context, l pay.Relay) (settle.Fate, error) {
	f := settle.Fate{State: pay.RelaySent, TxHash: l.Sends[len(l.Sends)-1].TxHash}
	nodes, err := m.ready()
	if err != nil {
		return f, err
	}
	sent, err := sentTransaction(l)
	if err != nil {
		return f, err
	}
	never, answered := 0, false
	var errs []error
	for _, n := range nodes.Ready() {
		o, reason, err := outcome(ctx, n, f.TxHash, l.Nonce, sent)
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		answered = true
		if reason != "" {
			never, f.Reason = never+1, reason
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
		f.State = pay.RelayFailed
		return f, nil
	}
	f.Reason = ""
	return f, nil
}

// sentTransaction is what a relay's newest form does.
func sentTransaction(l pay.Relay) (t sui.Transaction, err error) {
	raw, err := hex.DecodeString(l.Sends[len(l.Sends)-1].Raw)
	if err != nil {
		return t, fmt.Errorf("read a stored transaction: %w", err)
	}
	m, err := sui.ParseMessage(raw)
	if err == nil {
		m, err = m.At(1, 1)
	}
	if err != nil {
		return t, fmt.Errorf("read a stored transaction: %w", err)
	}
	return sui.DecodeTransaction(m.Bytes(2))
}

// outcome asks a node what became of a transaction; or why it never will be executed, if the
// node is sure: it does not know the transaction, but all of the transaction's epoch up to where
// either the epoch ended, or another transaction is that used a coin of it.
func outcome(ctx context.Context, n *sui.Node, digest string, last uint64, t sui.Transaction) (o sui.Outcome, never string, err error) {
	info, err := n.Call(ctx, sui.GetServiceInfo, nil)
	if err != nil {
		return o, "", err
	}
	if o, err = n.Outcome(ctx, digest); !sui.Refused(err, sui.CodeNotFound) {
		return o, "", err
	}
	if info.Uint(3) > last {
		never = fmt.Sprintf("epoch %d, the last in which it was valid, ended without it", last)
	} else if never, err = taken(ctx, n, digest, t); err != nil {
		return o, "", err
	}
	if never == "" {
		return o, "", nil
	}
	if o, err = n.Outcome(ctx, digest); !sui.Refused(err, sui.CodeNotFound) { // after what it is compared with
		return o, "", err
	}
	a, err := n.Call(ctx, sui.GetEpoch, sui.Fields{}.Uint(1, last).Mask(2, "epoch", "first_checkpoint"))
	if sui.Refused(err, sui.CodeNotFound) {
		return o, "", nil
	}
	if err != nil {
		return o, "", err
	}
	e, err := a.At(1)
	if err != nil || e.Uint(1) != last || !e.Has(4) || !info.Has(6) || info.Uint(6) > e.Uint(4) {
		return o, "", err
	}
	return o, never, nil
}

// taken says which transaction, that is in a checkpoint, used a coin of this one in its place.
// Versions of a coin follow each other: who used this version did so before or in that
// checkpoint. A coin that is no more says nothing.
func taken(ctx context.Context, n *sui.Node, digest string, t sui.Transaction) (reason string, err error) {
	var f sui.Fields
	version := map[string]uint64{}
	for _, o := range coinsOf(t) {
		f, version[o.ID.String()] = f.Bytes(1, sui.Fields{}.Text(1, o.ID.String())), o.Version
	}
	if len(version) == 0 {
		return "", nil
	}
	m, err := n.Call(ctx, sui.BatchGetObjects, f.Mask(2, "object_id", "version", "previous_transaction"))
	if _, ok := errors.AsType[sui.Refusal](err); ok {
		return "", nil // it cannot say
	}
	if err != nil {
		return "", err
	}
	err = m.Each(1, func(result sui.Message) error {
		o, err := result.At(1)
		used, ours := version[o.Text(2)]
		by := o.Text(10)
		if err != nil || !ours || o.Uint(3) <= used || by == "" || by == digest {
			return err
		}
		at, err := n.Outcome(ctx, by)
		if err == nil && at.Checkpointed {
			reason = "transaction " + by + " used a coin of it before"
		}
		if sui.Refused(err, sui.CodeNotFound) {
			return nil
		}
		return err
	})
	return reason, err
}
