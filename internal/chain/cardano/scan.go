package cardano

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

const (
	maxTxs   = 5_000 // that a scan holds before it stops early, and that a block may say it has
	parallel = 8     // requests to a node at once
)

// block is a block with its transactions.
type block struct {
	header
	txs []*Tx
}

// Scan implements chain.Driver. What is in a block two nodes say, if there are so many.
func (d *Driver) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (found chain.Found, err error) {
	nodes, err := d.ready()
	if err != nil {
		return chain.Found{}, err
	}
	if to <= after.Height {
		return chain.Found{}, fmt.Errorf("scan after block %d up to %d", after.Height, to)
	}
	blocks, err := node.Agreed(ctx, nodes, func(ctx context.Context, n *endpoint) ([]*block, error) {
		blocks, err := n.blocks(ctx, after, to)
		if err == nil {
			err = nodes.OnTime(n, blocks[len(blocks)-1].position())
		}
		return blocks, err
	}, common)
	if err != nil {
		return chain.Found{}, err
	}
	mine, err := d.mine(ctx, blocks, ours)
	if err != nil {
		return chain.Found{}, err
	}
	known := map[Hash]*Tx{}
	for _, b := range blocks {
		for _, t := range b.txs {
			known[t.Hash] = t
		}
	}
	err = nodes.Try(ctx, func(n *endpoint) error {
		found = chain.Found{Last: blocks[len(blocks)-1].position(), Blocks: len(blocks)}
		for _, b := range blocks {
			for _, t := range b.txs {
				if err := d.collect(ctx, n, &found, b.position(), t, mine, known); err != nil {
					return err
				}
			}
		}
		return nil
	}, nil)
	if err != nil {
		return chain.Found{}, err
	}
	return found, nil
}

// blocks reads the blocks after one up to a height, or up to where the node has no more of
// them, or there is enough for one scan.
func (n *endpoint) blocks(ctx context.Context, after pay.Block, to uint64) (blocks []*block, err error) {
	var list []header
	if _, err := n.get(ctx, fmt.Sprintf("/blocks/%d/next?count=%d", after.Height, min(to-after.Height, pageSize)), &list); err != nil {
		return nil, err
	}
	txs, parent := 0, after
	for _, h := range list {
		if err := h.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		if *h.Height != parent.Height+1 || h.Previous != parent.Hash {
			if len(blocks) == 0 {
				return nil, fmt.Errorf("%s: block %d does not follow %s: %w", n.Name, *h.Height, after.Hash, chain.ErrFork)
			}
			break
		}
		if txs += h.Txs; *h.Height > to || txs > maxTxs && len(blocks) > 0 {
			break
		}
		blocks, parent = append(blocks, &block{header: h}), h.position()
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s: block %d: %w", n.Name, after.Height+1, node.ErrBehind)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, b := range blocks {
		g.Go(func() error { return n.fill(ctx, b) })
	}
	return blocks, g.Wait()
}

// fill reads the transactions of a block: as many as it says it has, each with the bytes
// that its hash is of.
func (n *endpoint) fill(ctx context.Context, b *block) error {
	if b.Txs == 0 {
		return nil
	}
	list, err := pages[struct {
		Hash string `json:"tx_hash"`
		Tx   string `json:"cbor"`
	}](ctx, n, "/blocks/"+b.Hash+"/txs/cbor", b.Txs+1)
	if err != nil {
		return err
	}
	if len(list) != b.Txs {
		return fmt.Errorf("%s: %d of the %d transactions of block %d", n.Name, len(list), b.Txs, *b.Height)
	}
	seen := map[Hash]bool{}
	for i, l := range list {
		t, err := decodeHex(l.Tx)
		if err != nil {
			return fmt.Errorf("%s: transaction %d of block %d: %w", n.Name, i, *b.Height, err)
		}
		if t.Hash.String() != l.Hash || seen[t.Hash] {
			return fmt.Errorf("%s: transaction %d of block %d is %s, not %.64q, or not its only one", n.Name, i, *b.Height, t.Hash, l.Hash)
		}
		if err := n.judge(ctx, t); err != nil {
			return err
		}
		seen[t.Hash] = true
		b.txs = append(b.txs, t)
	}
	return nil
}

// judge asks whether a transaction is valid, where its bytes do not say.
func (n *endpoint) judge(ctx context.Context, t *Tx) error {
	if !t.Unsaid {
		return nil
	}
	p, found, err := n.place(ctx, t.Hash.String())
	if err != nil {
		return err
	}
	if !found || p.Valid == nil {
		return fmt.Errorf("%s does not say whether the script of %s failed", n.Name, t.Hash)
	}
	t.Valid, t.Unsaid = *p.Valid, false
	return nil
}

func decodeHex(text string) (*Tx, error) {
	if len(text) > 2*maxTx {
		return nil, fmt.Errorf("%d digits", len(text))
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("its bytes are not hexadecimal: %w", err)
	}
	return DecodeTx(raw)
}

// common returns the blocks that two nodes begin with, if any.
func common(a, b []*block) ([]*block, bool) {
	same := 0
	for same < min(len(a), len(b)) && a[same].digest() == b[same].digest() {
		same++
	}
	return a[:same], same > 0
}

// digest stands for all that matters of a block: when it was, and which transactions it holds,
// as valid or not, and signed by whom. Their hashes cover neither.
func (b *block) digest() string {
	all := fmt.Appendf(nil, "%s %d", b.Hash, b.Time)
	for _, t := range b.txs {
		all = fmt.Appendf(all, " %s %v", t.Hash, t.Valid)
		var keys []string
		for _, w := range t.Witnesses {
			keys = append(keys, hex.EncodeToString(w.Key))
		}
		slices.Sort(keys)
		all = fmt.Append(all, slices.Compact(keys))
	}
	return fmt.Sprintf("%x", blake2b.Sum256(all))
}

// origins reads the transactions that made what another one spends.
func (n *endpoint) origins(ctx context.Context, t *Tx, known map[Hash]*Tx) error {
	var missing []Hash
	for _, in := range t.Spends() {
		if known[in.Hash] == nil && !slices.Contains(missing, in.Hash) {
			missing = append(missing, in.Hash)
		}
	}
	got := make([]*Tx, len(missing))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, h := range missing {
		g.Go(func() (err error) { got[i], err = n.tx(ctx, h); return err })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, h := range missing {
		known[h] = got[i]
	}
	return nil
}

// output returns one of a transaction's outputs that have been spent; that of its collateral
// has the number after the last.
func (t *Tx) output(index uint64) (o Output, ok bool) {
	switch count := uint64(len(t.body.Outputs)); {
	case index < count:
		return t.body.Outputs[index], true
	case index == count && t.body.Return != nil:
		return *t.body.Return, true
	}
	return o, false
}

// tx reads a transaction and proves that it has the hash.
func (n *endpoint) tx(ctx context.Context, hash Hash) (*Tx, error) {
	var a struct {
		Tx string `json:"cbor"`
	}
	found, err := n.get(ctx, "/txs/"+hash.String()+"/cbor", &a)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%s does not know the transaction %s, which another spends from", n.Name, hash)
	}
	t, err := decodeHex(a.Tx)
	if err != nil {
		return nil, fmt.Errorf("%s: transaction %s: %w", n.Name, hash, err)
	}
	if t.Hash != hash {
		return nil, fmt.Errorf("%s answers with transaction %s for %s", n.Name, t.Hash, hash)
	}
	return t, n.judge(ctx, t)
}
