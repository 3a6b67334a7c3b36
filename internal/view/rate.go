package view

import (
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// PreviewQuote renders a quote that was not given; a zero one is none, and retry tells
// when to ask again.
func PreviewQuote(t pay.Token, due money.USD, q pay.Quote, at time.Time, retry time.Duration) api.PreviewQuote {
	v := api.PreviewQuote{
		Object: "quote", QuoteStatus: "available", StatusCode: "ok", Network: string(t.Network), SupportedTokenID: t.ID, TokenSymbol: t.Symbol,
		TokenDecimals: t.Decimals, USDAmount: dollars(due), BufferBPS: t.Buffer,
	}
	if q.Units.IsZero() {
		after := int64(retry.Seconds())
		v.QuoteStatus, v.StatusCode, v.RetryAfterSeconds = "unavailable", "quote_unavailable", &after
		v.Message = orNull("No price for " + t.Symbol + " right now. Try again in a moment.")
		return v
	}
	v.EstimatedTokenAmount, v.ExchangeRate, v.RateUpdatedAt = q.Units.Decimal(t.Decimals), q.Rate.String(), seconds(at)
	return v
}

// Rate renders what is believed of a price, and why.
func Rate(p pay.Verdict) api.Rate {
	v := api.Rate{Object: "rate", Symbol: p.Symbol, Status: "unavailable", Reason: orNull(p.Reason), Sources: []api.RateSource{}}
	if p.OK {
		v.Status, v.USD, v.UpdatedAt = "available", orNull(p.Price.Rate.String()), seconds(p.Price.At)
	}
	if p.Median.Positive() {
		spread := p.Spread()
		v.Median, v.SpreadBPS = orNull(p.Median.String()), &spread
	}
	for _, o := range p.Prices {
		v.Sources = append(v.Sources, api.RateSource{
			Source: o.Source, USD: o.Rate.String(), UpdatedAt: o.At.Unix(), AgeSeconds: max(0, int64(p.Now.Sub(o.At).Seconds())),
			MaxAgeSeconds: int64(o.MaxAge.Seconds()), Used: p.OK && o.Rejected == "", RejectedReason: orNull(o.Rejected),
		})
	}
	return v
}
