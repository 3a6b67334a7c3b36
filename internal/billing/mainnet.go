package billing

import (
	"context"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// AddMainnetCode draws a code with which a merchant can enable mainnet, once. It is
// shown only now.
func (b *Billing) AddMainnetCode(ctx context.Context, merchant int64) (code string, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		if _, ok, err := tx.Merchant(merchant); err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "There is no merchant %d", merchant))
		}
		code = auth.NewMainnetCode()
		return tx.AddMainnetCode(merchant, auth.Hash(code))
	})
	return code, err
}

// ActivateMainnet enables mainnet for the caller's merchant if the code is one of
// its own. A wrong code is an answer, not an error.
func (b *Billing) ActivateMainnet(ctx context.Context, c Caller, code string, o Once) ([]byte, error) {
	return b.Write(ctx, c.Merchant.ID, "mainnet.activate", o, func(tx *store.Tx) (any, error) {
		m, ok, err := tx.MerchantForUpdate(c.Merchant.ID)
		if err != nil || !ok || m.Mainnet {
			return api.Outcome{Success: ok, Message: "Mainnet is enabled already"}, err
		}
		if ok, err := tx.UseMainnetCode(m.ID, auth.Hash(code)); err != nil || !ok {
			return api.Outcome{Message: "Invalid access code"}, err
		}
		m.Mainnet = true
		return api.Outcome{Success: true, Message: "Mainnet is enabled"}, tx.SaveMerchant(m)
	})
}

// SetEnvironment chooses where the merchant's new work happens. The error has
// CodeValidation for an environment that does not exist, and CodeForbidden for
// mainnet while it is not enabled.
func (b *Billing) SetEnvironment(ctx context.Context, c Caller, e pay.Environment, o Once) ([]byte, error) {
	if e != pay.Devnet && e != pay.Mainnet {
		return nil, pay.Errorf(pay.CodeValidation, "environment must be devnet or mainnet")
	}
	return b.Write(ctx, c.Merchant.ID, "environment.set", o, func(tx *store.Tx) (any, error) {
		m, ok, err := tx.MerchantForUpdate(c.Merchant.ID)
		if err != nil || !ok {
			return nil, orElse(err, pay.Errorf(pay.CodeNotFound, "Merchant not found"))
		}
		if e == pay.Mainnet && !m.Mainnet {
			return nil, pay.ErrNoMainnet
		}
		m.Environment = e
		return api.EnvironmentSet{Success: true, CurrentEnvironment: string(e)}, tx.SaveMerchant(m)
	})
}
