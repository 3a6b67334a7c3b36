// Package fake is a blockchain in memory that tests and the simulator script. It
// is its own driver.
package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Content is what a block holds. Blocks are filled in by the chain; every TxHash
// and Index is the caller's.
type Content struct {
	Deposits []pay.Deposit
	Sweeps   []pay.Sweep
	Hidden   map[string]money.Units // native coin that arrives at addresses without a trace but the balance
}

// Faults are what is wrong with the node. The zero Faults are none.
type Faults struct {
	Fail func(call string) error // asked before each call, by its method's name; what it returns the call returns
	Hang bool                    // calls last until their context ends
	Lag  uint64                  // the node is this many blocks behind
	Omit bool                    // scans find nothing, as if a driver believed a node that leaves things out
	Lie  map[uint64]string       // hashes that Block returns instead of the right ones
}

// Chain is a blockchain. Mine adds blocks; Fork replaces the newest ones.
type Chain struct {
	Network pay.NetworkName // what findings are of
	// Rule is asked, with the height of the node's head, for the height that is final: the
	// network's own rule, whatever it is called. Needed only if a watcher asks for it.
	Rule func(head uint64) uint64

	mu     sync.Mutex
	blocks []block
	mined  int
	faults Faults
}

type block struct {
	pay.Block
	Content
}

// New returns a chain that holds only its first block.
func New(n pay.NetworkName) *Chain {
	c := &Chain{Network: n}
	c.Mine(Content{})
	return c
}

// Break makes the node faulty from now on.
func (c *Chain) Break(f Faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
}

// Mine adds a block.
func (c *Chain) Mine(in Content) pay.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mine(in)
}

func (c *Chain) mine(in Content) pay.Block {
	c.mined++
	height := uint64(len(c.blocks))
	b := block{Block: pay.Block{Height: height, Hash: fmt.Sprintf("0x%064x", c.mined), Time: time.Unix(1_700_000_000+int64(height), 0).UTC()}}
	b.Hidden = maps.Clone(in.Hidden)
	for _, d := range in.Deposits {
		d.Network, d.Block = c.Network, b.Block
		b.Deposits = append(b.Deposits, d)
	}
	for _, s := range in.Sweeps {
		s.Network, s.Block = c.Network, b.Block
		b.Sweeps = append(b.Sweeps, s)
	}
	c.blocks = append(c.blocks, b)
	return b.Block
}

// Fork drops the newest depth blocks and mines one more than that in their place,
// the first of them with the given content. It returns what the dropped held.
func (c *Chain) Fork(depth int, in Content) (dropped []Content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := len(c.blocks) - depth
	for _, b := range c.blocks[keep:] {
		dropped = append(dropped, b.Content)
	}
	c.blocks = c.blocks[:keep:keep]
	c.mine(in)
	for range depth {
		c.mine(Content{})
	}
	return dropped
}

// Contents returns what the blocks of the chain hold up to a height.
func (c *Chain) Contents(to uint64) (all Content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all.Hidden = map[string]money.Units{}
	for _, b := range c.blocks[:min(to+1, uint64(len(c.blocks)))] {
		all.Deposits = append(all.Deposits, b.Deposits...)
		all.Sweeps = append(all.Sweeps, b.Sweeps...)
		for a, u := range b.Hidden {
			all.Hidden[a] = all.Hidden[a].Add(u)
		}
	}
	return all
}

// enter applies the faults to a call and returns the blocks the node knows.
func (c *Chain) enter(ctx context.Context, call string) ([]block, Faults, error) {
	c.mu.Lock()
	f, blocks := c.faults, c.blocks
	c.mu.Unlock()
	if f.Hang {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, f, err
	}
	if f.Fail != nil {
		if err := f.Fail(call); err != nil {
			return nil, f, err
		}
	}
	return blocks[:len(blocks)-int(min(f.Lag, uint64(len(blocks)-1)))], f, nil
}

