package billing

import (
	"context"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Networks renders the networks served and how far each is proven, in their order.
func (b *Billing) Networks(ctx context.Context) (vs []api.Network, err error) {
	proofs, err := b.Proofs(ctx)
	vs = []api.Network{}
	for _, n := range b.Registry.Networks {
		vs = append(vs, view.Network(n, b.Registry.Tokens, proofs[n.Name]))
	}
	return vs, err
}

// Proofs returns how far each network served is proven to have missed nothing.
func (b *Billing) Proofs(ctx context.Context) (ps map[pay.NetworkName]pay.Proof, err error) {
	ps = map[pay.NetworkName]pay.Proof{}
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		for _, n := range b.Registry.Networks {
			if ps[n.Name], err = tx.Proof(n.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return ps, err
}
