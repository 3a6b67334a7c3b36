package sui

import (
	"context"
	"errors"

	"github.com/pepay/pepay/internal/chain"
)

// most heights that Mentions names.
const maxMentions = 512

// Find implements chain.Finder. The first node that knows the transaction answers.
func (d *Driver) Find(ctx context.Context, hash string) (p chain.Place, ok bool, err error) {
	if _, err := ParseDigest(hash); err != nil {
		return p, false, nil //nolint:nilerr // no transaction has such a name
	}
	nodes, err := d.ready()
	if err != nil {
		return p, false, err
	}
	unknown := false
	err = nodes.Try(ctx, func(n *Node) error {
		o, err := n.Outcome(ctx, hash)
		if err != nil {
			return err
		}
		p, ok = chain.Place{Mined: o.Checkpointed, Height: o.Height, Failed: o.Executed && !o.Success}, o.Executed
		return nil
	}, func(n *Node, err error) bool {
		unknown = unknown || notFound(n, err)
		return notFound(n, err)
	})
	if unknown && err != nil {
		return chain.Place{}, false, nil
	}
	return p, ok, err
}

// Mentions implements chain.Finder: a full node cannot say which checkpoints an address
// is in, so these are simply the newest.
func (d *Driver) Mentions(_ context.Context, _ []string, from, to uint64) (heights []uint64, err error) {
	for h := max(from, to-min(to, maxMentions-1)); h <= to; h++ {
		heights = append(heights, h)
	}
	return heights, nil
}

// Outcome is what became of a transaction that a node has executed.
type Outcome struct {
	Executed     bool
	Checkpointed bool // it is in the checkpoint at Height, and so final
	Height       uint64
	Success      bool
	Reason       string // why it is no success
}

// Outcome asks the node for a transaction. It fails with a Refusal of CodeNotFound when the
// node does not know it.
func (n *Node) Outcome(ctx context.Context, digest string) (o Outcome, err error) {
	m, err := n.Call(ctx, GetTransaction, Fields{}.Text(1, digest).Mask(2, "digest", "checkpoint", "effects.status"))
	if err != nil {
		return o, err
	}
	tx, err := m.At(1)
	if err != nil {
		return o, err
	}
	if tx.Text(1) != digest {
		return o, errors.New(n.Name + " answers with another transaction")
	}
	status, err := tx.At(4, 4)
	if err != nil {
		return o, err
	}
	why, err := status.At(2)
	if err != nil {
		return o, err
	}
	if !status.Has(1) {
		return o, errors.New(n.Name + " has a transaction without an outcome")
	}
	return Outcome{true, tx.Has(6), tx.Uint(6), status.Uint(1) == 1, why.Text(1)}, nil
}
