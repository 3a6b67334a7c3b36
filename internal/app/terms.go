package app

import (
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail/zinc"
)

// terms are the conditions of sale that the configuration states.
func (c Config) terms() (t pay.Terms, err error) {
	t = pay.Terms{
		FeeRate: int64(c.CommerceRate), TaxRate: int64(c.TaxRate), DeliveryDays: c.DeliveryDays, EstimateLife: time.Duration(c.EstimateMinutes) * time.Minute,
		InvoiceLife: time.Duration(c.InvoiceMinutes) * time.Minute,
	}
	for _, f := range []struct {
		key, text string
		to        *money.USD
	}{
		{"commerce.shipping_base_usd", c.ShippingBase, &t.ShippingBase},
		{"commerce.fee_usd", c.CommerceFee, &t.Fee},
		{"commerce.refund_fee_usd", c.RefundFee, &t.RefundFee},
		{"commerce.minimum_balance_usd", c.MinimumBalance, &t.MinimumBalance},
	} {
		if *f.to, err = money.ParseUSD(f.text); err != nil || *f.to != f.to.UpToCent() || *f.to > pay.MaxAmount {
			return t, unexpected(c, "", f.key)
		}
	}
	if c.CommerceRate < 0 || c.CommerceRate > 10_000 {
		return t, unexpected(c, "", "commerce.fee_basis_points")
	}
	if c.TaxRate < 0 || c.TaxRate > 10_000 {
		return t, unexpected(c, "", "commerce.tax_basis_points")
	}
	if t.InvoiceLife > pay.MaxLifetime {
		return t, unexpected(c, "", "commerce.invoice_minutes")
	}
	if c.CommerceReceiver == "" {
		return t, nil
	}
	if t.Receiver, err = EVMWallets.Canonical(c.CommerceReceiver); err != nil {
		return t, unexpected(c, "", "commerce.receiver")
	}
	return t, nil
}

// zinc is the account that buys what mainnet sells, one without a token if there is none.
func (c Config) zinc() (o zinc.Options, err error) {
	if o.Token, err = fromFile("commerce.zinc_token", c.ZincToken, c.ZincTokenFile); err != nil {
		return o, err
	}
	if u, ok := web(c.ZincURL); c.ZincURL != "" && (!ok || u.Scheme != "https") {
		return o, unexpected(c, "", "commerce.zinc_url")
	}
	if o.Balance, err = money.ParseUSD(c.ZincBalance); err != nil {
		return o, unexpected(c, "", "commerce.zinc_balance_usd")
	}
	o.URL, o.Days = c.ZincURL, c.DeliveryDays
	return o, nil
}
