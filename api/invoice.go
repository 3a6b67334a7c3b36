// Package api is the wire contract: the JSON bodies of the HTTP API, of webhook
// deliveries and of websocket frames. Server and client share it.
package api

import "encoding/json"

// CreateInvoiceRequest is the body of POST /api/v1/invoices. Absent fields are
// nil.
type CreateInvoiceRequest struct {
	AmountUSD               *Number         `json:"amount_usd"` // dollars, 0.01 to 1000000, at most three decimals
	Description             *string         `json:"description,omitempty"`
	CustomerID              *string         `json:"customer_id,omitempty"`
	Metadata                json.RawMessage `json:"metadata,omitempty"`   // object, at most 512 bytes
	ExpiresIn               *Number         `json:"expires_in,omitempty"` // milliseconds, 1 to 2592000000
	ReceiverOverrideEnable  *bool           `json:"receiver_override_enable,omitempty"`
	ReceiverOverrideAddress *string         `json:"receiver_override_address,omitempty"`
	InvoiceTitle            *string         `json:"invoice_title,omitempty"`
	InvoiceFooter           *string         `json:"invoice_footer,omitempty"`
	CustomerEmail           *string         `json:"customer_email,omitempty"`
	PaymentReturnURL        *string         `json:"payment_return_url,omitempty"` // https
	PaymentReturnURLEnabled *bool           `json:"payment_return_url_enabled,omitempty"`
	Questions               json.RawMessage `json:"questions,omitempty"` // Questions, at most 512 bytes
}

// Questions are what a merchant asks the payor of an invoice.
type Questions struct {
	Questions []Question `json:"questions"` // at most five
}

// Question is one of them.
type Question struct {
	ID         string `json:"id"`
	Question   string `json:"question"`
	Type       string `json:"type"`
	Validation struct {
		Required bool `json:"required"`
	} `json:"validation"`
}

// CreatedInvoice answers POST /api/v1/invoices. The payment URL and the session
// pair are given here and never again.
type CreatedInvoice struct {
	InvoiceID             string                `json:"invoice_id"`
	PaymentURL            string                `json:"payment_url"`
	ExpiresAt             int64                 `json:"expires_at"` // epoch seconds
	SessionToken          string                `json:"session_token"`
	Signature             string                `json:"signature"` // <hash>.<milliseconds>
	PaymentSessionHeaders PaymentSessionHeaders `json:"payment_session_headers"`
}

// PaymentSessionHeaders are what a payor's requests must carry.
type PaymentSessionHeaders struct {
	SessionToken string `json:"x-session-token"`
	Signature    string `json:"x-signature"`
}

// Invoice is the invoice object. Times are epoch seconds, amounts thousandths of
// a dollar with a decimal twin.
type Invoice struct {
	Object                 string          `json:"object"` // "invoice"
	ID                     string          `json:"id"`
	MerchantID             int64           `json:"merchant_id"`
	Status                 string          `json:"status"`
	InvoiceType            string          `json:"invoice_type"`
	Currency               string          `json:"currency"` // "usd"
	Amount                 int64           `json:"amount"`
	AmountDecimal          string          `json:"amount_decimal"`
	AmountPaid             int64           `json:"amount_paid"`
	AmountPaidDecimal      string          `json:"amount_paid_decimal"`
	AmountRemaining        int64           `json:"amount_remaining"`
	AmountRemainingDecimal string          `json:"amount_remaining_decimal"`
	AmountUnit             string          `json:"amount_unit"` // "usd_millis"
	CustomerID             *string         `json:"customer_id"`
	PayerWalletAddress     *string         `json:"payer_wallet_address"`
	PayerWalletNetwork     *string         `json:"payer_wallet_network"`
	CommerceOrderID        *string         `json:"commerce_order_id"`
	Environment            string          `json:"environment"`
	ExpiresAt              *int64          `json:"expires_at"`
	CreatedAt              *int64          `json:"created_at"`
	PaidAt                 *int64          `json:"paid_at"`
	LastPaymentAt          *int64          `json:"last_payment_at"`
	Metadata               json.RawMessage `json:"metadata"`
	LatestPayment          json.RawMessage `json:"latest_payment,omitempty"` // Payment or null, with expand=latest_payment
	Payments               *List[Payment]  `json:"payments,omitempty"`       // with expand=payments
}

// InvoiceStatus answers GET /api/v1/invoices/{id}/status.
type InvoiceStatus struct {
	Object        string   `json:"object"` // "invoice_status"
	Invoice       Invoice  `json:"invoice"`
	LatestPayment *Payment `json:"latest_payment"`
}

// InvoiceTotals answers GET /api/v1/invoices/totals.
type InvoiceTotals struct {
	Object     string           `json:"object"` // "invoice_totals"
	Currency   string           `json:"currency"`
	AmountUnit string           `json:"amount_unit"`
	Totals     map[string]Total `json:"totals"` // all, paid, unpaid, underpaid, expired, canceled
}

// Total is one bucket of InvoiceTotals.
type Total struct {
	Amount        int64  `json:"amount"`
	AmountDecimal string `json:"amount_decimal"`
	Count         int64  `json:"count"`
}

// List is a page of objects, newest first.
type List[T any] struct {
	Object  string `json:"object"` // "list"
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
}

// Wrapped is the envelope of the endpoints that wrap their answer.
type Wrapped[T any] struct {
	Success bool `json:"success"`
	Data    T    `json:"data"`
}
