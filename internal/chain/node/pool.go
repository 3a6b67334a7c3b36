// Package node asks the nodes of a network, each of which may lie, lag, hang or be of
// another chain: which of them are passed over for now, and what two of them agree on.
// How a node is asked is the driver's to know.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// Stale is how much older than another's a node's head must be for the node to have no
// say.
const Stale = 2 * time.Minute

// future is how far a block's time may be ahead of our clock.
const future = 15 * time.Second

var (
	// ErrBehind means that no node has the block yet.
	ErrBehind = errors.New("no node has the block yet")
	// ErrDisagree means that nodes have different blocks at one height, or that one
	// which is up to date does not have it. It passes when they agree again.
	ErrDisagree = errors.New("the nodes disagree")
)

// AheadError is the fault of a node whose block is of the future. When every node says so,
// it is our clock that is wrong, or the network's.
type AheadError struct {
	Node   string // its name for logs
	Height uint64
	By     time.Duration // how far the block's time is ahead of our clock
}

func (e *AheadError) Error() string {
	return fmt.Sprintf("%s: block %d is of the future, %s ahead of this machine's clock", e.Node, e.Height, e.By.Round(time.Second))
}

// Pool are the nodes of one network, best first. It may be used concurrently; its fields
// must not change once it is.
type Pool[N interface{ state() *State }] struct {
	Network pay.NetworkName
	Nodes   []N
	Log     *slog.Logger
	Now     func() time.Time // the clock that pauses and block times are held against
	Meter   *meter.Meter     // may be nil
}

// Ready returns the nodes that are not passed over, best first; if all are, the one that
// is to be asked again the soonest. There must be at least one node.
func (p *Pool[N]) Ready() (ready []N) {
	now := p.Now()
	for _, n := range p.Nodes {
		if !n.state().pausedUntil().After(now) {
			ready = append(ready, n)
		}
	}
	if len(ready) == 0 {
		return []N{slices.MinFunc(p.Nodes, func(a, b N) int { return a.state().pausedUntil().Compare(b.state().pausedUntil()) })}
	}
	return ready
}

// Blame passes a node over because of an error, unless we ended the call.
func (p *Pool[N]) Blame(ctx context.Context, n N, err error) {
	if ctx.Err() != nil {
		return
	}
	s := n.state()
	s.fault(p.Now())
	p.Meter.RPCError(string(p.Network), 1+slices.IndexFunc(p.Nodes, func(o N) bool { return o.state() == s }))
	p.Log.DebugContext(ctx, "node passed over", "node", s.Name, "until", s.pausedUntil(), "error", err)
}

// Try asks the nodes, best first, until one answers. One that fails is blamed, unless
// innocent says that the error is not its fault; it may be nil.
func (p *Pool[N]) Try(ctx context.Context, ask func(N) error, innocent func(N, error) bool) error {
	var errs []error
	for _, n := range p.Ready() {
		err := ask(n)
		if err == nil {
			return nil
		}
		if errs = append(errs, err); innocent == nil || !innocent(n, err) {
			p.Blame(ctx, n, err)
		}
	}
	return errors.Join(errs...)
}

// Head asks each node for its newest block. With several nodes it is the newest that two
// of them have reached, so that it can be confirmed; a node whose own head is minutes
// older than another's has no say.
func (p *Pool[N]) Head(ctx context.Context, ask func(context.Context, N) (pay.Block, error)) (pay.Block, error) {
	nodes, heads, errs := p.all(ctx, ask)
	var answered []pay.Block
	for i, n := range nodes {
		n.state().claim(heads[i])
		if errs[i] == nil {
			answered = append(answered, heads[i])
		}
	}
	if len(answered) == 0 {
		return pay.Block{}, errors.Join(errs...)
	}
	newest := slices.MaxFunc(answered, func(a, b pay.Block) int { return a.Time.Compare(b.Time) })
	answered = slices.DeleteFunc(answered, func(b pay.Block) bool { return newest.Time.Sub(b.Time) > Stale })
	return second(answered), nil
}

