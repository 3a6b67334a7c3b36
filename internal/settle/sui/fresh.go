package sui

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/chain/sui"
)

// errStale means that a node named coins in a version that they do not have any more. Nothing
// was signed: they are named again.
var errStale = errors.New("the node names coins as they were, not as they are")

// behind is how many checkpoints a node may be behind the others until its coins are not
// taken: some ten seconds.
const behind = 40

// views asks all nodes how far they are. One that errs, or lies, must not make a transaction
// valid for ever: of several epochs it is the one in the middle. A node is current when it has
// the checkpoint in which a relay was last found, and is not far behind the others: a
// transaction with a coin that another has used can never be executed, and holds up the rest.
func (m *Mover) views(ctx context.Context, nodes *node.Pool[*sui.Node]) (epoch uint64, current func(*sui.Node) bool, err error) {
	var epochs, heights []uint64
	var errs []error
	at := map[*sui.Node]uint64{}
	for _, n := range nodes.Ready() {
		a, err := n.Call(ctx, sui.GetServiceInfo, nil)
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		at[n] = a.Uint(4)
		epochs, heights = append(epochs, a.Uint(3)), append(heights, a.Uint(4))
	}
	if len(epochs) == 0 {
		return 0, nil, errors.Join(errs...)
	}
	slices.Sort(epochs)
	slices.Sort(heights)
	top := heights[len(heights)-1]
	if len(heights) > 2 { // the highest alone may be a lie
		top = heights[len(heights)-2]
	}
	m.mu.Lock()
	least := max(min(m.landed, top), top-min(top, behind))
	m.mu.Unlock()
	return epochs[len(epochs)/2], func(n *sui.Node) bool { h, ok := at[n]; return ok && h >= least }, nil
}

// fresh makes sure that a transaction was not refused because the node's lists are older than
// what it lists: the coins that it uses must be in the version used, the balances as large. The
// node's words for the reason change from release to release, so they are not read.
func fresh(ctx context.Context, n *sui.Node, t sui.Transaction, reason string) error {
	var f sui.Fields
	refs := coinsOf(t)
	for _, i := range t.Inputs {
		if i.Withdraw == nil {
			continue
		}
		held, _, err := balance(ctx, n, t.Sender.String(), i.Withdraw.Coin)
		if err != nil {
			return err
		}
		if held != i.Withdraw.Units {
			return fmt.Errorf("%s: %w: %s", n.Name, errStale, reason)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	for _, o := range refs {
		f = f.Bytes(1, sui.Fields{}.Text(1, o.ID.String()))
	}
	m, err := n.Call(ctx, sui.BatchGetObjects, f.Mask(2, "object_id", "version", "digest"))
	if sui.Refused(err, sui.CodeUnimplemented) {
		return nil // then the refusal is taken at its word
	}
	if err != nil {
		return err
	}
	return m.Each(1, func(result sui.Message) error {
		o, err := result.At(1) // nothing in it for a coin that is no more
		if err == nil && !slices.ContainsFunc(refs, func(r sui.ObjectRef) bool {
			return r.ID.String() == o.Text(2) && r.Version == o.Uint(3) && r.Digest.String() == o.Text(4)
		}) {
			err = fmt.Errorf("%s: %w: %s", n.Name, errStale, reason)
		}
		return err
	})
}

// coinsOf are the coins that a transaction uses, in the versions in which it does.
func coinsOf(t sui.Transaction) []sui.ObjectRef {
	refs := slices.Clone(t.Payment)
	for _, i := range t.Inputs {
		if i.Object != nil {
			refs = append(refs, *i.Object)
		}
	}
	return refs
}
