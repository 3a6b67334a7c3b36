package billing

import (
	"context"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// swept records sweeps. A sweep takes all there is, so it brings to light native coin
// that came unseen, from within a contract, after the balance was last compared: that
// too is a deposit, and the sweep is where we know it from.
func (b *Book) swept(ctx context.Context, sweeps []pay.Sweep) error {
	if len(sweeps) == 0 {
		return nil
	}
	var unseen []pay.Deposit
	if err := b.Store.Write(ctx, func(tx *store.Tx) error {
		unseen = nil
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
			more, err := b.unseen(tx, d)
			if err != nil {
				return err
			}
			if d.Units = more; !more.IsZero() {
				unseen = append(unseen, d)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return b.deposited(ctx, unseen, nil)
}

// unseen is how much more native coin left an address than the payments to it brought,
// a deposit's own payment not counted.
func (b *Book) unseen(tx *store.Tx, d pay.Deposit) (more money.Units, err error) {
	sweeps, err := tx.SweepsAt(d.Network, d.Address, "", false)
	if err != nil {
		return more, err
	}
	ps, err := tx.PaymentsAt(d.Network, d.Address, "")
	if err != nil {
		return more, err
	}
	var came money.Units
	for _, s := range sweeps {
		more = more.Add(s.Units)
	}
	for _, p := range ps {
		if (p.Sight == pay.Seen || p.Sight == pay.Final) && p.TxHash != d.TxHash {
			came = came.Add(p.Units)
		}
	}
	more, some := more.Sub(came)
	if !some {
		return money.Units{}, nil
	}
	return more, nil
}
