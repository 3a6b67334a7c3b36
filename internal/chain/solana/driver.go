package solana

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

var _ chain.Finder = (*Driver)(nil)

// Driver implements chain.Driver. Heights are slots, some of which have no block. It may be
// used concurrently; its fields must not change once it is.
type Driver struct {
	Nodes   []string // URLs of JSON-RPC endpoints over HTTP, best first; at least one
	Network pay.NetworkName
	Genesis string      // the hash of the chain's first block, which names the chain
	Tokens  []pay.Token // of the network, the native coin among them or not
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for http.DefaultTransport
	Timeout time.Duration     // for one request; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   *node.Pool[*endpoint]
	openErr error
	mints   map[string]bool // of the tokens that count
}

// ready returns the nodes, which it makes when it is first asked.
func (d *Driver) ready() (*node.Pool[*endpoint], error) {
	d.once.Do(func() {
		d.nodes = &node.Pool[*endpoint]{Network: d.Network, Log: d.Log, Now: d.Now, Meter: d.Meter}
		client := node.UpTo(maxAnswer, node.HTTPClient(d.HTTP, d.Timeout))
		for i, url := range d.Nodes {
			d.nodes.Nodes = append(d.nodes.Nodes, &endpoint{
				State: &node.State{Name: fmt.Sprintf("%s node %d", d.Network, i+1)}, Endpoint: node.Endpoint{URL: url, Client: client}, genesis: d.Genesis, width: firstAtOnce,
			})
		}
		if len(d.Nodes) == 0 {
			d.openErr = fmt.Errorf("%s has no nodes", d.Network)
		}
		d.mints = map[string]bool{}
		for _, t := range d.Tokens {
			if t.Address != "" {
				d.mints[t.Address] = true
			}
		}
	})
	return d.nodes, d.openErr
}

// Head implements chain.Driver.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Head(ctx, func(ctx context.Context, n *endpoint) (pay.Block, error) {
		var slot uint64
		if some, err := n.ask(ctx, &slot, "getSlot", finalized()); err != nil || !some {
			return pay.Block{}, orNone(err, n, "newest slot")
		}
		b, err := n.block(ctx, slot)
		if err == nil && b.Hash == "" && slot > 8 { // what stands behind one address may be several machines
			b, err = n.block(ctx, slot-8)
		}
		if err == nil && b.Hash == "" {
			err = fmt.Errorf("%s does not have the block of its newest slot, %d", n.Name, slot)
		}
		return b, err
	})
}

// Block implements chain.Driver.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Block(ctx, height, func(ctx context.Context, n *endpoint) (pay.Block, error) { return n.block(ctx, height) })
}

// block asks a node for the block of a slot, or the newest below it if the slot has none. The
// zero block means that the node has not come that far.
func (n *endpoint) block(ctx context.Context, slot uint64) (pay.Block, error) {
	h, err := n.header(ctx, slot)
	if !isNoBlock(err) {
		return h.Block, err
	}
	var head uint64
	if _, err := n.ask(ctx, &head, "getSlot", finalized()); err != nil || slot > head {
		return pay.Block{}, err
	}
	slots, err := n.slots(ctx, slot, 1)
	if err != nil || len(slots) == 0 {
		return pay.Block{}, orNone(err, n, "block at or above its own head")
	}
	next, err := n.header(ctx, slots[0])
	if err != nil || next.Height == slot {
		return next.Block, err
	}
	if next.parentSlot >= slot {
		return pay.Block{}, fmt.Errorf("%s: block %d follows %d, which it has not", n.Name, next.Height, next.parentSlot)
	}
	if h, err = n.header(ctx, next.parentSlot); err == nil && h.Hash != next.parent {
		err = fmt.Errorf("%s: block %d is not the one that %d follows", n.Name, h.Height, next.Height)
	}
	return h.Block, err
}

// slots returns the next slots that have blocks.
func (n *endpoint) slots(ctx context.Context, from uint64, limit int) (slots []uint64, err error) {
	if _, err = n.ask(ctx, &slots, "getBlocksWithLimit", from, limit, finalized()); err != nil {
		return nil, err
	}
	if len(slots) > limit || !slices.IsSorted(slots) || len(slots) > 0 && slots[0] < from {
		return nil, fmt.Errorf("%s lists slots that were not asked for", n.Name)
	}
	return slots, nil
}

func orNone(err error, n *endpoint, what string) error {
	if err == nil {
		err = fmt.Errorf("%s has no %s", n.Name, what)
	}
	return err
}

// Verify fails when a node is of another chain, or a token is not what it is configured to
// be, or one that payments cannot be taken in. A node that does not answer does not matter
// while another does.
func (d *Driver) Verify(ctx context.Context) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	for _, n := range nodes.Nodes {
		if err := n.check(ctx); errors.Is(err, errOther) {
			return err
		}
	}
	mints, err := d.Mints(ctx)
	if err != nil {
		return err
	}
	for _, t := range d.Tokens {
		m, ok := mints[t.Address]
		switch {
		case t.Address == "":
			continue
		case !ok:
			return fmt.Errorf("%s: no token is at %s on %s", t.Symbol, t.Address, d.Network)
		case m.Decimals != t.Decimals:
			return fmt.Errorf("%s at %s has %d decimals, not %d", t.Symbol, t.Address, m.Decimals, t.Decimals)
		}
		if err := m.Refused(); err != nil {
			return fmt.Errorf("%s at %s cannot be taken: %w", t.Symbol, t.Address, err)
		}
		if m.Revocable {
			d.Log.WarnContext(ctx, "the issuer of this token can take it back from whoever holds it", "network", d.Network, "token", t.Symbol)
		}
	}
	return nil
}
