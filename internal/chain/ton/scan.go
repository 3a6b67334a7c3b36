package ton

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

const (
	maxTxs    = 20_000  // that a scan holds before it stops early
	maxBlocks = 500     // that a scan reads
	maxRound  = 200_000 // transactions that one block may have
	maxShards = 1000    // blocks of shards that one block may have
	parallel  = 4       // blocks that one node is asked for at once
)

// round is a block of the masterchain with the transactions of the shards' blocks that it is
// the first to know.
type round struct {
	at   pay.Block
	lt   Number
	txs  []Tx
	said [sha256.Size]byte // a hash of all that is read of it
}

// Scan implements chain.Driver. Each block is read from two nodes, if there are as many, which
// must have the same transactions.
func (d *Driver) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (found chain.Found, err error) {
	if to <= after.Height {
		return found, fmt.Errorf("scan after block %d up to %d", after.Height, to)
	}
	rounds, err := Agreed(ctx, d, func(ctx context.Context, n *Node) ([]round, error) { return n.rounds(ctx, after, to) }, common)
	if err != nil {
		return found, err
	}
	last := rounds[len(rounds)-1].at
	if len(d.Nodes) > 1 {
		b, err := d.Block(ctx, last.Height)
		if err != nil {
			return found, err
		}
		if !b.Is(last) {
			return found, fmt.Errorf("block %d is %s, not %s: %w", last.Height, b.Hash, last.Hash, chain.ErrFork)
		}
	}
	return d.collect(ctx, rounds, ours)
}

// common returns the beginning that two readings have in common.
func common(a, b []round) ([]round, bool) {
	n := 0
	for n < len(a) && n < len(b) && a[n].at.Is(b[n].at) && a[n].said == b[n].said {
		n++
	}
	return a[:n], n > 0
}

// rounds reads the blocks after one up to a height, or up to where the node has no more.
func (n *Node) rounds(ctx context.Context, after pay.Block, to uint64) (all []round, err error) {
	first, at, err := n.master(ctx, after.Height)
	if err != nil {
		return nil, err
	}
	if at.Hash == "" {
		return nil, fmt.Errorf("%s: block %d: %w", n.Name, after.Height, node.ErrBehind)
	}
	if !at.Is(after) {
		return nil, fmt.Errorf("%s: block %d is %s, not %s: %w", n.Name, at.Height, at.Hash, after.Hash, chain.ErrFork)
	}
	tops, err := n.tops(ctx, after.Height)
	if err != nil {
		return nil, err
	}
	for h, txs := after.Height+1, 0; h <= to && txs < maxTxs && len(all) < maxBlocks; {
		for _, p := range n.ahead(ctx, h, min(to, h+parallel-1)) {
			var r round
			if r, tops, err = n.round(p, h, tops); errors.Is(err, node.ErrBehind) && len(all) > 0 {
				return all, n.unchanged(ctx, first.StartLT, after, all)
			} else if err != nil {
				return nil, err
			}
			all, txs, h = append(all, r), txs+len(r.txs), h+1
		}
	}
	return all, n.unchanged(ctx, first.StartLT, after, all)
}

// part is what a node says of one block.
type part struct {
	blocks []Block
	counts map[BlockID]int // of transactions
	txs    []Tx
	tops   map[BlockID]bool
	err    error
}

// ahead reads blocks at the same time: there are several a second, and each takes several
// questions. After the first that cannot be read there are none.
func (n *Node) ahead(ctx context.Context, from, to uint64) []part {
	parts := make([]part, to-from+1)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { parts[i] = n.part(ctx, from+uint64(i)) }) //nolint:gosec // not negative
	}
	all.Wait()
	if i := slices.IndexFunc(parts, func(p part) bool { return p.err != nil }); i >= 0 {
		parts = parts[:i+1]
	}
	return parts
}

