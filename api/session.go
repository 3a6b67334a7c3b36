package api

import "encoding/json"

// SessionDetails answers GET /api/v1/payments/session-details. Amounts are JSON
// numbers of dollars.
type SessionDetails struct {
	InvoiceID               string      `json:"invoice_id"`
	AmountUSD               json.Number `json:"amount_usd"`
	AmountRemainingUSD      json.Number `json:"amount_remaining_usd"`
	Description             string      `json:"description"`
	ExpiresAt               int64       `json:"expires_at"`
	InvoiceStatus           string      `json:"invoice_status"`
	RemainingTime           int64       `json:"remaining_time"` // milliseconds
	RemainingSeconds        int64       `json:"remaining_seconds"`
	MerchantName            string      `json:"merchant_name"`
	MerchantEmail           string      `json:"merchant_email"`
	NetworkEnvironment      string      `json:"network_environment"`
	LockedNetwork           *string     `json:"locked_network"`
	LockedTokenID           *int64      `json:"locked_token_id"`
	LockedPaymentAddress    *string     `json:"locked_payment_address"`
	InvoiceTitle            string      `json:"invoice_title"`
	InvoiceFooter           string      `json:"invoice_footer"`
	PaymentReturnURL        *string     `json:"payment_return_url"`
	PaymentReturnURLEnabled bool        `json:"payment_return_url_enabled"`
}

// AvailableToken is a token a payor may pay with.
type AvailableToken struct {
	ID                       int64           `json:"id"`
	TokenSymbol              string          `json:"token_symbol"`
	TokenName                string          `json:"token_name"`
	TokenType                string          `json:"token_type"`
	Network                  string          `json:"network"`
	TokenDecimals            int             `json:"token_decimals"`
	TokenAddress             *string         `json:"token_address"`
	RequiresMemo             bool            `json:"requires_memo"`
	PhotoURI                 *string         `json:"photo_uri"`
	HasSettlementRoute       bool            `json:"has_settlement_route"`
	SupportsStableSettlement bool            `json:"supports_stable_settlement"`
	IsMonitored              *bool           `json:"is_monitored,omitempty"`    // mainnet only
	SettlementRate           *json.Number    `json:"settlement_rate,omitempty"` // dollars for one token
	SettlementCostUSD        *json.Number    `json:"settlement_cost_usd,omitempty"`
	Tier                     json.RawMessage `json:"tier,omitempty"`     // null: there are no tiers
	TierFee                  json.RawMessage `json:"tier_fee,omitempty"` // null
	IsSameTokenSettlement    *bool           `json:"is_same_token_settlement,omitempty"`
	AvailabilityStatus       string          `json:"availability_status"`
	RateUpdatedAt            *int64          `json:"rate_updated_at,omitempty"`
	UnavailableReason        *string         `json:"unavailable_reason,omitempty"`
}

// PaymentAddressRequest is the body of POST /api/v1/payments/payment-addresses.
type PaymentAddressRequest struct {
	Network *string `json:"network"`
	TokenID *Number `json:"tokenId"`
}

// PaymentAddress answers it. Every field is always present.
type PaymentAddress struct {
	Success               bool         `json:"success"`
	QuoteStatus           string       `json:"quote_status"`
	StatusCode            string       `json:"status_code"`
	Message               *string      `json:"message"`
	TempAddress           string       `json:"temp_address"`
	Network               string       `json:"network"`
	SupportedTokenID      int64        `json:"supported_token_id"`
	EstimatedTokenAmount  string       `json:"estimated_token_amount"`
	ExchangeRate          string       `json:"exchange_rate"`
	USDAmount             json.Number  `json:"usd_amount"`
	QuoteLastUpdatedAt    *int64       `json:"quote_last_updated_at"`
	QuoteValidUntil       *int64       `json:"quote_valid_until"`
	QuoteExpiresInSeconds *int64       `json:"quote_expires_in_seconds"`
	Retryable             *bool        `json:"retryable"`
	RetryAfterSeconds     *int64       `json:"retry_after_seconds"`
	WSConnection          WSConnection `json:"ws_connection"`
}

// WSConnection tells a payor how to follow the invoice.
type WSConnection struct {
	Token    string `json:"token"`
	Endpoint string `json:"endpoint"`
	Format   string `json:"format"`
	WSURL    string `json:"ws_url"`
}

// PaymentStatus answers GET /api/v1/payments/payment-status.
type PaymentStatus struct {
	Status string `json:"status"`
	PaidAt *int64 `json:"paid_at"`
}
