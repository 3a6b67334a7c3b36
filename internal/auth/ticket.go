package auth

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pepay/pepay/internal/pay"
)

// Stream is the websocket a ticket opens.
type Stream string

// The websocket streams.
const (
	StreamPayment  Stream = "payment"
	StreamMerchant Stream = "merchant"
	StreamCommerce Stream = "commerce"
)

// Ticket is a short-lived credential for one stream.
type Ticket struct {
	Stream      Stream
	MerchantID  int64
	InvoiceID   string          // for StreamPayment
	Environment pay.Environment // "" for both
	KeyID       string          // of the API key it was minted with, "" for StreamPayment
}

type claims struct {
	jwt.RegisteredClaims
	Merchant    int64           `json:"merchant_id"`
	Invoice     string          `json:"invoice_id,omitempty"`
	Environment pay.Environment `json:"network_environment,omitempty"`
}

// NewTicket signs a ticket as a JWT (HS256) that is good until expires.
func (a *Auth) NewTicket(t Ticket, expires time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Audience: jwt.ClaimStrings{string(t.Stream)}, ExpiresAt: jwt.NewNumericDate(expires), Subject: t.KeyID},
		Merchant:         t.MerchantID, Invoice: t.InvoiceID, Environment: t.Environment,
	}).SignedString(a.ticket)
}

// Ticket opens a ticket for a stream. The error has CodeTicketInvalid.
func (a *Auth) Ticket(token string, s Stream, now time.Time) (Ticket, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return a.ticket, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience(string(s)), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return Ticket{}, pay.Errorf(pay.CodeTicketInvalid, "The token is invalid or has expired; ask for a new one")
	}
	return Ticket{Stream: s, MerchantID: c.Merchant, InvoiceID: c.Invoice, Environment: c.Environment, KeyID: c.Subject}, nil
}