// unchanged makes sure that all the blocks that were read are of one chain: blocks do not name
// the hash of the one before, but the node has them all at one time.
func (n *Node) unchanged(ctx context.Context, from Number, after pay.Block, all []round) error {
	var answer Blocks
	if err := n.get(ctx, "/blocks", &answer, "workchain", "-1", "shard", masterShard,
		"start_lt", fmt.Sprint(uint64(from)), "end_lt", fmt.Sprint(uint64(all[len(all)-1].lt)),
		"sort", "asc", "limit", strconv.Itoa(maxBlocks+1)); err != nil {
		return err
	}
	// Sorted by time, of which several blocks may have the same.
	slices.SortFunc(answer.Blocks, func(a, b Block) int { return cmp.Compare(a.Seqno, b.Seqno) })
	want := []pay.Block{after}
	for _, r := range all {
		want = append(want, r.at)
	}
	if !slices.EqualFunc(want, answer.Blocks, func(w pay.Block, b Block) bool {
		at, err := b.position()
		return err == nil && at.Is(w)
	}) {
		return fmt.Errorf("%s: blocks after %d changed while they were read: %w", n.Name, after.Height, chain.ErrFork)
	}
	return nil
}

// tops asks for the newest block of each shard that a block of the masterchain knows.
func (n *Node) tops(ctx context.Context, height uint64) (map[BlockID]bool, error) {
	var answer Blocks
	if err := n.get(ctx, "/masterchainBlockShardState", &answer, "seqno", strconv.FormatUint(height, 10)); err != nil {
		if s, ok := errors.AsType[node.Status](err); ok && s.Code == 404 {
			return nil, fmt.Errorf("%s: shards of block %d: %w", n.Name, height, node.ErrBehind)
		}
		return nil, err
	}
	tops := map[BlockID]bool{}
	for _, b := range answer.Blocks {
		if !b.master() {
			tops[b.BlockID] = true
		}
	}
	if len(tops) == 0 {
		return nil, fmt.Errorf("%s: block %d has no shards", n.Name, height)
	}
	return tops, nil
}

// part reads one block, and makes sure that all that is said of it is part of it.
func (n *Node) part(ctx context.Context, h uint64) (p part) {
	fail := func(format string, args ...any) part {
		return part{err: fmt.Errorf("%s: block %d: %w", n.Name, h, fmt.Errorf(format, args...))}
	}
	var answer Blocks
	if err := n.get(ctx, "/blocks", &answer, "mc_seqno", strconv.FormatUint(h, 10), "limit", strconv.Itoa(maxShards)); err != nil {
		return part{err: err}
	}
	if len(answer.Blocks) == 0 {
		return fail("%w", node.ErrBehind)
	}
	total := 0
	p = part{blocks: answer.Blocks, counts: map[BlockID]int{}}
	for _, b := range p.blocks {
		if b.MasterRef == nil || uint64(b.MasterRef.Seqno) != h || b.TxCount < 0 || n.ours(b) != nil {
			return fail("a block that is not part of it")
		}
		if _, twice := p.counts[b.BlockID]; twice {
			return fail("a block twice")
		}
		p.counts[b.BlockID], total = b.TxCount, total+b.TxCount
	}
	if len(p.blocks) == maxShards || total > maxRound {
		return fail("%d blocks with %d transactions", len(p.blocks), total)
	}
	if p.tops, p.err = n.tops(ctx, h); p.err == nil {
		p.txs, p.err = n.transactions(ctx, h, p.counts, total)
	}
	return p
}

