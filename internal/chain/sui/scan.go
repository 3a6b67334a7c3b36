package sui

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

const (
	maxTxs   = 20_000 // in one checkpoint; the network allows half of that
	maxScan  = 100    // checkpoints in one scan
	parallel = 8      // checkpoints asked for at once
)

// What is asked of a checkpoint. Only encodings prove anything; the rest is the node's word.
var (
	summaryOnly = []string{"digest", "summary.bcs"}
	everything  = append([]string{
		"contents.bcs", "transactions.digest", "transactions.transaction.sender",
		"transactions.effects.status", "transactions.effects.gas_used", "transactions.balance_changes",
	}, summaryOnly...)
)

// checkpoint is what a node says of a checkpoint. The zero checkpoint is none.
type checkpoint struct {
	Summary
	block    pay.Block
	txs      []moved
	charged  string // a transaction that paid for gas, if there is one
	unlisted bool   // which transactions are in it is the node's word: their list has a form that is not known
}

// moves reports whether a balance changed in it.
func (c checkpoint) moves() bool {
	return slices.ContainsFunc(c.txs, func(t moved) bool { return len(t.changes) > 0 })
}

// moved is what a transaction moved.
type moved struct {
	digest  string
	sender  string
	ok      bool
	changes []change // by address and coin; none twice
}

// change is by how much more, or less, an address holds of a coin.
type change struct {
	address string
	token   string // canonical coin
	units   *big.Int
}

var signedDecimal = regexp.MustCompile(`^-?[0-9]{1,39}$`)

