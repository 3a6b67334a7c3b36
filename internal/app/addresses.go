package app

import (
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

// Wallets is what billing knows of addresses of each family, as long as no network with
// keys of its own is served.
func Wallets() map[pay.Family]billing.Wallets {
	return map[pay.Family]billing.Wallets{pay.EVM: EVMWallets}
}
