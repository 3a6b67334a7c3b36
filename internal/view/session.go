package view

import (
	"encoding/json"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// SessionDetails renders what a payor is told of an invoice. locked is the address
// an underpaid invoice must be completed at, "" for none.
func SessionDetails(i pay.Invoice, m pay.Merchant, locked string, now time.Time) api.SessionDetails {
	left := time.Duration(0)
	if i.Status.Open() {
		left = max(0, i.ExpiresAt.Sub(now))
	}
	v := api.SessionDetails{
		InvoiceID: i.ID, AmountUSD: dollars(i.Amount), AmountRemainingUSD: dollars(i.Remaining()), Description: i.Description, ExpiresAt: i.ExpiresAt.Unix(),
		InvoiceStatus: string(i.Status), RemainingTime: left.Milliseconds(), RemainingSeconds: int64(left.Seconds()),
		MerchantName: m.Name, MerchantEmail: m.Email, NetworkEnvironment: string(i.Environment),
		InvoiceTitle: i.Title, InvoiceFooter: i.Footer, PaymentReturnURL: orNull(i.ReturnURL), PaymentReturnURLEnabled: i.ReturnURL != "",
	}
	if i.Status == pay.Underpaid {
		v.LockedNetwork, v.LockedTokenID, v.LockedPaymentAddress = orNull(i.LockedNetwork), &i.LockedTokenID, orNull(locked)
	}
	return v
}

// PaymentAddress renders an allocated address. An address without a receiver is one
// that could not be given out; a zero quote is one that no price could be found for, or
// an address that is still to be made, and retry tells when to ask again.
func PaymentAddress(i pay.Invoice, a pay.Address, t pay.Token, q pay.Quote, ticket string, now time.Time, retry time.Duration) api.PaymentAddress {
	v := api.PaymentAddress{
		Success: true, TempAddress: a.Address, Network: string(a.Network), SupportedTokenID: t.ID, USDAmount: dollars(i.Amount),
		WSConnection: api.WSConnection{Token: ticket, Endpoint: "/ws/payment", Format: "event_v1", WSURL: "/ws/payment?format=event_v1"},
	}
	if a.Receiver == "" {
		no := false
		v.QuoteStatus, v.StatusCode, v.Retryable = "unavailable", "settlement_unavailable", &no
		v.Message = orNull("The merchant cannot be paid on this network yet. Choose another one.")
		return v
	}
	if q.ID == "" {
		yes, after := true, int64(retry.Seconds())
		v.QuoteStatus, v.StatusCode, v.Retryable, v.RetryAfterSeconds = "unavailable", "quote_unavailable", &yes, &after
		if v.Message = orNull("No address on " + a.Network.Title() + " is free right now. Try again in a moment, or choose another token."); a.Address == "" {
			return v
		}
		v.Message = orNull("No price for " + t.Symbol + " right now. Try again in a moment, or choose another token.")
		return v
	}
	left := int64(max(0, q.ValidUntil.Sub(now)).Seconds())
	v.QuoteStatus, v.StatusCode = "available", "ok"
	v.EstimatedTokenAmount, v.ExchangeRate = q.Units.Decimal(t.Decimals), q.Rate.String()
	v.QuoteLastUpdatedAt, v.QuoteValidUntil, v.QuoteExpiresInSeconds = seconds(q.CreatedAt), seconds(q.ValidUntil), &left
	return v
}

// rateLife is the age of a rate that clients are told about.
const rateLife = 5 * time.Minute

// PricedToken adds to a token of mainnet what the market says of it, and what it
// costs to pay what is due.
func PricedToken(v api.AvailableToken, t pay.Token, due money.USD, p pay.Verdict) api.AvailableToken {
	yes, watched := true, p.Monitored()
	v.IsMonitored, v.IsSameTokenSettlement, v.AvailabilityStatus = &watched, &yes, "AVAILABLE"
	v.Tier, v.TierFee, v.RateUpdatedAt = json.RawMessage("null"), json.RawMessage("null"), seconds(p.Newest())
	switch {
	case p.OK:
		rate, cost := json.Number(p.Price.Rate.String()), dollars(due.Plus(t.Buffer))
		v.SettlementRate, v.SettlementCostUSD, v.RateUpdatedAt = &rate, &cost, seconds(p.Price.At)
	case !watched:
		v.AvailabilityStatus, v.UnavailableReason = "QUOTE_REQUIRED", orNull("No price is watched for this token; ask for an address to get a quote")
	case p.Newest().IsZero(), p.Now.Sub(p.Newest()) > rateLife:
		v.AvailabilityStatus, v.UnavailableReason = "STALE", orNull("Rate data is older than 5 minutes")
	default:
		v.AvailabilityStatus, v.UnavailableReason = "STALE", orNull("Rate data is out of date, or its sources disagree")
	}
	if !v.HasSettlementRoute {
		v.AvailabilityStatus, v.UnavailableReason = "NO_LIQUIDITY", orNull("The merchant has no settlement address on this network")
	}
	return v
}

// AvailableToken renders a token a payor may pay with. On devnet there are no
// market figures.
func AvailableToken(t pay.Token, route bool) api.AvailableToken {
	return api.AvailableToken{
		ID: t.ID, TokenSymbol: t.Symbol, TokenName: t.Name, TokenType: string(t.Type), Network: string(t.Network), TokenDecimals: t.Decimals,
		TokenAddress: orNull(t.Address), PhotoURI: orNull(t.Photo), HasSettlementRoute: route, SupportsStableSettlement: t.Stable,
		AvailabilityStatus: "DEVNET",
	}
}

// PaymentStatus renders what a payor polls.
func PaymentStatus(i pay.Invoice) api.PaymentStatus {
	return api.PaymentStatus{Status: string(i.Status), PaidAt: seconds(i.PaidAt)}
}

// Ticket renders a minted websocket credential.
func Ticket(token string, scope pay.Scope, merchant int64, env pay.Environment, expires time.Time, url string) api.Ticket {
	return api.Ticket{
		Token: token, Scope: string(scope), MerchantID: merchant, NetworkEnvironment: orNull(env), ExpiresAt: expires.Unix(), WSURL: url,
	}
}
