package billing

import (
	"context"
	"slices"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// PreviewQuote tells what paying an amount in a token would cost now. It is the
// arithmetic of a real quote, and nothing is kept.
func (b *Billing) PreviewQuote(ctx context.Context, n pay.NetworkName, tokenID int64, usd *api.Number) (v api.PreviewQuote, err error) {
	due, err := amount(usd)
	if err != nil {
		return v, err
	}
	if _, ok := b.Registry.Network(n); !ok {
		return v, pay.Errorf(pay.CodeNetworkUnsupported, "Network %.32q is not served here", n)
	}
	t, ok := b.Registry.Token(tokenID)
	if !ok || t.Network != n {
		return v, pay.Errorf(pay.CodeValidation, "token_id %d is not a token of %s", tokenID, n)
	}
	var q pay.Quote
	p, retry, ok := b.price(ctx, t)
	if ok {
		q = pay.NewQuote("", pay.Invoice{Amount: due}, pay.Address{Network: n}, t, p, b.Rates.Now())
	}
	return view.PreviewQuote(t, due, q, b.Rates.Look(ctx, t.Price).Price.At, retry), nil
}

// PriceReport tells what is believed of the prices that the deployment asks for, in
// the order of their symbols.
func (b *Billing) PriceReport(ctx context.Context, symbol string) (vs []api.Rate, err error) {
	for _, s := range slices.Sorted(slices.Values(b.Rates.Symbols)) {
		if symbol == "" || s == symbol {
			vs = append(vs, view.Rate(b.Rates.Look(ctx, s)))
		}
	}
	if symbol != "" && len(vs) == 0 {
		return nil, pay.Errorf(pay.CodeValidation, "symbol %.32q is not priced here", symbol)
	}
	return vs, nil
}