// Head implements chain.Driver.
func (c *Chain) Head(ctx context.Context) (pay.Block, error) {
	blocks, _, err := c.enter(ctx, "Head")
	if err != nil {
		return pay.Block{}, err
	}
	return blocks[len(blocks)-1].Block, nil
}

// Final implements chain.Finalizer.
func (c *Chain) Final(ctx context.Context, _ pay.Finality) (pay.Block, error) {
	blocks, _, err := c.enter(ctx, "Final")
	if err != nil {
		return pay.Block{}, err
	}
	return blocks[c.Rule(uint64(len(blocks)-1))].Block, nil
}

// Block implements chain.Driver.
func (c *Chain) Block(ctx context.Context, height uint64) (pay.Block, error) {
	blocks, f, err := c.enter(ctx, "Block")
	if err != nil {
		return pay.Block{}, err
	}
	if height >= uint64(len(blocks)) {
		return pay.Block{}, fmt.Errorf("no block %d yet", height)
	}
	b := blocks[height].Block
	if lie, ok := f.Lie[height]; ok {
		b.Hash = lie
	}
	return b, nil
}

// Scan implements chain.Driver.
func (c *Chain) Scan(ctx context.Context, after pay.Block, to uint64, ours chain.Ours) (chain.Found, error) {
	blocks, f, err := c.enter(ctx, "Scan")
	if err != nil {
		return chain.Found{}, err
	}
	to = min(to, uint64(len(blocks)-1))
	if to <= after.Height {
		return chain.Found{}, fmt.Errorf("no block %d yet", after.Height+1)
	}
	if !blocks[after.Height].Is(after) {
		return chain.Found{}, chain.ErrFork
	}
	read := blocks[after.Height+1 : to+1]
	found := chain.Found{Last: read[len(read)-1].Block, Blocks: len(read)}
	if f.Omit {
		return found, nil
	}
	var ask []string
	for _, b := range read {
		for _, d := range b.Deposits {
			ask = append(ask, d.Address)
		}
		for _, s := range b.Sweeps {
			ask = append(ask, s.Address)
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	mine, err := ours(ctx, ask)
	if err != nil {
		return chain.Found{}, fmt.Errorf("ask which of %d addresses are ours: %w", len(ask), err)
	}
	for _, b := range read {
		for _, d := range b.Deposits {
			if mine[d.Address] != "" {
				found.Deposits = append(found.Deposits, d)
			}
		}
		for _, s := range b.Sweeps {
			if mine[s.Address] != "" {
				found.Sweeps = append(found.Sweeps, s)
			}
		}
	}
	return found, nil
}

// Surplus implements chain.Driver.
func (c *Chain) Surplus(ctx context.Context, at pay.Block, probes []pay.Probe) (ds []pay.Deposit, err error) {
	blocks, _, err := c.enter(ctx, "Surplus")
	if err != nil {
		return nil, err
	}
	if at.Height >= uint64(len(blocks)) || !blocks[at.Height].Is(at) {
		return nil, errors.New("unknown block")
	}
	for _, p := range probes {
		surplus, _ := balance(blocks[:at.Height+1], p.Address).Sub(p.Expected)
		if !surplus.IsZero() {
			ds = append(ds, pay.Deposit{
				Network: c.Network, TxHash: "balance:" + at.Hash + ":" + p.Address, Index: pay.IndexSurplus,
				Block: at, Address: p.Address, Units: surplus,
			})
		}
	}
	return ds, nil
}

func balance(blocks []block, address string) money.Units {
	sum := new(big.Int)
	for _, b := range blocks {
		for _, d := range b.Deposits {
			if d.Address == address && d.Token == "" {
				sum.Add(sum, d.Units.Big())
			}
		}
		sum.Add(sum, b.Hidden[address].Big())
		for _, s := range b.Sweeps {
			if s.Address == address && s.Token == "" {
				sum.Sub(sum, s.Units.Big())
			}
		}
	}
	return money.NewUnits(sum)
}
