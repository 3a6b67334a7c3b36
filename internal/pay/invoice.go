package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// InvoiceStatus is the state of an invoice (contract 7.1).
type InvoiceStatus string

// The invoice statuses of the contract. Paid, Expired and Canceled are terminal.
const (
	Unpaid    InvoiceStatus = "unpaid"
	Underpaid InvoiceStatus = "underpaid"
	Paid      InvoiceStatus = "paid"
	Expired   InvoiceStatus = "expired"
	Canceled  InvoiceStatus = "canceled"
)

// InvoiceStatuses are all of them, in the contract's order.
var InvoiceStatuses = []InvoiceStatus{Unpaid, Underpaid, Paid, Expired, Canceled}

// Open reports whether an invoice in this state still wants money.
func (s InvoiceStatus) Open() bool { return s == Unpaid || s == Underpaid }

// InvoiceType tells a plain invoice from one that commerce opened.
type InvoiceType string

// The invoice types of the contract.
const (
	Standard InvoiceType = "standard"
	Commerce InvoiceType = "commerce"
)

// Bounds of an invoice (contract 2.1).
const (
	MinAmount     = 1 * money.Cent
	MaxAmount     = 1_000_000_00 * money.Cent
	MaxLifetime   = 30 * 24 * time.Hour
	DefaultExpiry = 12 * time.Hour
	MaxText       = 255 // characters of a title, a description, a customer id
	MaxURL        = 2048
	MaxJSON       = 512 // bytes of metadata, and of questions, in compact form
	MaxQuestions  = 5
)

// PaidTolerance is how much may be missing from a paid invoice: less than half a
// cent, which no payor can see. It absorbs the rounding of a payment made in parts.
const PaidTolerance = money.Cent/2 - 1

// Invoice is an amount a payor owes a merchant.
type Invoice struct {
	ID               string
	MerchantID       int64
	Environment      Environment
	Type             InvoiceType
	Status           InvoiceStatus
	Amount           money.USD
	Paid             money.USD // sum of the payments that count
	CustomerID       string
	CustomerEmail    string
	Description      string
	Title            string
	Footer           string
	Metadata         string // compact JSON object
	Questions        string // compact JSON object, "" for none
	ReturnURL        string // where the payor may go back to; "" for nowhere
	ReceiverOverride string // settles here instead of the merchant's payout address
	PayerAddress     string
	PayerNetwork     NetworkName
	OrderID          string
	SessionHash      string // hex SHA-256 of the payor's session token
	LockedNetwork    NetworkName
	LockedTokenID    int64 // the pair an underpaid invoice must be completed in; 0 for none
	CreatedAt        time.Time
	ExpiresAt        time.Time
	PaidAt           time.Time
	LastPaymentAt    time.Time
}

// Remaining is what is still due, never negative. A paid invoice has nothing due.
func (i Invoice) Remaining() money.USD {
	if i.Status == Paid {
		return 0
	}
	return max(0, i.Amount-i.Paid)
}

// settledBy reports whether a sum pays the invoice.
func (i Invoice) settledBy(sum money.USD) bool { return sum > 0 && sum.Add(PaidTolerance) >= i.Amount }

// CompletedBy returns the first payment with which those that do what is asked pay the
// invoice; what anybody sends after it is another matter. Without one it returns the last
// of them, and false. Payments are in the order in which they count.
func (i Invoice) CompletedBy(ps []Payment, does func(Payment) bool) (by Payment, ok bool) {
	sum := money.USD(0)
	for _, p := range ps {
		if !does(p) {
			continue
		}
		if by, sum = p, sum.Add(p.Amount); i.settledBy(sum) {
			return by, true
		}
	}
	return by, false
}

// Closed reports whether a payor can no longer start to pay: the invoice is in a
// terminal state, or its time is up even if that is not recorded yet.
func (i Invoice) Closed(now time.Time) bool { return !i.Status.Open() || !now.Before(i.ExpiresAt) }

// Expire ends an open invoice whose time is up; any other comes back unchanged.
func (i Invoice) Expire(now time.Time) Invoice {
	if i.Status.Open() && !now.Before(i.ExpiresAt) {
		i.Status = Expired
	}
	return i
}

// Cancel ends an invoice nobody has paid anything on. Only an unpaid invoice can
// be canceled, and not while a payment for it is on its way.
func (i Invoice) Cancel(ps []Payment) (Invoice, error) {
	if i.Status != Unpaid {
		return i, Errorf(CodeInvoiceState, "Only an unpaid invoice can be canceled; this one is %s", i.Status)
	}
	for _, p := range ps {
		if p.Status == PaymentPending {
			return i, Errorf(CodeInvoiceState, "A payment for this invoice has been seen on chain; wait until it is confirmed")
		}
	}
	i.Status = Canceled
	return i, nil
}

// Turns are the states that an invoice has come into since it was as before; the
// zero Invoice is before it was made.
func (i Invoice) Turns(before Invoice) []Turn {
	if i.Status == before.Status {
		return nil
	}
	return []Turn{{Noun: NounInvoice, State: string(i.Status)}}
}

// InvoiceTotal is how many invoices are in a state and what they amount to.
type InvoiceTotal struct {
	Status InvoiceStatus
	Amount money.USD
	Count  int64
}
