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

// FamilyEVM is the family of the networks whose addresses are Ethereum's. A merchant
// has one payout address for each family.
const FamilyEVM = "evm"

// At is the merchant as it is at now: a payout address whose time has come has taken
// the place of the one before.
func (m Merchant) At(now time.Time) Merchant {
	if m.NextPayout != "" && !now.Before(m.NextPayoutAt) {
		m.Payout, m.NextPayout, m.NextPayoutAt = m.NextPayout, "", time.Time{}
	}
	return m
}

// PayTo changes the merchant's payout address. The first one counts at once; another
// only after the delay, so that who has taken over an account cannot take the proceeds
// before its owner hears of it. Naming the present address again takes a change back.
func (m Merchant) PayTo(address string, now time.Time, delay time.Duration) Merchant {
	switch m = m.At(now); {
	case address == m.Payout:
		m.NextPayout, m.NextPayoutAt = "", time.Time{}
	case m.Payout == "" || delay == 0:
		m.Payout, m.NextPayout, m.NextPayoutAt = address, "", time.Time{}
	case address != m.NextPayout:
		m.NextPayout, m.NextPayoutAt = address, now.Add(delay)
	}
	return m
}
