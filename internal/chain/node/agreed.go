package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pepay/pepay/internal/chain"
)

// ErrAlone means that of several nodes one answers, and no second one says the same yet. It
// passes when another answers.
var ErrAlone = errors.New("only one of the nodes answers, and is not believed alone: a second one is needed")

// Agreed asks the nodes of a pool, best first, until two have said the same, which same
// decides, and returns what both said. It is for what only the word of a node stands for: of
// several nodes none is believed alone, so those that are passed over are asked too, last. A
// pool's only node is believed. One that is behind, or on another fork, is not blamed.
func Agreed[N interface{ state() *State }, T any](ctx context.Context, p *Pool[N], ask func(context.Context, N) (T, error), same func(a, b T) (T, bool)) (none T, err error) {
	var said []T
	var by []N
	var errs []error
	nodes := p.inTurn()
	answers := make([]func() (T, error), len(nodes))
	for i, n := range nodes {
		answers[i] = sync.OnceValues(func() (T, error) { return ask(ctx, n) })
	}
	var both sync.WaitGroup
	for _, answer := range answers[:min(2, len(answers))] { // both are needed: one after the other would be too slow
		both.Go(func() { _, _ = answer() })
	}
	both.Wait()
	for i, n := range nodes {
		v, err := answers[i]()
		if err != nil {
			if errs = append(errs, err); !errors.Is(err, ErrBehind) && !errors.Is(err, chain.ErrFork) {
				p.Blame(ctx, n, err)
			}
			continue
		}
		if len(nodes) == 1 {
			return v, nil
		}
		for j, o := range said {
			if both, ok := same(o, v); ok {
				for k, o := range said {
					if _, ok := same(o, v); !ok {
						p.Blame(ctx, by[k], fmt.Errorf("%s: %s and %s say something else: %w", by[k].state().Name, by[j].state().Name, n.state().Name, ErrDisagree))
					}
				}
				return both, nil
			}
		}
		said, by = append(said, v), append(by, n)
	}
	switch len(said) {
	case 0:
	case 1:
		errs = append(errs, fmt.Errorf("%s: %w", by[0].state().Name, ErrAlone))
	default:
		errs = append(errs, fmt.Errorf("%s, %s: %w", by[0].state().Name, by[1].state().Name, ErrDisagree))
	}
	return none, errors.Join(errs...)
}

// inTurn returns all nodes: those that are not passed over, best first, and then the others.
func (p *Pool[N]) inTurn() []N {
	nodes := p.Ready()
	for _, n := range p.Nodes {
		if !slices.ContainsFunc(nodes, func(o N) bool { return o.state() == n.state() }) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
