package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// SignedIn renders a login with what it opens: at least one membership, each with its
// merchant. The token is "" when it was not asked for.
func SignedIn(l pay.Login, token, message string, members []pay.Member, merchants []pay.Merchant) api.SignedIn {
	v := api.SignedIn{
		Success: true, AccessToken: token, ExpiresAt: l.ExpiresAt.Unix(), WalletType: string(l.Wallet.Type), WalletAddress: l.Wallet.Address,
		CredentialID: l.ID, Message: message,
	}
	for n, m := range members {
		v.Merchants = append(v.Merchants, api.Membership{
			MerchantID: m.MerchantID, Name: merchants[n].Name, Role: string(m.Role), Permissions: m.Role.Permissions(),
		})
	}
	if len(v.Merchants) > 0 {
		v.Permissions = v.Merchants[0].Permissions
	}
	return v
}
