package evm

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// maxTxs is how many transactions a scan holds before it stops early: it bounds
// memory and the size of the question which addresses are ours.
const maxTxs = 20_000

// Scan implements chain.Driver. All of a scan is read from one node.
func (d *Driver) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (found chain.Found, err error) {
	nodes, err := d.ready()
	if err != nil {
		return chain.Found{}, err
	}
	if to <= after.Height {
		return chain.Found{}, fmt.Errorf("scan after block %d up to %d", after.Height, to)
	}
	return node.Scan(ctx, nodes, after, func(ctx context.Context, n *endpoint) (chain.Found, error) {
		return d.scan(ctx, n, after, to, ours)
	})
}

func (d *Driver) scan(ctx context.Context, n *endpoint, after pay.Block, to uint64, ours chain.Ours) (chain.Found, error) {
	blocks, err := d.blocks(ctx, n, after, to)
	if err != nil {
		return chain.Found{}, err
	}
	last := blocks[len(blocks)-1].position()
	if len(d.Nodes) > 1 { // a node with a chain of its own must not be asked first for ever
		b, err := d.Block(ctx, last.Height)
		if err != nil {
			return chain.Found{}, node.NotItsFault(err)
		}
		if !b.Is(last) {
			return chain.Found{}, fmt.Errorf("%s: block %d is %s, not %s: %w", n.Name, last.Height, b.Hash, last.Hash, chain.ErrFork)
		}
	}
	if blocks, err = d.executed(ctx, n, after, blocks); err != nil {
		return chain.Found{}, err
	}
	// Receipts of the blocks whose bloom says that they may hold logs of interest.
	logs := make([]*block, 0, len(blocks))
	for _, b := range blocks {
		if d.mayLog(b) {
			logs = append(logs, b)
		}
	}
	receipts := map[*block][]receipt{}
	if err := d.receipts(ctx, n, logs, receipts); err != nil {
		return chain.Found{}, err
	}
	mine, err := d.mine(ctx, blocks, receipts, ours)
	if err != nil {
		return chain.Found{}, node.NotItsFault(err)
	}
	// And of those that pay us directly: only a receipt says whether it succeeded.
	paid := make([]*block, 0, len(blocks))
	for _, b := range blocks {
		if receipts[b] == nil && slices.ContainsFunc(b.txs, func(t tx) bool { return t.pays() && mine[t.to.Hex()] != "" }) {
			paid = append(paid, b)
		}
	}
	if err := d.receipts(ctx, n, paid, receipts); err != nil {
		return chain.Found{}, err
	}
	found := chain.Found{Last: last, Blocks: len(blocks)}
	for _, b := range blocks {
		for i, r := range receipts[b] {
			d.collect(&found, b, i, r, mine)
		}
	}
	return found, nil
}

// blocks reads and proves the blocks after one up to a height, or up to where the
// node has no more of them.
func (d *Driver) blocks(ctx context.Context, n *endpoint, after pay.Block, to uint64) (blocks []*block, err error) {
	for txs, parent := 0, after; parent.Height < to && txs < maxTxs; {
		n.mu.Lock()
		size := uint64(n.batch) //nolint:gosec // at least 1
		n.mu.Unlock()
		var calls []call
		for h := parent.Height + 1; h <= min(to, parent.Height+size); h++ {
			calls = append(calls, call{"eth_getBlockByNumber", []any{hexutil.EncodeUint64(h), true}})
		}
		answers, err := n.ask(ctx, calls...)
		if err != nil {
			return nil, err
		}
		var part []*block
		for _, raw := range answers {
			if raw == nil {
				break
			}
			b, err := parseBlock(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", n.Name, err)
			}
			if p := b.position(); p.Height != parent.Height+1 || strings.ToLower(b.header.ParentHash.Hex()) != parent.Hash {
				if len(blocks)+len(part) == 0 {
					return nil, fmt.Errorf("%s: block %d does not follow %s: %w", n.Name, p.Height, after.Hash, chain.ErrFork)
				}
				break
			}
			part, parent, txs = append(part, b), b.position(), txs+len(b.txs)
		}
		if err := d.proveTxs(ctx, n, part); err != nil {
			return nil, err
		}
		if blocks = append(blocks, part...); len(part) < len(answers) {
			break
		}
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: block %d: %w", n.Name, after.Height+1, node.ErrBehind)
	}
	return blocks, nil
}

