package app

import (
	"context"
	"fmt"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

const (
	poolFull  = 512                    // addresses that wait to be given out where we make them ourselves
	poolLow   = 64                     // below it /readyz warns
	poolChunk = 64                     // addresses made in one unit
	poolEvery = 5 * time.Second        // between looks
	poolSoon  = 100 * time.Millisecond // to the next look while many are given out
)

// fill keeps the pool of a network filled with addresses of the seed, which only this
// part of the program knows. The first are there when it returns. It refuses a pool of
// another seed: nobody here could move what payors send to its addresses.
func (a *App) fill(ctx context.Context, n pay.NetworkName, address func(index uint32) string) error {
	if err := a.sameSeed(ctx, n, address); err != nil {
		return err
	}
	if _, err := a.fillOnce(ctx, n, address); err != nil {
		return fmt.Errorf("fill the pool of addresses: %w", err)
	}
	a.running.Go(func() {
		wait := poolEvery
		for pause(ctx, wait); ctx.Err() == nil; pause(ctx, wait) {
			many, err := a.fillOnce(ctx, n, address)
			if wait = poolEvery; many {
				wait = poolSoon
			}
			if err != nil && ctx.Err() == nil {
				a.Log.ErrorContext(ctx, "cannot fill the pool of addresses", "network", n, "err", err)
			}
		}
	})
	return nil
}

// sameSeed makes sure that the next address of a pool is the seed's.
func (a *App) sameSeed(ctx context.Context, n pay.NetworkName, address func(index uint32) string) error {
	var next store.Pooled
	var some bool
	if err := a.Store.Look(ctx, func(tx *store.Tx) (err error) { next, some, err = tx.NextPooled(n); return err }); err != nil {
		return fmt.Errorf("look at the pool of addresses: %w", err)
	}
	if is := address(next.Index); some && next.Address != is {
		return fmt.Errorf("the pool of addresses is of another seed than seed_file: the next, of place %d, is %s, and this seed's is %s; "+
			"configure the seed that it was filled from, or, if the seed was changed, follow what custody.md says of that and empty it: DELETE FROM pool WHERE network = '%s'",
			next.Index, next.Address, is, n)
	}
	return nil
}

// fillOnce fills the pool of a network and reports whether more than half of it was gone.
func (a *App) fillOnce(ctx context.Context, n pay.NetworkName, address func(index uint32) string) (many bool, err error) {
	for more := true; more && ctx.Err() == nil; {
		low := false
		if err := a.Store.Write(ctx, func(tx *store.Tx) error {
			size, err := tx.PoolSize(n, poolFull)
			if more, low = size < poolFull, size < poolFull/2; err != nil || !more {
				return err
			}
			for range poolChunk {
				index, err := tx.Next("pool " + string(n))
				if err != nil {
					return err
				}
				if _, err := tx.AddPooled(n, store.Pooled{Index: uint32(index), Address: address(uint32(index))}); err != nil { //nolint:gosec // a deployment does not live to make 2³¹
					return err
				}
			}
			return nil
		}); err != nil {
			return false, err
		}
		many = many || low
	}
	return many, ctx.Err()
}

// dry says which pools are nearly empty.
func (a *App) dry(ctx context.Context, warnings map[string]string) {
	for _, n := range a.Networks {
		w := a.Billing.Wallets[n.Name.Family()]
		if w.Deposit != nil || w.Index != nil {
			continue
		}
		var size int
		err := a.Store.Look(ctx, func(tx *store.Tx) (err error) { size, err = tx.PoolSize(n.Name, poolLow); return err })
		if err == nil && size < poolLow {
			warnings["addresses "+string(n.Name)] = fmt.Sprintf("%d addresses are left to give out; make more with pepay addresses generate, and pepay addresses import", size)
		}
	}
}
