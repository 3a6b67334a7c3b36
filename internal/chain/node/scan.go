package node

import (
	"context"
	"errors"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
)

// innocent is a failure that is not the node's.
type innocent struct{ error }

func (e innocent) Unwrap() error { return e.error }

// NotItsFault marks an error in a scan as none of the node's: it ends the scan, and no
// other node is asked.
func NotItsFault(err error) error { return innocent{err} }

// Scan asks the nodes of a pool, best first, to read the blocks after one, until one has
// done it. One that is behind is not at fault, unless it claimed not to be.
func Scan[N interface{ state() *State }](ctx context.Context, p *Pool[N], after pay.Block, scan func(context.Context, N) (chain.Found, error)) (chain.Found, error) {
	var errs []error
	for _, n := range p.Ready() {
		found, err := scan(ctx, n)
		if err == nil {
			return found, nil
		}
		if e, ok := errors.AsType[innocent](err); ok {
			return chain.Found{}, e.error
		}
		if errs = append(errs, err); !errors.Is(err, ErrBehind) || n.state().Claimed().Height > after.Height {
			p.Blame(ctx, n, err)
		}
	}
	return chain.Found{}, errors.Join(errs...)
}
