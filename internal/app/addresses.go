package app

import (
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/pay"
)

// Wallets is what is known of the addresses of each family without any keys. Those of test
// networks are taken where the network is one.
func Wallets(networks ...pay.Network) map[pay.Family]billing.Wallets {
	w := map[pay.Family]billing.Wallets{
		pay.EVM:     EVMWallets,
		pay.Solana:  {Canonical: solana.Canonical, URI: solanaURI},
		pay.Sui:     {Canonical: sui.Canonical, URI: suiURI},
		pay.TON:     {Canonical: ton.Canonical, URI: tonURI, Links: tonLinks},
		pay.Cardano: {Canonical: cardano.Mainnet.Canonical, URI: cardanoURI},
	}
	for _, n := range networks {
		switch {
		case n.Environment == pay.Mainnet:
		case n.Name.Family() == pay.TON:
			w[pay.TON] = billing.Wallets{Canonical: ton.CanonicalTestnet, URI: tonURI}
		case n.Name.Family() == pay.Cardano:
			w[pay.Cardano] = billing.Wallets{Canonical: cardano.Testnet.Canonical, URI: cardanoURI}
		}
	}
	return w
}

// wallets is what is known of the addresses on the networks that are served.
func (a *App) wallets() map[pay.Family]billing.Wallets {
	var served []pay.Network
	for _, n := range a.Networks {
		served = append(served, n.Network)
	}
	return Wallets(served...)
}
