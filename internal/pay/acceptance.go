package pay

import "slices"

// AcceptancePolicy says which tokens a merchant takes (contract 2.6).
type AcceptancePolicy string

// The acceptance policies of the contract.
const (
	AcceptAll  AcceptancePolicy = "accept_all"
	AcceptNone AcceptancePolicy = "accept_none"
	Selective  AcceptancePolicy = "selective" // all but the blocked ones
)

// AcceptancePolicies are all of them.
var AcceptancePolicies = []AcceptancePolicy{AcceptAll, AcceptNone, Selective}

// Acceptance is which tokens a merchant takes.
type Acceptance struct {
	Policy  AcceptancePolicy
	Blocked []int64 // ids of tokens; they matter under Selective only
}

// Takes reports whether payors may choose a token.
func (a Acceptance) Takes(token int64) bool {
	switch a.Policy {
	case AcceptAll:
		return true
	case Selective:
		return !slices.Contains(a.Blocked, token)
	case AcceptNone:
	}
	return false
}

// Offers reports whether an invoice can be paid in a token. One that is underpaid
// can be completed in the token it is locked to, whatever the merchant has decided
// since.
func (a Acceptance) Offers(i Invoice, token int64) bool {
	if i.Status == Underpaid {
		return token == i.LockedTokenID
	}
	return a.Takes(token)
}

// Block blocks a token or allows it again. Blocking is meant to have an effect: it
// makes a merchant that takes all selective.
func (a Acceptance) Block(token int64, blocked bool) Acceptance {
	a.Blocked = slices.DeleteFunc(slices.Clone(a.Blocked), func(id int64) bool { return id == token })
	if blocked {
		a.Blocked = append(a.Blocked, token)
	}
	if blocked && a.Policy == AcceptAll {
		a.Policy = Selective
		a.Blocked = []int64{token} // what was blocked before had no effect and shall get none
	}
	return a
}
