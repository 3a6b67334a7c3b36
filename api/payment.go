package api

// Payment is the invoice_payment object: a transfer seen on chain for an invoice.
type Payment struct {
	Object                string      `json:"object"` // "invoice_payment"
	ID                    string      `json:"id"`
	InvoiceID             string      `json:"invoice_id"`
	MerchantID            int64       `json:"merchant_id"`
	Status                string      `json:"status"`        // pending, underpaid, confirmed, manual_retry
	StatusReason          *string     `json:"status_reason"` // why it is manual_retry, or waits
	SettlementStatus      string      `json:"settlement_status"`
	Settlement            *Settlement `json:"settlement"`
	Environment           string      `json:"environment"`
	Currency              string      `json:"currency"`
	Amount                int64       `json:"amount"` // what it is worth
	AmountDecimal         string      `json:"amount_decimal"`
	AmountUnit            string      `json:"amount_unit"`
	Network               string      `json:"network"`
	ExpectedNetwork       *string     `json:"expected_network"` // where it was to be made, when that is another
	SupportedTokenID      int64       `json:"supported_token_id"`
	TokenSymbol           string      `json:"token_symbol"`
	TokenAddress          *string     `json:"token_address"`
	TokenDecimals         int         `json:"token_decimals"`
	TokenAmount           string      `json:"token_amount"` // decimal, with all the token's decimals
	PaymentAddress        string      `json:"payment_address"`
	PayerWalletAddress    *string     `json:"payer_wallet_address"`
	TxHash                string      `json:"tx_hash"`
	BlockNumber           uint64      `json:"block_number"`
	BlockTime             *int64      `json:"block_time"`
	Confirmations         uint64      `json:"confirmations"` // known when this was rendered
	RequiredConfirmations uint64      `json:"required_confirmations"`
	CreatedAt             int64       `json:"created_at"`
	ConfirmedAt           *int64      `json:"confirmed_at"`
}

// Settlement is where the proceeds of a payment are.
type Settlement struct {
	SummaryStatus        string  `json:"summary_status"`
	Stage                string  `json:"stage"` // "final"
	MerchantSettlementID int64   `json:"merchant_settlement_id"`
	SettlementTxHash     *string `json:"settlement_tx_hash"`
	SettlementAddress    string  `json:"settlement_address"`
	Network              string  `json:"network"`
	Status               string  `json:"status"`
	Reason               *string `json:"reason"`
}

// Quote is the payment_quote object of the payor's stream.
type Quote struct {
	Object                 string `json:"object"` // "payment_quote"
	InvoiceID              string `json:"invoice_id"`
	Network                string `json:"network"`
	Currency               string `json:"currency"`
	AmountRemaining        int64  `json:"amount_remaining"`
	AmountRemainingDecimal string `json:"amount_remaining_decimal"`
	AmountUnit             string `json:"amount_unit"`
	SupportedTokenID       int64  `json:"supported_token_id"`
	TempAddress            string `json:"temp_address"`
	EstimatedTokenAmount   string `json:"estimated_token_amount"`
	ExchangeRate           string `json:"exchange_rate"`
	QuoteLastUpdatedAt     int64  `json:"quote_last_updated_at"`
	QuoteValidUntil        int64  `json:"quote_valid_until"`
}
