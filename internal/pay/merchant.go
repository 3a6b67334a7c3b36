package pay

import "time"

// Merchant is somebody who is paid.
type Merchant struct {
	ID          int64
	Name        string
	Email       string
	Environment Environment // where its new work happens; mainnet has to be enabled
	Payout      string      // EVM address its settlements go to; "" until set
	ReturnURL   string      // default for invoices that name none
	CreatedAt   time.Time
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
	ID          string
	MerchantID  int64
	Name        string
	Scope       Scope
	Environment Environment
	Hash        string // hex SHA-256 of the secret
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: never
	RevokedAt   time.Time // zero: not revoked
}

// Usable reports whether the key opens anything at now.
func (k Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}