// proveTxs proves the transactions of blocks, asking for the encoding of those
// whose type we do not know.
func (d *Driver) proveTxs(ctx context.Context, n *endpoint, blocks []*block) error {
	var calls []call
	var unknown []*tx
	for _, b := range blocks {
		for i := range b.txs {
			if t := &b.txs[i]; t.raw == nil {
				unknown = append(unknown, t)
				calls = append(calls, call{"eth_getRawTransactionByBlockHashAndIndex", []any{b.hash, hexutil.EncodeUint64(uint64(i))}})
			}
		}
	}
	answers, err := n.ask(ctx, calls...)
	if err != nil {
		return err
	}
	for i, raw := range answers {
		var encoded hexutil.Bytes
		if err := decode(raw, &encoded); err != nil {
			return fmt.Errorf("%s: decode transaction %s: %w", n.Name, unknown[i].hash, err)
		}
		unknown[i].raw = encoded
	}
	for _, b := range blocks {
		if err := b.proveTxs(); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// mayLog reports whether a block can hold a log that counts: its bloom never says
// no by mistake.
func (d *Driver) mayLog(b *block) bool {
	bloom := b.header.Bloom
	if bloom.Test(sweptTopic[:]) && bloom.Test(d.Factory[:]) {
		return true
	}
	return bloom.Test(transferTopic[:]) && slices.ContainsFunc(d.Tokens, func(t common.Address) bool { return bloom.Test(t[:]) })
}

func (d *Driver) receipts(ctx context.Context, n *endpoint, blocks []*block, into map[*block][]receipt) error {
	var calls []call
	for _, b := range blocks {
		for _, hash := range b.of {
			calls = append(calls, call{"eth_getBlockReceipts", []any{hash}})
		}
	}
	answers, err := n.ask(ctx, calls...)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if into[b], err = parseReceipts(answers[:len(b.of)], b); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		answers = answers[len(b.of):]
	}
	return nil
}

func (t tx) pays() bool { return t.to != nil && t.value.Sign() > 0 }

// mine asks which of the addresses that something went to are ours.
func (d *Driver) mine(ctx context.Context, blocks []*block, receipts map[*block][]receipt, ours chain.Ours) (map[string]string, error) {
	addresses := map[common.Address]bool{}
	for _, b := range blocks {
		for _, t := range b.txs {
			if t.pays() {
				addresses[*t.to] = true
			}
		}
		for _, r := range receipts[b] {
			for _, e := range r.Logs {
				if _, to, _, ok := transfer(e); ok && slices.Contains(d.Tokens, e.Address) {
					addresses[to] = true
				}
				if deposit, _, _, _, ok := swept(e); ok && e.Address == d.Factory {
					addresses[deposit] = true
				}
			}
		}
	}
	if len(addresses) == 0 {
		return nil, nil
	}
	ask := make([]string, 0, len(addresses))
	for a := range addresses {
		ask = append(ask, a.Hex())
	}
	slices.Sort(ask)
	mine, err := ours(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("ask which of %d addresses are ours: %w", len(ask), err)
	}
	return mine, nil
}

// collect adds what a transaction did to addresses of ours. What logs say has happened,
// whatever the receipt's status: where it fails as a whole there are none.
func (d *Driver) collect(found *chain.Found, b *block, i int, r receipt, mine map[string]string) {
	t, at := b.txs[i], b.position()
	hash := strings.ToLower(t.hash.Hex())
	add := func(index int, to common.Address, from, token string, units *big.Int) {
		found.Deposits = append(found.Deposits, pay.Deposit{
			Network: d.Network, TxHash: hash, Index: index, Block: at,
			Address: to.Hex(), Token: token, Units: money.NewUnits(units), From: from,
		})
	}
	if r.succeeded() && t.pays() && mine[t.to.Hex()] != "" {
		from := "" // of a signature that only the network understands
		if a, err := t.from(); err == nil {
			from = a.Hex()
		}
		add(pay.IndexValue, *t.to, from, "", t.value)
	}
	for j, e := range r.Logs {
		if from, to, units, ok := transfer(e); ok && slices.Contains(d.Tokens, e.Address) && mine[to.Hex()] != "" {
			add(j, to, from.Hex(), e.Address.Hex(), units)
		}
		if deposit, token, receiver, units, ok := swept(e); ok && e.Address == d.Factory && mine[deposit.Hex()] != "" {
			name := ""
			if token != (common.Address{}) {
				name = token.Hex()
			}
			found.Sweeps = append(found.Sweeps, pay.Sweep{
				Network: d.Network, TxHash: hash, Index: j, Block: at,
				Address: deposit.Hex(), Token: name, Units: money.NewUnits(units), To: receiver.Hex(),
			})
		}
	}
}
