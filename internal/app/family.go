package app

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// family makes what reads a network, and what settles on it if this process has the keys.
func (a *App) family(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	switch n.Name.Family() {
	case pay.Solana:
		return a.solana(ctx, n)
	case pay.Sui:
		return a.sui(ctx, n)
	case pay.EVM, pay.TON, pay.Cardano:
	}
	return a.evm(ctx, n)
}

func (a *App) solana(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &solana.Driver{Nodes: n.RPC, Network: n.Name, Genesis: n.Identity, Tokens: n.Tokens, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	if err := d.Verify(ctx); err != nil || a.Seed.None() {
		return d, nil, err
	}
	key := func(index uint32) ed25519.PrivateKey { return a.Seed.Ed25519(solana.Path(index)...) }
	err := a.fill(ctx, n.Name, func(index uint32) string { return solana.Address(key(index)).String() })
	return d, nil, err
}

func (a *App) sui(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &sui.Driver{Nodes: n.RPC, Network: n.Name, Chain: n.Identity, Tokens: n.Tokens, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	if a.Seed.None() {
		return d, nil, nil
	}
	err := a.fill(ctx, n.Name, func(index uint32) string {
		return sui.AddressOf(a.Seed.Ed25519(sui.Path(index)...).Public().(ed25519.PublicKey)).String()
	})
	if err != nil {
		err = fmt.Errorf("sui: %w", err)
	}
	return d, nil, err
}
