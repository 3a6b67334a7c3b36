package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// errMoved makes a watcher begin again from where its network is now.
var errMoved = errors.New("another process has moved the network meanwhile")

// Position implements chain.Book.
func (b *Book) Position(ctx context.Context) (scanned, final pay.Block, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		scanned, final, _, err = tx.Position(b.Network.Name)
		return err
	})
	return scanned, final, err
}

// Start implements chain.Book.
func (b *Book) Start(ctx context.Context, at pay.Block) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if _, _, known, err := tx.Position(b.Network.Name); err != nil || known {
			return err // another node was first
		}
		return tx.SavePosition(b.Network.Name, at, at)
	})
}

// fence is asked within each unit of a step: an error ends the step. A process may stand
// still for so long that another has the duty, and what it read is no longer so.
type fence func(*store.Tx) error

// while returns a fence that lets a unit through while the position is as it should be.
func (b *Book) while(holds func(scanned, final pay.Block) bool) fence {
	return func(tx *store.Tx) error {
		scanned, final, err := tx.HoldPosition(b.Network.Name)
		if err == nil && !holds(scanned, final) {
			err = errMoved
		}
		return err
	}
}

// resume returns the scanned block, and a fence that holds it there. It puts in doubt what
// a See that did not come to its end left above it in blocks other than those read now: the
// chain may have replaced them since, and nothing else would find out.
func (b *Book) resume(ctx context.Context, after pay.Block, read map[string]bool) (scanned pay.Block, at fence, err error) {
	var above []string
	if err := b.Store.Read(ctx, func(tx *store.Tx) error { // costs no commit, and there is hardly ever anything
		if scanned, _, _, err = tx.Position(b.Network.Name); err != nil {
			return err
		}
		above, err = tx.Above(b.Network.Name, scanned.Height)
		return err
	}); err != nil {
		return scanned, nil, err
	}
	if after.Hash != "" && !after.Is(scanned) {
		return scanned, nil, errMoved
	}
	at = b.while(func(now, _ pay.Block) bool { return now.Is(scanned) })
	if !other(above, read) {
		return scanned, at, nil
	}
	return scanned, at, b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := at(tx); err != nil {
			return err
		}
		if err := tx.Doubt(b.Network.Name, scanned.Height); err != nil {
			return err
		}
		return tx.ForgetSweeps(b.Network.Name, scanned.Height)
	})
}

// See implements chain.Book: deposits become pending payments at once.
func (b *Book) See(ctx context.Context, found chain.Found) error {
	read := map[string]bool{}
	for _, d := range found.Deposits {
		read[d.Block.Hash] = true
	}
	for _, s := range found.Sweeps {
		read[s.Block.Hash] = true
	}
	scanned, at, err := b.resume(ctx, found.After, read)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if err := b.deposited(ctx, found.Deposits, found.Probes, at); err != nil {
		return err
	}
	if err := b.swept(ctx, found.Sweeps, at); err != nil {
		return fmt.Errorf("record sweeps: %w", err)
	}
	if err := b.each(ctx, pay.Doubtful, found.Last.Height, pay.Gone, at); err != nil {
		return err
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		now, final, err := tx.HoldPosition(b.Network.Name)
		if err != nil || !now.Is(scanned) {
			return orElse(err, errMoved)
		}
		if err := tx.SavePosition(b.Network.Name, found.Last, final); err != nil {
			return err
		}
		// Whoever was still at the old position is through, or comes too late.
		above, err := tx.Above(b.Network.Name, scanned.Height)
		if err == nil && other(above, read) {
			err = errMoved
		}
		return err
	})
}

// other reports whether there are blocks that were not read.
func other(blocks []string, read map[string]bool) bool {
	return slices.ContainsFunc(blocks, func(hash string) bool { return !read[hash] })
}

// each moves all payments of a sight at or below a height to another sight, while at holds.
func (b *Book) each(ctx context.Context, from pay.Sight, height uint64, to pay.Sight, at fence) error {
	var ids []string
	if err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		ids, err = tx.InvoicesInSight(b.Network.Name, from, height)
		return err
	}); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(crediting)
	for _, id := range ids {
		g.Go(func() error {
			return b.reckon(ctx, id, func(tx *store.Tx, _ pay.Invoice, ps []pay.Payment) ([]pay.Payment, error) {
				if err := at(tx); err != nil {
					return nil, err
				}
				for n := range ps {
					if p := &ps[n]; p.Network == b.Network.Name && p.Sight == from && p.Block.Height <= height {
						p.Sight = to
					}
				}
				return ps, nil
			})
		})
	}
	return g.Wait()
}
