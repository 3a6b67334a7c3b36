package pay

import "time"

// SettlementPreference says what a merchant wants to be paid in (contract 2.7). What a
// payor sends goes to the merchant as it is: nothing is converted.
type SettlementPreference string

// The settlement preferences of the contract.
const (
	StablesOnly      SettlementPreference = "stables_only"      // payors may choose stable coins only
	StablesPreferred SettlementPreference = "stables_preferred" // stable coins are offered first
	AnyToken         SettlementPreference = "tokens"            // whatever a payor chooses
)

// SettlementPreferences are all of them.
var SettlementPreferences = []SettlementPreference{StablesOnly, StablesPreferred, AnyToken}

// Description is the preference in a sentence for people.
func (p SettlementPreference) Description() string {
	switch p {
	case StablesOnly:
		return "Only stable coins are accepted"
	case StablesPreferred:
		return "Stable coins are offered first, other tokens after them"
	case AnyToken:
	}
	return "Every token is accepted, and settled as it was paid"
}

// Offers reports whether payors may choose a token.
func (p SettlementPreference) Offers(t Token) bool { return p != StablesOnly || t.Stable }

// Payout is where a merchant's proceeds go on the networks of a family.
type Payout struct {
	MerchantID int64
	Family     Family
	Address    string    // in canonical form; "" until set
	Next       string    // takes the place of Address when its time comes; "" for none
	NextAt     time.Time // zero for none
}

// At is the payout as it is at now: an address whose time has come has taken the place
// of the one before.
func (p Payout) At(now time.Time) Payout {
	if p.Next != "" && !now.Before(p.NextAt) {
		p.Address, p.Next, p.NextAt = p.Next, "", time.Time{}
	}
	return p
}

// To changes the address. The first one counts at once; another only after the delay, so
// that who has taken over an account cannot take the proceeds before its owner hears of
// it. Naming the present address again takes a change back.
func (p Payout) To(address string, now time.Time, delay time.Duration) Payout {
	switch p = p.At(now); {
	case address == p.Address:
		p.Next, p.NextAt = "", time.Time{}
	case p.Address == "" || delay == 0:
		p.Address, p.Next, p.NextAt = address, "", time.Time{}
	case address != p.Next:
		p.Next, p.NextAt = address, now.Add(delay)
	}
	return p
}
