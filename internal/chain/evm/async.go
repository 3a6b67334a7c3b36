package evm

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

// maxUnsettled bounds how far behind a block that which it settles may be. Avalanche's are
// some seconds behind.
const maxUnsettled = 1000

// settles returns the height of the block whose state is the one of the header: of the block
// itself, or since Avalanche's Helicon upgrade (ACP-194) of one that was made before it and
// is executed by now. The header's receipts and bloom are of the blocks from there down to
// the one that the parent settles.
func (b *block) settles() uint64 {
	if b.settled != nil {
		return uint64(*b.settled)
	}
	return b.header.Number.Uint64()
}

// executed returns blocks that have in them what their headers prove, which are those that
// they settle. So what is paid in a block is seen, and proven, as of the one that settles it,
// and the state of a header is that after all that was seen up to it.
func (d *Driver) executed(ctx context.Context, n *endpoint, after pay.Block, blocks []*block) ([]*block, error) {
	last := blocks[len(blocks)-1]
	if last.settled == nil {
		return blocks, nil
	}
	done := after.Height // what is settled before the first
	var all []*block
	if blocks[0].settled != nil {
		var err error
		if all, err = d.ancestors(ctx, n, after); err != nil {
			return nil, err
		}
		done -= uint64(len(all))
	}
	all = append(all, blocks...)
	base := done + 1 // the height of the first of all
	out := make([]*block, len(blocks))
	for i, b := range blocks {
		settles := b.settles()
		if settles < done {
			return nil, fmt.Errorf("%s: block %d settles %d, its parent %d", n.Name, b.header.Number, settles, done)
		}
		out[i] = &block{hash: b.hash, header: b.header, settled: b.settled}
		for _, e := range all[done+1-base : settles+1-base] {
			out[i].txs, out[i].of = append(out[i].txs, e.txs...), append(out[i].of, e.hash)
		}
		done = settles
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tail = slices.Clone(all[done+1-base:])
	return out, nil
}

// ancestors returns a block and those before it that it does not settle, the oldest first:
// none of a block that was executed as it was made. As a rule they are what was read last.
func (d *Driver) ancestors(ctx context.Context, n *endpoint, after pay.Block) ([]*block, error) {
	d.mu.Lock()
	tail := d.tail
	d.mu.Unlock()
	if len(tail) > 0 && tail[len(tail)-1].position().Is(after) {
		return tail[:len(tail):len(tail)], nil
	}
	answers, err := n.ask(ctx, call{"eth_getBlockByHash", []any{after.Hash, false}})
	if err != nil {
		return nil, err
	}
	if answers[0] == nil {
		return nil, fmt.Errorf("%s: block %d: %w", n.Name, after.Height, node.ErrBehind)
	}
	b, err := parseHeader(answers[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	count := after.Height - b.settles()
	if !b.position().Is(after) || count > maxUnsettled {
		return nil, fmt.Errorf("%s: block %s at %d that settles %d for block %s at %d", n.Name, b.hash, b.header.Number, b.settles(), after.Hash, after.Height)
	}
	calls := make([]call, count)
	for i := range calls {
		calls[i] = call{"eth_getBlockByNumber", []any{hexutil.EncodeUint64(b.settles() + 1 + uint64(i)), true}} //nolint:gosec // an index
	}
	if answers, err = n.ask(ctx, calls...); err != nil {
		return nil, err
	}
	blocks, child := make([]*block, count), common.HexToHash(after.Hash)
	for i := len(answers) - 1; i >= 0; i-- {
		if answers[i] == nil {
			return nil, fmt.Errorf("%s has no block that is before %s", n.Name, after.Hash)
		}
		if blocks[i], err = parseBlock(answers[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		if blocks[i].hash != child {
			return nil, fmt.Errorf("%s: block %d is %s, its child has %s before it", n.Name, blocks[i].header.Number, blocks[i].hash, child)
		}
		child = blocks[i].header.ParentHash
	}
	return blocks, d.proveTxs(ctx, n, blocks)
}

// settling returns the height of the block as of which a scan tells what is in a block: its
// own, or that of the one that settles it; 0 if there is none yet.
func (n *endpoint) settling(ctx context.Context, height uint64) (uint64, error) {
	for at, size := height, uint64(1); at < height+maxUnsettled; at, size = at+size, 10 {
		calls := make([]call, size)
		for i := range calls {
			calls[i] = call{"eth_getBlockByNumber", []any{hexutil.EncodeUint64(at + uint64(i)), false}} //nolint:gosec // an index
		}
		answers, err := n.ask(ctx, calls...)
		if err != nil {
			return 0, err
		}
		for _, raw := range answers {
			if raw == nil {
				return 0, nil
			}
			b, err := parseHeader(raw)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", n.Name, err)
			}
			if b.settles() >= height {
				return b.header.Number.Uint64(), nil
			}
		}
	}
	return 0, fmt.Errorf("%s has no block that settles block %d", n.Name, height)
}
