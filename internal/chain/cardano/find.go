package cardano

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/chain"
)

// maxMentions bounds how many transactions of one address are looked through.
const maxMentions = 2_000

// place is what the API says of where a transaction is.
type place struct {
	Block  string `json:"block"`
	Height uint64 `json:"block_height"`
	Valid  *bool  `json:"valid_contract"`
}

// place asks for a transaction; found is false when the node has it in no block.
func (n *endpoint) place(ctx context.Context, hash string) (p place, found bool, err error) {
	found, err = n.get(ctx, "/txs/"+hash, &p)
	return p, found, err
}

// Find implements chain.Finder. The first node that knows the transaction answers; those
// that wait to be in a block are not known.
func (d *Driver) Find(ctx context.Context, hash string) (at chain.Place, ok bool, err error) {
	if !hashText.MatchString(hash) {
		return at, false, nil
	}
	nodes, err := d.ready()
	if err != nil {
		return at, false, err
	}
	var errs []error
	answered := false
	for _, n := range nodes.Ready() {
		p, found, err := n.place(ctx, hash)
		if found {
			return chain.Place{Mined: true, Height: p.Height, Failed: p.Valid != nil && !*p.Valid}, true, nil
		}
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		answered = true
	}
	if !answered {
		return at, false, errors.Join(errs...)
	}
	return at, false, nil
}

// Mentions implements chain.Finder.
func (d *Driver) Mentions(ctx context.Context, addresses []string, from, to uint64) (heights []uint64, err error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	err = nodes.Try(ctx, func(n *endpoint) error {
		heights = nil
		for _, a := range addresses {
			txs, err := pages[place](ctx, n, fmt.Sprintf("/addresses/%s/transactions?from=%d&to=%d", a, from, to), maxMentions)
			if err != nil {
				return err
			}
			for _, p := range txs {
				if p.Height >= from && p.Height <= to {
					heights = append(heights, p.Height)
				}
			}
		}
		return nil
	}, nil)
	slices.Sort(heights)
	return slices.Compact(heights), err
}
