package billing

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// swept records sweeps while at holds. A sweep takes all there is, so it brings to light native coin
// that came unseen, from within a contract, after the balance was last compared: that
// too is a deposit, and the sweep is where we know it from.
func (b *Book) swept(ctx context.Context, sweeps []pay.Sweep, at fence) error {
	if len(sweeps) == 0 {
		return nil
	}
	var unseen []pay.Deposit
	if err := b.Store.Write(ctx, func(tx *store.Tx) error {
		unseen = nil
		if err := at(tx); err != nil {
			return err
		}
		for _, s := range sweeps {
			if err := tx.AddSweep(s); err != nil {
				return err
			}
		}
		for _, s := range sweeps {
			if s.Token != "" {
				continue
			}
			d := pay.Deposit{Network: s.Network, TxHash: "sweep:" + s.TxHash + ":" + s.Address, Index: pay.IndexSweep, Block: s.Block, Address: s.Address}
			ps, err := tx.PaymentsAt(s.Network, s.Address, "")
			if err != nil {
				return err
			}
			all, err := tx.SweepsAt(s.Network, s.Address, "", false)
			if err != nil {
				return err
			}
			if d.Units = pay.Unseen(d, all, ps); !d.Units.IsZero() { // at most; see counts again, one after the other
				unseen = append(unseen, d)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return b.deposited(ctx, unseen, nil, at)
}
