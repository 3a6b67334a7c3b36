package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// How long a quote is good for (contract 3.3), and how much longer a payment that
// was mined after it is still valued by it: a payor who pressed "send" in time
// must not lose to a slow block or a slow exchange.
const (
	QuoteLife  = 5 * time.Minute
	QuoteGrace = 10 * time.Minute
)

// Quote is how much of a token settles what an invoice has due, for a while.
type Quote struct {
	ID         string
	InvoiceID  string
	Network    NetworkName
	Address    string
	TokenID    int64
	Units      money.Units
	Rate       money.Rate // dollars for one whole token
	Due        money.USD
	CreatedAt  time.Time
	ValidUntil time.Time
}

// NewQuote prices what i has due in token t. The amount includes the token's
// buffer and is rounded up to its decimals. The rate must be positive.
func NewQuote(id string, i Invoice, a Address, t Token, rate money.Rate, now time.Time) Quote {
	due := i.Remaining()
	return Quote{
		ID: id, InvoiceID: i.ID, Network: a.Network, Address: a.Address, TokenID: t.ID,
		Units: rate.UnitsRoundUp(due, t.Decimals, t.Buffer), Rate: rate, Due: due,
		CreatedAt: now, ValidUntil: now.Add(QuoteLife),
	}
}

// Address is a deposit address: given out for one invoice and one token, and
// watched for as long as it exists.
type Address struct {
	Network    NetworkName
	Address    string // canonical form
	InvoiceID  string
	MerchantID int64
	TokenID    int64
	Receiver   string // the only place its money can go
	Salt       string // hex of the 32 bytes that, with Receiver, give the address
	CreatedAt  time.Time
}
