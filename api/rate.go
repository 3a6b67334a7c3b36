package api

import "encoding/json"

// PreviewQuote answers GET /api/v1/quotes: what a quote would say, without an address.
type PreviewQuote struct {
	Object               string      `json:"object"`       // "quote"
	QuoteStatus          string      `json:"quote_status"` // available, unavailable
	StatusCode           string      `json:"status_code"`  // ok, quote_unavailable
	Message              *string     `json:"message"`
	Network              string      `json:"network"`
	SupportedTokenID     int64       `json:"supported_token_id"`
	TokenSymbol          string      `json:"token_symbol"`
	TokenDecimals        int         `json:"token_decimals"`
	USDAmount            json.Number `json:"usd_amount"`
	EstimatedTokenAmount string      `json:"estimated_token_amount"` // with the buffer; "" without a price
	ExchangeRate         string      `json:"exchange_rate"`          // dollars for one token; "" without a price
	BufferBPS            int64       `json:"buffer_bps"`
	RateUpdatedAt        *int64      `json:"rate_updated_at"`
	RetryAfterSeconds    *int64      `json:"retry_after_seconds"`
}

// Rate is what is believed of a symbol's price, and why.
type Rate struct {
	Object    string       `json:"object"` // "rate"
	Symbol    string       `json:"symbol"`
	Status    string       `json:"status"` // available, unavailable
	USD       *string      `json:"usd"`    // dollars for one token
	UpdatedAt *int64       `json:"updated_at"`
	Median    *string      `json:"median"`     // of the fresh prices
	SpreadBPS *int64       `json:"spread_bps"` // of the farthest fresh price from the median
	Reason    *string      `json:"reason"`     // why there is none
	Sources   []RateSource `json:"sources"`
}

// RateSource is what one source said.
type RateSource struct {
	Source         string  `json:"source"`
	USD            string  `json:"usd"`
	UpdatedAt      int64   `json:"updated_at"`
	AgeSeconds     int64   `json:"age_seconds"`
	MaxAgeSeconds  int64   `json:"max_age_seconds"`
	Used           bool    `json:"used"`
	RejectedReason *string `json:"rejected_reason"`
}
