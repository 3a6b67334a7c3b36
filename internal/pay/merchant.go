package pay

import "time"

// Merchant is somebody who is paid.
type Merchant struct {
	ID          int64
	Name        string
	Email       string
	Environment Environment // where its new work happens; mainnet has to be enabled
	Mainnet     bool        // whether mainnet is enabled
	ReturnURL   string      // default for invoices that name none
	CreatedAt   time.Time

	Settlement      SettlementPreference
	SettlementToken int64     // the stable coin it would rather have; 0 for the default
	SettlementAt    time.Time // when it last said either; zero for never
}

// Scope says which half of the API a key opens.
type Scope string

// The two scopes of the contract.
const (
	ScopeMerchant Scope = "merchant"
	ScopeCommerce Scope = "commerce"
)

// Key is an API key. Only a hash of its secret is kept.
type Key struct {
	ID            string
	MerchantID    int64
	Name          string
	Scope         Scope
	Environment   Environment
	Hash          string // hex SHA-256 of the secret
	CreatedBy     Wallet // who made it; zero for the operator
	CreatedAt     time.Time
	ExpiresAt     time.Time // zero: never
	SuspendedAt   time.Time // zero: not suspended
	RevokedAt     time.Time // zero: not revoked
	RevokedReason string
	LastUsedAt    time.Time // to about two minutes; zero: never
}

// Usable reports whether the key is one at now: not revoked, not expired. One that
// is suspended still is, and opens nothing meanwhile.
func (k Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Refused returns why a key of a merchant opens nothing at now, nil when it opens what
// it is for. The error has CodeKeyInvalid for a key that is revoked or expired, and
// CodeForbidden for one that is suspended or whose environment is not enabled.
func (k Key) Refused(m Merchant, now time.Time) error {
	switch {
	case !k.RevokedAt.IsZero():
		return Errorf(CodeKeyInvalid, "Invalid API key")
	case !k.Usable(now):
		return ErrExpired
	case !k.SuspendedAt.IsZero():
		return ErrSuspended
	case k.Environment == Mainnet && !m.Mainnet:
		return ErrNoMainnet
	}
	return nil
}

// Reasons why a key that is known opens nothing. ErrNoMainnet also refuses what else is
// of mainnet to an account that it is not enabled for.
var (
	ErrExpired   = Errorf(CodeKeyInvalid, "This API key has expired; make a new one")
	ErrSuspended = Errorf(CodeForbidden, "This API key is suspended; ask your operator")
	ErrNoMainnet = Errorf(CodeForbidden, "Mainnet is not enabled for this account; activate it with an access code from your operator")
)

// Status is the key's state in the contract's words: active, suspended or revoked.
// An expired key keeps the state that it had.
func (k Key) Status() string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.SuspendedAt.IsZero():
		return "suspended"
	}
	return "active"
}
