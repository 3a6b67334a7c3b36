package pay

import (
	"fmt"
	"time"
)

// VerificationState is how far a verification has come (contract 7.6).
type VerificationState string

// The states of a verification. The last two are final.
const (
	VerificationPending    VerificationState = "pending"
	VerificationProcessing VerificationState = "processing"
	VerificationCompleted  VerificationState = "completed"
	VerificationFailed     VerificationState = "failed"
)

// Live reports whether there is more to come.
func (s VerificationState) Live() bool {
	return s == VerificationPending || s == VerificationProcessing
}

// Outcome is what a completed verification came to.
type Outcome string

// The outcomes of a verification.
const (
	OutcomeFound        Outcome = "found"         // payments that were not known before
	OutcomeKnown        Outcome = "known"         // only payments that were
	OutcomeNothing      Outcome = "nothing_found" // no payment at all
	OutcomeConfirming   Outcome = "confirming"    // the transaction is not final yet
	OutcomeTxUnknown    Outcome = "tx_not_found"  // no node knows the transaction
	OutcomeTxFailed     Outcome = "tx_failed"     // the transaction was mined and moved nothing
	OutcomeOtherAddress Outcome = "other_address" // the transaction pays none of the invoice's addresses
)

// MaxAttempts is how often a verification reads the chain before it gives up.
const MaxAttempts = 5

// Verification is a search of the chain for payments of an invoice.
type Verification struct {
	ID          string
	InvoiceID   string
	Networks    []NetworkName // to look at; the first is the one the invoice was last to be paid on
	TxHash      string        // only this transaction, "" for all
	State       VerificationState
	Attempts    int
	NextAt      time.Time // of the next attempt, zero for none
	CreatedAt   time.Time
	UpdatedAt   time.Time
	CompletedAt time.Time
	Outcome     Outcome // "" until it is completed
	Message     string  // for people
	Payments    []string
}

// Conclude ends a verification, given what its attempt read of the chain and all
// payments of the invoice. What was seen since it began was found by it, or while it
// looked.
func (v Verification) Conclude(read Outcome, note string, ps []Payment, now time.Time) Verification {
	v.State, v.NextAt, v.UpdatedAt, v.CompletedAt = VerificationCompleted, time.Time{}, now, now
	found, known := []string{}, []string{}
	for _, p := range ps {
		switch {
		case p.Sight == Gone:
		case !p.SeenAt.Before(v.CreatedAt):
			found = append(found, p.ID)
		case v.TxHash == "" || p.TxHash == v.TxHash:
			known = append(known, p.ID)
			if v.TxHash != "" {
				note = fmt.Sprintf("This transaction is recorded already; its payment is %s.", p.Status)
			}
		}
	}
	switch {
	case len(found) > 0:
		v.Outcome, v.Message, v.Payments = OutcomeFound, "A payment was found that had not been seen before.", found
	case len(known) > 0 && (v.TxHash != "" || read == OutcomeNothing):
		v.Outcome, v.Message, v.Payments = OutcomeKnown, note, known
		if v.TxHash == "" {
			v.Message = "No payment was found besides those that are recorded already."
		}
	default:
		v.Outcome, v.Message = read, note
	}
	return v
}