// Final asks each node for the newest block that it holds final. With several nodes it is
// the newest that two of them do: one that is ahead of the others has only heard of it
// first, or lies. A node whose head is minutes older than another's has no say.
func (p *Pool[N]) Final(ctx context.Context, ask func(context.Context, N) (pay.Block, error)) (pay.Block, error) {
	nodes, blocks, errs := p.all(ctx, ask)
	var answered []pay.Block
	for i, n := range nodes {
		if errs[i] == nil && !p.isStale(n.state().Claimed()) {
			answered = append(answered, blocks[i])
		}
	}
	if len(answered) == 0 {
		return pay.Block{}, errors.Join(append(errs, ErrBehind)...)
	}
	return second(answered), nil
}

// all asks each node at the same time. One that fails is blamed.
func (p *Pool[N]) all(ctx context.Context, ask func(context.Context, N) (pay.Block, error)) (nodes []N, blocks []pay.Block, errs []error) {
	nodes = p.Ready()
	blocks, errs = make([]pay.Block, len(nodes)), make([]error, len(nodes))
	var done sync.WaitGroup
	for i, n := range nodes {
		done.Go(func() {
			if blocks[i], errs[i] = p.timely(ctx, n, ask); errs[i] != nil {
				p.Blame(ctx, n, errs[i])
			}
		})
	}
	done.Wait()
	return nodes, blocks, errs
}

// second returns the second highest block, of a single one that.
func second(blocks []pay.Block) pay.Block {
	slices.SortFunc(blocks, func(a, b pay.Block) int { return cmp.Compare(b.Height, a.Height) })
	return blocks[min(1, len(blocks)-1)]
}

// timely is a node's answer, unless the block is of the future.
func (p *Pool[N]) timely(ctx context.Context, n N, ask func(context.Context, N) (pay.Block, error)) (pay.Block, error) {
	b, err := ask(ctx, n)
	if err == nil {
		err = p.OnTime(n, b)
	}
	if err != nil {
		return pay.Block{}, err
	}
	return b, nil
}

// OnTime fails with an AheadError when a node's block is of the future.
func (p *Pool[N]) OnTime(n N, b pay.Block) error {
	if by := b.Time.Sub(p.Now()); by > future {
		return &AheadError{Node: n.state().Name, Height: b.Height, By: by}
	}
	return nil
}

// isStale reports whether a head is minutes older than the newest any node has.
func (p *Pool[N]) isStale(head pay.Block) bool {
	return slices.ContainsFunc(p.Nodes, func(n N) bool { return n.state().Claimed().Time.Sub(head.Time) > Stale })
}

// Block asks for the canonical block at a height; ask returns the zero block for one that
// a node does not have. With several nodes two must agree; one is enough when no other
// answers, or the others are minutes behind: that is for what hashes and the blocks after it
// hold a node to. What only its word stands for is asked with Agreed.
func (p *Pool[N]) Block(ctx context.Context, height uint64, ask func(context.Context, N) (pay.Block, error)) (pay.Block, error) {
	var (
		votes   []pay.Block
		voters  []N
		without bool // a node that is up to date does not have it
		errs    []error
	)
	for _, n := range p.Ready() {
		b, err := p.timely(ctx, n, ask)
		switch {
		case err != nil:
			p.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		case b.Hash == "":
			without = without || !p.isStale(n.state().Claimed())
			continue
		}
		if slices.ContainsFunc(votes, b.Is) {
			for i, v := range voters {
				if !votes[i].Is(b) {
					p.Blame(ctx, v, fmt.Errorf("block %d is %s, not %s", height, b.Hash, votes[i].Hash))
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
	return pay.Block{}, fmt.Errorf("block %d: %w", height, ErrBehind)
}