// round makes sure that a block follows on the one before. before are the shards' newest blocks
// in that: each block of a shard must follow on them, and those that are the newest now must be
// among them or be read, so that none is left out.
func (n *Node) round(p part, h uint64, before map[BlockID]bool) (r round, tops map[BlockID]bool, err error) {
	if p.err != nil {
		return r, nil, p.err
	}
	fail := func(format string, args ...any) (round, map[BlockID]bool, error) {
		return r, nil, fmt.Errorf("%s: block %d: %w", n.Name, h, fmt.Errorf(format, args...))
	}
	have := map[BlockID]bool{}
	for id := range before {
		have[id] = true
	}
	for _, b := range p.blocks {
		if !b.master() {
			have[b.BlockID] = true
			continue
		}
		if r.at.Hash != "" {
			return fail("a block twice")
		}
		if r.at, err = b.position(); err != nil || r.at.Height != h || len(b.Prev) != 1 || uint64(b.Prev[0].Seqno)+1 != h {
			return fail("another block")
		}
		r.lt = b.StartLT
	}
	if r.at.Hash == "" {
		return fail("it is not among its blocks")
	}
	followed := map[BlockID]bool{}
	for _, b := range p.blocks {
		for _, id := range b.Prev {
			if followed[id] = true; !b.master() && !have[id] {
				return fail("a block of shard %s is missing: %d", id.Shard, id.Seqno)
			}
		}
	}
	for id := range have {
		if !p.tops[id] && !followed[id] {
			return fail("block %d of shard %s leads nowhere", id.Seqno, id.Shard)
		}
	}
	for id := range p.tops {
		if !have[id] {
			return fail("a block of shard %s is missing: %d", id.Shard, id.Seqno)
		}
	}
	r.txs, r.said = p.txs, digest(p.txs)
	return r, p.tops, nil
}

// transactions reads those of a block, which must be as many for each block as it says.
func (n *Node) transactions(ctx context.Context, h uint64, counts map[BlockID]int, total int) (all []Tx, err error) {
	seen := map[string]bool{}
	for short := false; len(all) < total && !short; {
		var answer Transactions
		if err := n.get(ctx, "/transactionsByMasterchainBlock", &answer, "seqno", strconv.FormatUint(h, 10),
			"sort", "asc", "limit", strconv.Itoa(pageSize), "offset", strconv.Itoa(len(all))); err != nil {
			return nil, err
		}
		for _, t := range answer.Transactions {
			hash, err := hexHash(t.Hash)
			if err != nil || seen[hash] || uint64(t.McSeqno) != h || counts[t.Block] == 0 {
				return nil, fmt.Errorf("%s: block %d: a transaction that is not part of it, or twice", n.Name, h)
			}
			if err := t.sound(); err != nil {
				return nil, fmt.Errorf("%s: transaction %s: %w", n.Name, hash, err)
			}
			t.Hash, seen[hash] = hash, true
			counts[t.Block]--
			all = append(all, t)
		}
		short = len(answer.Transactions) < pageSize
	}
	if len(all) != total {
		return nil, fmt.Errorf("%s: block %d has %d transactions, not %d", n.Name, h, total, len(all))
	}
	slices.SortFunc(all, func(a, b Tx) int { return cmp.Or(cmp.Compare(a.LT, b.LT), strings.Compare(a.Hash, b.Hash)) })
	return all, nil
}

// sound checks what can be checked of a transaction by itself.
func (t Tx) sound() error {
	for _, m := range t.messages() {
		if _, err := units(m.Value); err != nil {
			return err
		}
		if m.Content == nil {
			continue
		}
		if _, err := m.body(); err != nil {
			return err
		}
	}
	if t.Description.Aborted == nil && t.Description.Type == "ord" {
		return errors.New("a transaction without an outcome")
	}
	return nil
}

func (t Tx) messages() []Msg {
	if t.In == nil {
		return t.Out
	}
	return append([]Msg{*t.In}, t.Out...)
}

// digest hashes all that matters of transactions.
func digest(txs []Tx) [sha256.Size]byte {
	h := sha256.New()
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	for _, t := range txs {
		_, _ = fmt.Fprintf(h, "%q %q %d %t %t %t\n", t.Account, t.Hash, t.LT, t.Failed(), t.Description.Bounce != nil, t.In != nil)
		for _, m := range t.messages() {
			content := ""
			if m.Content != nil {
				content = m.Content.Hash
			}
			_, _ = fmt.Fprintf(h, "%q %q %q %t %q\n", text(m.Source), text(m.Destination), text(m.Value), m.bounced(), content)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}
