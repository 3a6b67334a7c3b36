package view

import (
	"encoding/json"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// MerchantToken renders a token for its merchant. There are no market figures on
// devnet.
func MerchantToken(t pay.Token, blocked bool, p pay.Verdict) api.MerchantToken {
	v := api.MerchantToken{
		ID: t.ID, TokenSymbol: t.Symbol, TokenName: t.Name, TokenAddress: orNull(t.Address), TokenDecimals: t.Decimals,
		Network: string(t.Network), NetworkEnvironment: string(t.Environment), TokenType: string(t.Type), PhotoURI: orNull(t.Photo),
		SupportsStableSettlement: t.Stable, IsActive: true, IsMonitored: t.Environment == pay.Mainnet && p.Monitored(), IsBlocked: blocked,
	}
	if t.Environment == pay.Mainnet && p.OK {
		v.Price = &api.TokenPrice{USD: json.Number(p.Price.Rate.String()), LastUpdatedAt: p.Price.At.Unix(), ProviderType: p.Price.Source}
	}
	return v
}
