// Package evm reads networks of the Ethereum family over JSON-RPC. It takes
// nodes for hostile: a block counts only if its header hashes to the block's
// hash and names the block before, its transactions and receipts only if they
// hash to the header's roots, a balance only if it is proven from the state
// root. So a node can withhold, which costs time, but not leave out or invent.
// What a lone node cannot prove, that its chain is the one everybody follows, a
// second node confirms.
package evm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

const (
	// stale is how much older than another's a node's head must be for the node to
	// have no say.
	stale = 2 * time.Minute
	// future is how far a block's time may be ahead of our clock.
	future = 15 * time.Second
)

// Driver implements chain.Driver. It may be used concurrently; its fields must
// not change once it is.
type Driver struct {
	Nodes   []string // URLs of JSON-RPC endpoints over HTTP, best first; at least one
	Network pay.NetworkName
	ChainID uint64
	Tokens  []common.Address // contracts whose Transfer logs count
	Factory common.Address   // the contract whose Swept logs count
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for http.DefaultTransport
	Timeout time.Duration     // for one request; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   []*node
	openErr error
	mu      sync.Mutex
	turn    int             // which node is asked first for balances
	proofs  map[string]bool // nodes known to have no proofs, by name
}

var (
	errBehind = errors.New("no node has the block yet")
	// ErrDisagree means that nodes have different blocks at one height, or that one
	// which is up to date does not have it. It passes when they agree again.
	ErrDisagree = errors.New("the nodes disagree")
)

// ready returns the nodes that are not passed over, best first; if all are, the
// one that is to be asked again the soonest.
func (d *Driver) ready() ([]*node, error) {
	d.once.Do(func() {
		transport := d.HTTP
		if transport == nil {
			transport = http.DefaultTransport
		}
		timeout := d.Timeout
		if timeout <= 0 {
			timeout = callTime
		}
		for i, url := range d.Nodes {
			n, err := dial(url, fmt.Sprintf("%s node %d", d.Network, i+1), d.ChainID, timeout, transport, d.Now)
			if err != nil {
				d.openErr = err
				return
			}
			d.nodes = append(d.nodes, n)
		}
		if len(d.nodes) == 0 {
			d.openErr = fmt.Errorf("%s has no nodes", d.Network)
		}
		d.proofs = map[string]bool{}
	})
	if d.openErr != nil {
		return nil, d.openErr
	}
	var ready []*node
	now := d.Now()
	for _, n := range d.nodes {
		if !n.pausedUntil().After(now) {
			ready = append(ready, n)
		}
	}
	if len(ready) == 0 {
		return []*node{slices.MinFunc(d.nodes, func(a, b *node) int { return a.pausedUntil().Compare(b.pausedUntil()) })}, nil
	}
	return ready, nil
}

// blame passes a node over because of an error, unless we ended the call.
func (d *Driver) blame(ctx context.Context, n *node, err error) {
	if ctx.Err() != nil {
		return
	}
	n.fault()
	d.Meter.RPCError(string(d.Network), slices.Index(d.nodes, n)+1)
	d.Log.DebugContext(ctx, "node passed over", "node", n.name, "until", n.pausedUntil(), "error", err)
}

// Head implements chain.Driver. With several nodes it is the newest block that
// two of them have reached, so that it can be confirmed; a node whose own head is
// minutes older than another's has no say.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	heads, errs := make([]pay.Block, len(nodes)), make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			if heads[i], errs[i] = d.at(ctx, n, "latest"); errs[i] != nil {
				d.blame(ctx, n, errs[i])
			}
		})
	}
	all.Wait()
	var answered []pay.Block
	for i, n := range nodes {
		n.claim(heads[i])
		if errs[i] == nil {
			answered = append(answered, heads[i])
		}
	}
	if len(answered) == 0 {
		return pay.Block{}, errors.Join(errs...)
	}
	newest := slices.MaxFunc(answered, func(a, b pay.Block) int { return a.Time.Compare(b.Time) })
	answered = slices.DeleteFunc(answered, func(b pay.Block) bool { return newest.Time.Sub(b.Time) > stale })
	slices.SortFunc(answered, func(a, b pay.Block) int { return cmp.Compare(b.Height, a.Height) })
	return answered[min(1, len(answered)-1)], nil
}

// isStale reports whether a head is minutes older than the newest any node has.
func (d *Driver) isStale(head pay.Block) bool {
	for _, n := range d.nodes {
		if n.claimed().Time.Sub(head.Time) > stale {
			return true
		}
	}
	return false
}

// at asks a node for the block at a height in hexadecimal, or "latest". The zero
// block means that the node does not have it.
func (d *Driver) at(ctx context.Context, n *node, height string) (pay.Block, error) {
	answers, err := n.ask(ctx, call{"eth_getBlockByNumber", []any{height, false}})
	if err != nil {
		return pay.Block{}, err
	}
	if answers[0] == nil {
		if height == "latest" {
			return pay.Block{}, fmt.Errorf("%s has no newest block", n.name)
		}
		return pay.Block{}, nil
	}
	return d.position(n, answers[0], height)
}

func (d *Driver) position(n *node, raw json.RawMessage, height string) (pay.Block, error) {
	b, err := parseHeader(raw)
	if err != nil {
		return pay.Block{}, fmt.Errorf("%s: %w", n.name, err)
	}
	p := b.position()
	if height != "latest" && height != hexutil.EncodeUint64(p.Height) {
		return pay.Block{}, fmt.Errorf("%s answers with block %d for %s", n.name, p.Height, height)
	}
	if p.Time.After(d.Now().Add(future)) {
		return pay.Block{}, fmt.Errorf("%s: block %d is of the future: %s", n.name, p.Height, p.Time)
	}
	return p, nil
}

// Block implements chain.Driver. With several nodes two must agree on the block;
// one is enough when no other answers, or the others are minutes behind.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	var (
		votes   []pay.Block
		voters  []*node
		without bool // a node that is up to date does not have it
		errs    []error
	)
	for _, n := range nodes {
		b, err := d.at(ctx, n, hexutil.EncodeUint64(height))
		switch {
		case err != nil:
			d.blame(ctx, n, err)
			errs = append(errs, err)
			continue
		case b.Hash == "":
			without = without || !d.isStale(n.claimed())
			continue
		}
		if slices.ContainsFunc(votes, b.Is) {
			for i, v := range voters {
				if !votes[i].Is(b) {
					d.blame(ctx, v, fmt.Errorf("block %d is %s, not %s", height, b.Hash, votes[i].Hash))
				}
			}
			return b, nil
		}
		votes, voters = append(votes, b), append(voters, n)
	}
	switch {
	case len(votes) == 1 && !without:
		return votes[0], nil
	case len(votes) > 0:
		return pay.Block{}, fmt.Errorf("block %d: %w: %d hashes, one without: %v", height, ErrDisagree, len(votes), without)
	case len(errs) > 0:
		return pay.Block{}, errors.Join(errs...)
	}
	return pay.Block{}, fmt.Errorf("block %d: %w", height, errBehind)
}
