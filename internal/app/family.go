package app

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/chain/ton"
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
	case pay.TON:
		return a.ton(ctx, n)
	case pay.Cardano:
		return a.cardano(ctx, n)
	case pay.EVM:
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

func suiAddress(k ed25519.PrivateKey) string { return sui.AddressOf(public(k)).String() }

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
	return nil, fmt.Errorf("addresses on %s are made from a public key: nothing has to be generated", n)
}

// PublicKey returns what deposit addresses of a seed are made from on TON and Cardano, and
// false for other networks.
func PublicKey(n pay.NetworkName, s seed.Seed) (string, bool) {
	switch n.Family() {
	case pay.TON:
		return hex.EncodeToString(public(tonKey(s))), true
	case pay.Cardano:
		k, err := cardanoKey(s, depositAccount)
		return k.Account(), err == nil
	case pay.EVM, pay.Solana, pay.Sui:
	}
	return "", false
}

// FeePayer returns the account of a seed that pays for settlements on a network, "" on
// those of the EVM family, where it has a key of its own. It is to hold native coin for
// fees and nothing else.
func FeePayer(n pay.Network, s seed.Seed) string {
	switch n.Name.Family() {
	case pay.Solana:
		return solana.Address(solanaKeys(s)(feeIndex)).String()
	case pay.Sui:
		return suiAddress(suiKeys(s)(feeIndex))
	case pay.TON:
		return ton.FeeWallet(public(tonRelayer(s)), n.Environment != pay.Mainnet).Address().String()
	case pay.Cardano:
		if k, err := cardanoKey(s, feeAccount); err == nil {
			return cardano.NetOf(magic(n)).Enterprise(k.Payment(0).Public())
		}
	case pay.EVM:
	}
	return ""
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
