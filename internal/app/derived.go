package app

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/settle"
	settlecardano "github.com/pepay/pepay/internal/settle/cardano"
	settleton "github.com/pepay/pepay/internal/settle/ton"
)

// errNoPublicKey means that there is nothing to make deposit addresses from.
var errNoPublicKey = errors.New("public_key: expected what pepay addresses keys prints, since there is no seed_file")

// ton serves TON: addresses are made from a public key alone, and a relayer pays all fees.
func (a *App) ton(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &ton.Driver{Nodes: n.RPC, Network: n.Name, Testnet: n.Environment != pay.Mainnet, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	for _, t := range n.Tokens {
		if t.Type == pay.Jetton {
			d.Tokens = append(d.Tokens, t)
		}
	}
	if err := d.Verify(ctx); err != nil {
		return nil, nil, err
	}
	if n.PublicKey == "" && !a.Seed.None() {
		n.PublicKey, _ = PublicKey(n.Name, a.Seed)
	}
	key, err := hex.DecodeString(n.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, nil, errNoPublicKey
	}
	w := a.Billing.Wallets[pay.TON]
	w.Index = func(index uint32) (string, error) { return ton.DepositAddress(key, index, d.Testnet) }
	w.Accounts = func(address string) (accounts []string, err error) {
		for _, t := range d.Tokens { // they are known since Verify: nothing is asked
			account, e := d.JettonWallet(ctx, address, t)
			accounts, err = append(accounts, account), cmp.Or(err, e)
		}
		return accounts, err
	}
	a.Billing.Wallets[pay.TON] = w
	if a.Seed.None() {
		return d, nil, nil
	}
	m := &settleton.Mover{Chain: d, Relayer: tonRelayer(a.Seed), Log: a.Log, Key: func(uint32) (ed25519.PrivateKey, error) { return tonKey(a.Seed), nil }}
	return d, m, nil
}

// tonKey is the key of all deposit wallets, which their numbers tell apart.
func tonKey(s seed.Seed) ed25519.PrivateKey { return s.Ed25519(44, 607, 0) }

func tonRelayer(s seed.Seed) ed25519.PrivateKey { return s.Ed25519(44, 607, 1) }

// cardano serves Cardano: addresses are made from an account's public key alone.
func (a *App) cardano(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	d := &cardano.Driver{Nodes: n.RPC, Network: n.Name, Magic: magic(n.Network), Tokens: n.Tokens, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter}
	if err := d.Verify(ctx); err != nil {
		return nil, nil, err
	}
	if n.PublicKey == "" && !a.Seed.None() {
		n.PublicKey, _ = PublicKey(n.Name, a.Seed)
	}
	if _, err := cardano.DepositAddress(n.PublicKey, 0, cardano.NetOf(magic(n.Network))); err != nil {
		return nil, nil, errNoPublicKey
	}
	w := a.Billing.Wallets[pay.Cardano]
	w.Index = func(index uint32) (string, error) {
		return cardano.DepositAddress(n.PublicKey, index, cardano.NetOf(magic(n.Network)))
	}
	a.Billing.Wallets[pay.Cardano] = w
	if a.Seed.None() {
		return d, nil, nil
	}
	deposits, err := cardanoKey(a.Seed, depositAccount)
	if err != nil {
		return nil, nil, err
	}
	fees, err := cardanoKey(a.Seed, feeAccount)
	m := &settlecardano.Mover{
		Network: n.Network, Driver: d, Key: func(index uint32) (cardano.Key, error) { return deposits.Payment(index), nil }, FeePayer: fees.Payment(0), MaxFee: maxCardanoFee, Log: a.Log,
	}
	return d, m, err
}

// magic is the number that names a network of Cardano, 0 if it says none.
func magic(n pay.Network) uint64 {
	m, _ := strconv.ParseUint(n.Identity, 10, 32)
	return m
}

// The accounts of a seed on Cardano, and the most lovelace that a settlement may cost.
const (
	depositAccount = 0
	feeAccount     = 1
	maxCardanoFee  = 3_000_000
)

func cardanoKey(s seed.Seed, account uint32) (cardano.Key, error) {
	entropy, err := s.Entropy()
	if err != nil {
		return cardano.Key{}, err
	}
	return cardano.AccountKey(entropy, account)
}
