package app

import (
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
)

// Wallets is what is known of the addresses of each family without any keys.
func Wallets() map[pay.Family]billing.Wallets {
	return map[pay.Family]billing.Wallets{
		pay.EVM:    EVMWallets,
		pay.Solana: {Canonical: solana.Canonical},
		pay.Sui:    {Canonical: sui.Canonical},
	}
}

// wallets adds what is derived from public keys on the networks that are served.
func (a *App) wallets() map[pay.Family]billing.Wallets {
	return Wallets()
}