// checkpoint asks a node for the checkpoint at a height, nil for the newest. The zero
// checkpoint means that the node does not have it.
func (n *Node) checkpoint(ctx context.Context, height *uint64, mask ...string) (c checkpoint, err error) {
	var f Fields
	if height != nil {
		f = f.Uint(1, *height)
	}
	m, err := n.Call(ctx, GetCheckpoint, f.Mask(3, mask...))
	if Refused(err, CodeNotFound) && height != nil {
		return checkpoint{}, nil
	}
	if err == nil {
		c, err = parseCheckpoint(m, len(mask) > len(summaryOnly))
	}
	if err == nil && height != nil && c.Height != *height {
		err = fmt.Errorf("the answer is checkpoint %d, asked was %d", c.Height, *height)
	}
	if err == nil && c.charged != "" && !c.moves() {
		err = n.idle(ctx, c)
	}
	if err != nil {
		return checkpoint{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	return c, nil
}

// idle makes sure that nothing moved in a checkpoint in which gas was paid: that is possible, if
// hardly ever so, but some servers leave the changes out of checkpoints, not out of transactions.
func (n *Node) idle(ctx context.Context, c checkpoint) error {
	m, err := n.Call(ctx, GetTransaction, Fields{}.Text(1, c.charged).Mask(2, "digest", "balance_changes"))
	if err != nil {
		return err
	}
	tx, err := m.At(1)
	if err == nil && (tx.Text(1) != c.charged || tx.Has(8)) {
		err = fmt.Errorf("checkpoint %d comes without what its transactions moved", c.Height)
	}
	return err
}

// parseCheckpoint reads an answer, of which the summary is proven by its digest and the
// transactions by the summary.
func parseCheckpoint(m Message, full bool) (c checkpoint, err error) {
	m, err = m.At(1)
	if err != nil {
		return c, err
	}
	summary, err := m.At(3, 1)
	if err != nil {
		return c, err
	}
	if c.Summary, err = DecodeSummary(summary.Bytes(2)); err != nil {
		return c, err
	}
	digest := SummaryDigest(summary.Bytes(2))
	if said := m.Text(2); said != digest.String() { // damaged on its way, which is not to be taken for another checkpoint
		return c, fmt.Errorf("checkpoint %d is said to be %.60q and its summary is %s", c.Height, said, digest)
	}
	c.block = c.Summary.block(digest)
	if !full {
		return c, nil
	}
	contents, err := m.At(5, 1)
	if err != nil {
		return c, err
	}
	if ContentsDigest(contents.Bytes(2)) != c.Contents {
		return c, fmt.Errorf("the contents of checkpoint %d are not those of its summary", c.Height)
	}
	digests, err := DecodeContents(contents.Bytes(2))
	if c.unlisted = errors.Is(err, errForm); err != nil && !c.unlisted {
		return c, err
	}
	if err := m.Each(6, func(m Message) error {
		t, charged, err := parseTx(m)
		if c.txs = append(c.txs, t); charged && c.charged == "" {
			c.charged = t.digest
		}
		return err
	}); err != nil {
		return c, err
	}
	if len(c.txs) > maxTxs || !c.unlisted && !slices.EqualFunc(c.txs, digests, func(t moved, d Digest) bool { return t.digest == d.String() }) {
		return c, fmt.Errorf("the transactions of checkpoint %d are not those of its contents", c.Height)
	}
	return c, nil
}

func parseTx(m Message) (t moved, charged bool, err error) {
	t.digest = m.Text(1)
	tx, err := m.At(2)
	if err != nil {
		return t, false, err
	}
	if t.sender, err = Canonical(tx.Text(5)); err != nil {
		t.sender = "" // the system's, which sends nothing to us
	}
	effects, err := m.At(4)
	if err != nil {
		return t, false, err
	}
	status, err := effects.At(4)
	if err != nil {
		return t, false, err
	}
	gas, err := effects.At(6)
	if err != nil {
		return t, false, err
	}
	if !status.Has(1) {
		return t, false, fmt.Errorf("transaction %.50q comes without its outcome", t.digest)
	}
	t.ok = status.Uint(1) == 1
	err = m.Each(8, func(m Message) error {
		address, err := Canonical(m.Text(1))
		if errors.Is(err, errSystem) {
			return nil // an object, not an account
		}
		if err != nil || m.Text(2) == "" {
			return fmt.Errorf("the balance of %.70q in %.50q changes", m.Text(1), m.Text(2))
		}
		if !signedDecimal.MatchString(m.Text(3)) {
			return fmt.Errorf("a balance changes by %.50q", m.Text(3))
		}
		units, _ := new(big.Int).SetString(m.Text(3), 10)
		coin, err := CanonicalCoin(m.Text(2))
		if err != nil {
			coin = m.Text(2) // not the form of any that is configured
		}
		t.changes = append(t.changes, change{address, coin, units})
		return nil
	})
	slices.SortFunc(t.changes, change.compare)
	if slices.ContainsFunc(t.changes, func(c change) bool { return c.units.Sign() == 0 }) ||
		len(slices.CompactFunc(slices.Clone(t.changes), func(a, b change) bool { return a.compare(b) == 0 })) != len(t.changes) {
		return t, false, fmt.Errorf("transaction %.50q changes a balance twice, or by nothing", t.digest)
	}
	return t, gas.Uint(1) > 0, err
}

func (c change) compare(o change) int {
	return cmp.Or(cmp.Compare(c.address, o.address), cmp.Compare(c.token, o.token))
}

// fingerprint is of all that a node says: those of two that agree are equal.
func (c checkpoint) fingerprint() string {
	h := sha256.New()
	for _, t := range c.txs {
		_, _ = fmt.Fprintln(h, t.digest, t.sender, t.ok)
		for _, b := range t.changes {
			_, _ = fmt.Fprintf(h, "%s %q %s\n", b.address, b.token, b.units)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Scan implements chain.Driver. Every checkpoint is agreed on by two nodes, if there are so
// many, with all that its transactions moved.
func (d *Driver) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (found chain.Found, err error) {
	nodes, err := d.ready()
	if err != nil {
		return chain.Found{}, err
	}
	if to <= after.Height {
		return chain.Found{}, fmt.Errorf("scan after block %d up to %d", after.Height, to)
	}
	cs, err := d.checkpoints(ctx, nodes, after, min(to, after.Height+maxScan))
	if err != nil {
		return chain.Found{}, err
	}
	mine, err := mine(ctx, cs, ours)
	if err != nil {
		return chain.Found{}, err
	}
	found = chain.Found{Last: cs[len(cs)-1].block, Blocks: len(cs)}
	for _, c := range cs {
		for _, t := range c.txs {
			if t.ok {
				d.collect(&found, c.block, t, mine)
			}
		}
	}
	return found, nil
}

// checkpoints reads the checkpoints after one up to a height, or up to where the nodes have
// no more of them.
func (d *Driver) checkpoints(ctx context.Context, nodes *node.Pool[*Node], after pay.Block, to uint64) (cs []checkpoint, err error) {
	read, errs := make([]checkpoint, to-after.Height), make([]error, to-after.Height)
	var all errgroup.Group
	all.SetLimit(parallel)
	var failed atomic.Bool // and none after it is of use
	for i := range read {
		if failed.Load() {
			errs[i] = node.ErrBehind
			continue
		}
		all.Go(func() error {
			if read[i], errs[i] = d.agreed(ctx, nodes, after.Height+1+uint64(i)); errs[i] != nil { //nolint:gosec // not negative
				failed.Store(true)
			}
			return nil
		})
	}
	_ = all.Wait()
	parent, charge, change := after.Hash, false, false
	var total uint64 // of transactions, up to the checkpoint before
	for i, c := range read {
		if errs[i] != nil || c.Previous.String() != parent {
			if i == 0 && errs[i] == nil {
				return nil, fmt.Errorf("block %d does not follow %s: %w", c.Height, after.Hash, chain.ErrFork)
			}
			if i == 0 {
				return nil, errs[i]
			}
			break
		}
		if c.unlisted {
			if i == 0 {
				if total, err = d.total(ctx, nodes, after); err != nil {
					return nil, err
				}
			}
			if c.Total-total != uint64(len(c.txs)) {
				return nil, fmt.Errorf("checkpoint %d has %d transactions, %d were told", c.Height, c.Total-total, len(c.txs))
			}
			d.warn.Do(func() {
				d.Log.WarnContext(ctx, "checkpoints list their transactions in a form that this release does not know; the nodes are believed which they are, so update soon", "network", d.Network, "checkpoint", c.Height)
			})
		}
		cs, parent, total = append(cs, c), c.block.Hash, c.Total
		charge, change = charge || c.charged != "", change || c.moves()
	}
	if charge && !change {
		return nil, errors.New("gas was paid and nobody's balance changed: the nodes keep no index of balances (see rpc.enable-indexing)")
	}
	return cs, nil
}

// total is how many transactions there were up to a checkpoint, which its hash proves.
func (d *Driver) total(ctx context.Context, nodes *node.Pool[*Node], at pay.Block) (total uint64, err error) {
	err = nodes.Try(ctx, func(n *Node) error {
		c, err := n.checkpoint(ctx, &at.Height, summaryOnly...)
		if err == nil && c.block.Hash != at.Hash {
			err = fmt.Errorf("%s does not have checkpoint %s", n.Name, at.Hash)
		}
		total = c.Total
		return err
	}, nil)
	return total, err
}

// agreed returns what two nodes say of a checkpoint; of a network with one node, what it says.
func (d *Driver) agreed(ctx context.Context, nodes *node.Pool[*Node], height uint64) (checkpoint, error) {
	return node.Agreed(ctx, nodes, func(ctx context.Context, n *Node) (checkpoint, error) {
		c, err := n.checkpoint(ctx, &height, everything...)
		if err == nil && c.block.Hash == "" {
			err = fmt.Errorf("%s: checkpoint %d: %w", n.Name, height, node.ErrBehind)
		}
		if err == nil {
			err = nodes.OnTime(n, c.block)
		}
		return c, err
	}, func(a, b checkpoint) (checkpoint, bool) {
		return a, a.block.Is(b.block) && a.fingerprint() == b.fingerprint()
	})
}

// mine asks which of the addresses whose balance changed are ours.
func mine(ctx context.Context, cs []checkpoint, ours chain.Ours) (map[string]string, error) {
	addresses := map[string]bool{}
	for _, c := range cs {
		for _, t := range c.txs {
			for _, b := range t.changes {
				addresses[b.address] = true
			}
		}
	}
	if len(addresses) == 0 {
		return nil, nil
	}
	mine, err := ours(ctx, slices.Sorted(maps.Keys(addresses)))
	if err != nil {
		return nil, fmt.Errorf("ask which of %d addresses are ours: %w", len(addresses), err)
	}
	return mine, nil
}

// collect adds what a successful transaction did to addresses of ours. A finding's index is
// the position of its change among all of the transaction's, sorted by address and coin.
func (d *Driver) collect(found *chain.Found, at pay.Block, t moved, mine map[string]string) {
	for i, c := range t.changes {
		if mine[c.address] == "" || !slices.ContainsFunc(d.Tokens, func(k pay.Token) bool { return k.Address == c.token }) {
			continue
		}
		if c.units.Sign() > 0 {
			found.Deposits = append(found.Deposits, pay.Deposit{
				Network: d.Network, TxHash: t.digest, Index: i, Block: at,
				Address: c.address, Token: c.token, Units: money.NewUnits(c.units), From: t.sender,
			})
			continue
		}
		found.Sweeps = append(found.Sweeps, pay.Sweep{
			Network: d.Network, TxHash: t.digest, Index: i, Block: at,
			Address: c.address, Token: c.token, Units: money.NewUnits(new(big.Int).Neg(c.units)), To: receiver(t, c),
		})
	}
}

// receiver is who gained what an address lost: of several, who gained the most; the address
// itself when nobody did, such as when a contract took it.
func receiver(t moved, lost change) string {
	best := change{address: lost.address, units: new(big.Int)}
	for _, c := range t.changes {
		if c.token == lost.token && c.units.Cmp(best.units) > 0 {
			best = c
		}
	}
	return strings.Clone(best.address)
}
