package pay

import (
	"cmp"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// PaymentStatus is what a merchant is told of a payment (contract 7.2).
type PaymentStatus string

// The payment statuses of the contract. ManualRetry is a payment that did not
// count by itself; its reason says why.
const (
	PaymentPending     PaymentStatus = "pending"
	PaymentConfirmed   PaymentStatus = "confirmed"
	PaymentUnderpaid   PaymentStatus = "underpaid"
	PaymentManualRetry PaymentStatus = "manual_retry"
)

// Reasons why a payment is not simply confirmed.
const (
	ReasonLate         = "late"           // mined after the invoice had expired, or found after it was closed
	ReasonWrongToken   = "wrong_token"    // not the token the address was given out for
	ReasonWrongNetwork = "wrong_network"  // not on the network the address was given out on
	ReasonReorged      = "reorged"        // the chain dropped the block it was in
	ReasonUnpriced     = "awaiting_price" // final, but no price source could value it yet
)

// Sight is how sure the chain is of a deposit.
type Sight string

// The sights of a deposit, from least to most certain.
const (
	Gone     Sight = "gone"     // was seen, and the chain dropped it
	Doubtful Sight = "doubtful" // was seen, and the blocks around it are being read again
	Seen     Sight = "seen"
	Final    Sight = "final"
)

// Payment is a deposit that belongs to an invoice.
type Payment struct {
	Deposit
	ID          string
	InvoiceID   string
	MerchantID  int64
	Environment Environment
	TokenID     int64       // what arrived
	AskedID     int64       // what its address was given out for
	Expected    NetworkName // where its address was given out, when that is not where it came; else ""
	Accepted    bool        // the merchant lets it count, though it did not by itself
	Receiver    string      // the merchant address that its proceeds go to
	Sight       Sight
	QuoteID     string      // the quote it is valued by, "" while there is none
	QuoteDue    money.USD   // the dollars that quote asked for …
	QuoteUnits  money.Units // … and the tokens it asked for them
	Amount      money.USD   // what it is worth; what it adds to the invoice once it counts
	Status      PaymentStatus
	Reason      string
	SeenAt      time.Time
	ConfirmedAt time.Time
	Settlement  Settlement
	Depth       uint64 // blocks from its own to the newest read, counting both; only where a use case looked
}

// Confirmations is how many of the confirmations that its network requires the
// payment is known to have.
func (p Payment) Confirmations(required uint64) uint64 {
	switch p.Sight {
	case Final:
		return required
	case Seen:
		return min(required, max(p.Depth, 1))
	case Gone, Doubtful:
	}
	return 0
}

// Counts reports whether the payment is part of what its invoice has been paid.
func (p Payment) Counts() bool { return p.Status == PaymentConfirmed || p.Status == PaymentUnderpaid }

// arrived reports whether the payment counts and has reached the merchant.
func (p Payment) arrived() bool { return p.Counts() && p.Settlement.Status == SettlementSettled }

// Decided reports whether it is settled for good if the payment counts. One whose
// block the chain dropped is open again: it may be mined once more. So is one that its
// merchant has accepted, until it counts.
func (p Payment) Decided() bool {
	return p.Counts() || p.Status == PaymentManualRetry && p.Reason != ReasonReorged && !p.Accepted
}

// Stray reports whether the payment came on another network than it was asked for, and
// its merchant has not accepted it: what is to become of it is the merchant's to say.
func (p Payment) Stray() bool { return p.Expected != "" && !p.Accepted }

// unfit returns why the payment does not count by itself, "" when it does: for an
// invoice that was in a state when the payment became final.
func (p Payment) unfit(i Invoice, s InvoiceStatus) string {
	switch {
	case p.Accepted:
	case p.Stray():
		return ReasonWrongNetwork
	case p.TokenID != p.AskedID:
		return ReasonWrongToken
	case p.Block.Time.After(i.ExpiresAt) || s == Expired || s == Canceled:
		return ReasonLate
	}
	return ""
}

// Accept lets a final payment count that did not by itself; Reckon does the rest. One that
// was accepted comes back unchanged. The error has CodePaymentState.
func (p Payment) Accept() (Payment, error) {
	switch {
	case p.Accepted:
	case p.Status != PaymentManualRetry || p.Sight != Final:
		return p, p.notManual("accepted")
	case !p.Priced():
		return p, Errorf(CodePaymentState, "No price source could value this payment yet; try again in a minute")
	}
	p.Accepted = true
	return p, nil
}

// Forward asks for the proceeds of a final payment that does not count to be moved to its
// merchant. One whose proceeds are on their way, or there, comes back unchanged. The error
// has CodePaymentState.
func (p Payment) Forward(now time.Time) (Payment, error) {
	if p.Status != PaymentManualRetry || p.Sight != Final || p.Simulated() {
		return p, p.notManual("swept")
	}
	switch p.Settlement.Status {
	case SettlementPending, SettlementProcessing, SettlementSettled:
	case "", SettlementFailed, SettlementManual: // it is tried, or tried again
		p.Settlement = Settlement{ID: p.Settlement.ID, Status: SettlementPending, At: now}
	}
	return p, nil
}

func (p Payment) notManual(done string) error {
	switch {
	case p.Sight == Gone:
		return Errorf(CodePaymentState, "The chain dropped this payment: there is nothing that could be %s", done)
	case p.Simulated():
		return Errorf(CodePaymentState, "This payment is simulated: there is nothing that could be %s", done)
	case p.Status == PaymentPending:
		return Errorf(CodePaymentState, "This payment is not final yet; wait until it is manual_retry")
	}
	return Errorf(CodePaymentState, "Only a payment that is manual_retry can be %s; this one is %s", done, p.Status)
}

// Turns are the states that a payment and its settlement have come into since it
// was as before; the zero Payment is before it was seen.
func (p Payment) Turns(before Payment) (ts []Turn) {
	if p.Status != before.Status {
		ts = append(ts, Turn{NounPayment, p.Network, string(p.Status)})
	}
	if p.Settlement.Status != before.Settlement.Status {
		ts = append(ts, Turn{NounSettlement, p.Network, string(p.Settlement.Status)})
	}
	return ts
}

// Reckon is the one rule of crediting: what an invoice and each of its payments
// become, given everything the chain shows. It decides about a payment once, when
// its deposit is final, and only adds up what was decided: applied twice it gives
// the same answer as once. The payments come back in the chain's order.
func Reckon(i Invoice, ps []Payment, now time.Time) (Invoice, []Payment) {
	ps = slices.SortedStableFunc(slices.Values(ps), func(a, b Payment) int {
		return cmp.Or(cmp.Compare(a.Block.Height, b.Block.Height), cmp.Compare(a.TxHash, b.TxHash), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Network, b.Network))
	})
	status, under, accepted := i.Status, map[string]money.Units{}, false
	i.Paid = 0
	for _, p := range ps { // whatever was decided before counts, wherever it is in the order
		if p.Counts() {
			i.Paid = i.Paid.Add(p.Amount)
		}
	}
	for n := range ps {
		p := &ps[n]
		before := under[p.QuoteID]
		why, beneath := p.unfit(i, status), before
		if p.Decided() || why != "" && p.Sight == Final { // it is no part
			beneath = money.Units{}
		}
		// The worth of a part is what it adds to the parts before it; a merchant accepts what it was shown.
		if p.Priced() && !p.Accepted && (!p.Decided() || !p.Counts() && p.Amount == 0) {
			p.Amount = money.Share(p.QuoteDue, beneath.Add(p.Units), p.QuoteUnits) - money.Share(p.QuoteDue, beneath, p.QuoteUnits)
		}
		switch {
		case p.Sight == Gone:
			p.Status, p.Reason = PaymentManualRetry, ReasonReorged
			continue
		case p.Sight != Final:
			p.Status, p.Reason = PaymentPending, ""
			continue
		case p.Decided():
		case why != "":
			p.Status, p.Reason, p.ConfirmedAt = PaymentManualRetry, why, now
		case !p.Priced():
			p.Status, p.Reason = PaymentPending, ReasonUnpriced
			continue
		default:
			p.Status, p.ConfirmedAt = PaymentConfirmed, now
			if !p.Accepted { // else it says in spite of what
				p.Reason = ""
			}
			if i.Paid = i.Paid.Add(p.Amount); !i.settledBy(i.Paid) {
				p.Status = PaymentUnderpaid
			}
			if i.LastPaymentAt = now; p.From != "" || i.PayerAddress == "" {
				i.PayerAddress, i.PayerNetwork = p.From, p.Network
			}
		}
		if p.Counts() {
			under[p.QuoteID] = before.Add(p.Units)
			accepted = accepted || p.Accepted
			if status.Open() && i.LockedTokenID == 0 && p.Amount > 0 { // dust of one token must not shut out the others
				i.LockedNetwork, i.LockedTokenID = p.Network, p.TokenID
			}
		}
	}
	switch {
	case status == Paid, !status.Open() && !accepted: // only its merchant brings an invoice back
	case i.settledBy(i.Paid):
		i.Status, i.PaidAt, i.LockedNetwork, i.LockedTokenID = Paid, now, "", 0
	case i.Paid > 0 && status.Open():
		i.Status = Underpaid
	}
	return i, ps
}

// ValuedBy returns the payment valued by the quote it was made under.
func (p Payment) ValuedBy(q Quote) Payment {
	p.QuoteID, p.QuoteDue, p.QuoteUnits = q.ID, q.Due, q.Units
	return p
}

// ValuedAt returns the payment valued at the market: for one that no quote covers.
func (p Payment) ValuedAt(t Token, rate money.Rate) Payment {
	p.QuoteID, p.QuoteDue, p.QuoteUnits = "market:"+p.ID, MaxAmount, rate.UnitsRoundUp(MaxAmount, t.Decimals, 0)
	return p
}

// Priced reports whether it is known what the payment is worth.
func (p Payment) Priced() bool { return !p.QuoteUnits.IsZero() }
