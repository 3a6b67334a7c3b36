package settle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

// callTimeout bounds each question to a node, so that a step, which has about half a minute,
// gets by although a node hangs: that one is passed over afterwards.
const callTimeout = 10 * time.Second

// asked is one of an account's nodes and what is thought of it.
type asked struct {
	*node.State
	*ethclient.Client
}

// pool returns the account's nodes, of which those that were at fault are passed over for a
// while.
func (a *Account) pool() *node.Pool[asked] {
	a.once.Do(func() {
		a.nodes = &node.Pool[asked]{Network: a.Network.Name, Log: a.Log, Now: a.Now, Meter: a.Meter}
		for n, c := range a.Nodes {
			a.nodes.Nodes = append(a.nodes.Nodes, asked{&node.State{Name: fmt.Sprintf("%s node %d", a.Network.Name, n+1)}, c})
		}
	})
	return a.nodes
}

// ready returns the nodes that are not passed over, first those that had the block that two
// had when last asked: what a deposit is final by is not known to one that is behind.
func (a *Account) ready() []asked {
	newest := a.newest.Load()
	behind := func(n asked) uint64 { return newest - min(newest, n.Claimed().Height) }
	return slices.SortedStableFunc(slices.Values(a.pool().Ready()), func(x, y asked) int { return cmp.Compare(behind(x), behind(y)) })
}

// ask puts a question to the nodes until one knows the answer. That there is no such thing is
// the answer only if no other knows better: a node may be behind.
func ask[T any](ctx context.Context, a *Account, f func(context.Context, *ethclient.Client) (T, error)) (v T, err error) {
	var unknown error
	nodes := a.pool()
	for _, n := range a.ready() {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		v, err = f(call, n.Client)
		cancel()
		if err == nil {
			return v, nil
		}
		if err = node.Clean(err); notFound(err) {
			unknown = err
		} else if !answered(err) {
			nodes.Blame(ctx, n, err)
		}
	}
	return v, cmp.Or(unknown, err)
}

// notFound reports whether a node said that it knows no such thing.
func notFound(err error) bool { return errors.Is(err, ethereum.NotFound) }

// answered reports whether an error is what a node said, and not that it said nothing.
func answered(err error) bool {
	_, yes := errors.AsType[rpc.Error](err)
	return yes
}

// at asks for the block at a height, or by a tag; nil for the newest.
func at(height *big.Int) func(context.Context, asked) (pay.Block, error) {
	return func(ctx context.Context, n asked) (pay.Block, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		h, err := n.HeaderByNumber(ctx, height)
		if err != nil {
			return pay.Block{}, node.Clean(err)
		}
		return pay.Block{Height: h.Number.Uint64(), Time: time.Unix(int64(h.Time), 0)}, nil
	}
}

// head returns the height of the newest block, by the watcher's rule: two nodes have it, if
// there are two. One that is minutes behind the others is passed over for a while, whatever
// it is asked next.
func (a *Account) head(ctx context.Context) (uint64, error) {
	nodes := a.pool()
	newest, err := nodes.Head(ctx, at(nil))
	if err != nil {
		return 0, fmt.Errorf("read the head: %w", err)
	}
	for _, n := range nodes.Nodes {
		if has := n.Claimed().Time; !has.IsZero() && newest.Time.Sub(has) > node.Stale {
			nodes.Blame(ctx, n, node.ErrBehind)
		}
	}
	a.newest.Store(newest.Height)
	return newest.Height, nil
}

// final returns the newest block that is as final as a deposit's must be to count, if there
// is one yet, by the watcher's rule.
func (a *Account) final(ctx context.Context) (height uint64, some bool, err error) {
	head, err := a.head(ctx)
	if err != nil {
		return 0, false, err
	}
	if a.Network.Finality == pay.Deep {
		return head + 1 - min(head+1, a.Network.Confirmations), head+1 > a.Network.Confirmations, nil
	}
	tag := rpc.FinalizedBlockNumber
	if a.Network.Finality == pay.Safe {
		tag = rpc.SafeBlockNumber
	}
	b, err := a.pool().Final(ctx, at(big.NewInt(int64(tag))))
	if err != nil {
		return 0, false, fmt.Errorf("ask which block is %s: %w", a.Network.Finality, err)
	}
	return b.Height, true, nil
}
