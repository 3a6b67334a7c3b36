package app

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/settle"
	settlesolana "github.com/pepay/pepay/internal/settle/solana"
	settlesui "github.com/pepay/pepay/internal/settle/sui"
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

// feeIndex is the place of the key that pays fees, which no deposit address reaches.
const feeIndex = 1<<31 - 1

func (a *App) solana(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &solana.Driver{Nodes: n.RPC, Network: n.Name, Genesis: n.Identity, Tokens: n.Tokens, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	if err := d.Verify(ctx); err != nil || a.Seed.None() {
		return d, nil, err
	}
	keys := solanaKeys(a.Seed)
	m := &settlesolana.Mover{Driver: d, Payer: keys(feeIndex), Key: certain(keys), Log: a.Log}
	return d, m, a.fill(ctx, n.Name, func(index uint32) string { return solana.Address(keys(index)).String() })
}

func (a *App) sui(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &sui.Driver{Nodes: n.RPC, Network: n.Name, Chain: n.Identity, Tokens: n.Tokens, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	if err := d.Verify(ctx); err != nil || a.Seed.None() {
		return d, nil, err
	}
	keys := suiKeys(a.Seed)
	m := &settlesui.Mover{Network: n.Name, Chain: n.Identity, Nodes: n.RPC, Key: certain(keys), Sponsor: keys(feeIndex), Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	return d, m, a.fill(ctx, n.Name, func(index uint32) string { return suiAddress(keys(index)) })
}

// keys are those of a seed on one network, by their place.
type keys func(index uint32) ed25519.PrivateKey

func solanaKeys(s seed.Seed) keys {
	return func(index uint32) ed25519.PrivateKey { return s.Ed25519(solana.Path(index)...) }
}

func suiKeys(s seed.Seed) keys {
	return func(index uint32) ed25519.PrivateKey { return s.Ed25519(sui.Path(index)...) }
}

func suiAddress(k ed25519.PrivateKey) string { return sui.AddressOf(k.Public().(ed25519.PublicKey)).String() }

func certain(k keys) func(uint32) (ed25519.PrivateKey, error) {
	return func(index uint32) (ed25519.PrivateKey, error) { return k(index), nil }
}

// Addresses returns what makes deposit addresses of a seed on a network whose addresses
// only the holder of the keys can make.
func Addresses(n pay.NetworkName, s seed.Seed) (func(index uint32) string, error) {
	switch n.Family() {
	case pay.Solana:
		return func(index uint32) string { return solana.Address(solanaKeys(s)(index)).String() }, nil
	case pay.Sui:
		return func(index uint32) string { return suiAddress(suiKeys(s)(index)) }, nil
	case pay.EVM, pay.TON, pay.Cardano:
	}
	return nil, fmt.Errorf("the addresses on %s are made from public keys: nothing has to be generated", n)
}

// FeePayer returns the account of a seed that pays for settlements on a network, "" on
// those of the EVM family, where it has a key of its own. It is to hold native coin for
// fees and nothing else.
func FeePayer(n pay.NetworkName, s seed.Seed) string {
	switch n.Family() {
	case pay.Solana:
		return solana.Address(solanaKeys(s)(feeIndex)).String()
	case pay.Sui:
		return suiAddress(suiKeys(s)(feeIndex))
	case pay.EVM, pay.TON, pay.Cardano:
	}
	return ""
}
