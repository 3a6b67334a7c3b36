package solana

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

const (
	// maxChanges is how many changes a scan holds before it stops early: it bounds memory and the
	// size of the question which addresses are ours.
	maxChanges = 100_000
	// maxAtATime is how many changes the blocks may have that are asked for at once. One block
	// can hardly have as many: the network lets it spend up to 100 million units of computing, and
	// an account whose balances change costs more than 300, the price of being writable. One that
	// fails among others is asked for alone in the end.
	maxAtATime = 1 << 19
	// maxSlots is how many blocks a scan reads at most. A block is megabytes.
	maxSlots    = 64
	firstAtOnce = 3 // blocks that a node is asked for at once, to begin with
	maxAtOnce   = 8
)

// Scan implements chain.Driver. If no block is up to the height, it reads the next above:
// heights have gaps, and whatever has one is final. What is in a block two nodes say, if there
// are so many.
func (d *Driver) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (found chain.Found, err error) {
	nodes, err := d.ready()
	if err != nil {
		return chain.Found{}, err
	}
	if to <= after.Height {
		return chain.Found{}, fmt.Errorf("scan after block %d up to %d", after.Height, to)
	}
	blocks, err := node.Agreed(ctx, nodes, func(ctx context.Context, n *endpoint) ([]block, error) { return d.read(ctx, n, after, to) }, common)
	if err != nil {
		return chain.Found{}, err
	}
	mine, err := ask(ctx, blocks, ours)
	if err != nil {
		return chain.Found{}, err
	}
	found = chain.Found{Last: blocks[len(blocks)-1].Block, Blocks: len(blocks)}
	for _, b := range blocks {
		for _, t := range b.txs {
			if err := d.collect(&found, b.Block, t, mine); err != nil {
				return chain.Found{}, fmt.Errorf("block %d: %w", b.Height, err)
			}
		}
	}
	return found, nil
}

// read reads the blocks after one, each of which names the one before, up to a height or to
// where the node has no more of them.
func (d *Driver) read(ctx context.Context, n *endpoint, after pay.Block, to uint64) (blocks []block, err error) {
	slots, err := n.slots(ctx, after.Height+1, maxSlots)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(slots, func(s uint64) bool { return s > to }); i >= 0 {
		slots = slots[:max(i, 1)]
	}
	held, last := 0, after
	for held < maxChanges && len(slots) > 0 {
		part := slots[:min(n.atOnce(), len(slots))]
		slots = slots[len(part):]
		got, errs := make([]block, len(part)), make([]error, len(part))
		var all sync.WaitGroup
		for i, slot := range part {
			all.Go(func() { got[i], errs[i] = n.body(ctx, slot, d.mints, maxAtATime/len(part)) })
		}
		all.Wait()
		for i, b := range got {
			err := errs[i]
			switch {
			case isNoBlock(err): // it lists blocks before it has them
				err = fmt.Errorf("%s: block %d: %w", n.Name, part[i], node.ErrBehind)
			case err == nil && b.parentSlot > last.Height:
				err = fmt.Errorf("%s leaves out block %d", n.Name, b.parentSlot)
			case err == nil && (b.parentSlot != last.Height || b.parent != last.Hash):
				err = fmt.Errorf("%s: block %d does not follow %d %s: %w", n.Name, b.Height, last.Height, last.Hash, chain.ErrFork)
			}
			if err == nil {
				err = d.nodes.OnTime(n, b.Block)
			}
			if err != nil {
				n.learn(true)
			}
			if err != nil && len(blocks) > 0 {
				return blocks, nil
			}
			if err != nil {
				return nil, err
			}
			blocks, last, held = append(blocks, b), b.Block, held+b.held
		}
		n.learn(false)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: after block %d: %w", n.Name, after.Height, node.ErrBehind)
	}
	return blocks, nil
}

// common returns the blocks that two nodes begin with, if any.
func common(a, b []block) ([]block, bool) {
	same := 0
	for same < min(len(a), len(b)) && a[same].equal(b[same]) {
		same++
	}
	return a[:same], same > 0
}

// equal leaves out the time, which is the producer's to state.
func (b block) equal(o block) bool {
	return b.Is(o.Block) && b.count == o.count && b.parent == o.parent && slices.EqualFunc(b.txs, o.txs, func(t, u tx) bool {
		return t.id == u.id && slices.Equal(t.changes, u.changes)
	})
}

// ask asks which of the owners of what changed are ours.
func ask(ctx context.Context, blocks []block, ours chain.Ours) (map[string]string, error) {
	var owners []string
	for _, b := range blocks {
		for _, t := range b.txs {
			for _, c := range t.changes {
				owners = append(owners, c.owner)
			}
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	mine, err := ours(ctx, owners)
	if err != nil {
		return nil, fmt.Errorf("ask which of %d addresses are ours: %w", len(owners), err)
	}
	return mine, nil
}

// collect adds what a transaction did to addresses of ours.
func (d *Driver) collect(found *chain.Found, at pay.Block, t tx, mine map[string]string) error {
	for _, c := range t.changes {
		if mine[c.owner] != c.owner || c.owner == "" || c.mint != "" && !c.associated() {
			continue
		}
		if _, err := ParseID(t.id); err != nil {
			return err
		}
		units, other := money.NewUnits(new(big.Int).SetUint64(c.units)), t.other(c)
		if c.up {
			found.Deposits = append(found.Deposits, pay.Deposit{
				Network: d.Network, TxHash: t.id, Index: c.place, Block: at, Address: c.owner, Token: c.mint, Units: units, From: other,
			})
		} else {
			found.Sweeps = append(found.Sweeps, pay.Sweep{
				Network: d.Network, TxHash: t.id, Index: c.place, Block: at, Address: c.owner, Token: c.mint, Units: units, To: other,
			})
		}
	}
	return nil
}

// associated reports whether an account is the one that its owner has for the mint by
// convention. Others we would never empty.
func (c change) associated() bool {
	owner, err1 := ParseKey(c.owner)
	mint, err2 := ParseKey(c.mint)
	program, err3 := ParseKey(c.program)
	return err1 == nil && err2 == nil && err3 == nil && TokenAccount(owner, program, mint).String() == c.account
}

// other is who is at the other end of a change. Balances do not say it outright: it is
// whoever's changed by as much the other way, or else by the most. Whoever pays the fee
// gets lamports of closed accounts back, and so comes last.
func (t tx) other(c change) string {
	best, rank := "", [2]uint64{}
	for _, o := range t.changes {
		if o.mint != c.mint || o.up == c.up || o.owner == c.owner {
			continue
		}
		r := [2]uint64{1, o.units}
		switch {
		case o.units == c.units:
			r[0] = 2
		case o.up && o.place == 0:
			r[0] = 0
		}
		if best == "" || slices.Compare(r[:], rank[:]) > 0 {
			best, rank = o.owner, r
		}
	}
	return best
}
