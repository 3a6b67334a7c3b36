package pay

import "time"

// WalletType is the kind of wallet that somebody signs in with.
type WalletType string

// The wallet types of the contract.
const (
	EthereumWallet WalletType = "ethereum"
	SolanaWallet   WalletType = "solana"
)

// Wallet is who a person is to us.
type Wallet struct {
	Type    WalletType
	Address string // canonical: two wallets are the same when they are equal
}

// String returns the type and the address, "" for no wallet.
func (w Wallet) String() string {
	if w.Address == "" {
		return ""
	}
	return string(w.Type) + ":" + w.Address
}

// Role is what a person may do for a merchant.
type Role string

// The roles, each of which may do all that the next may.
const (
	RoleOwner     Role = "owner"     // everything
	RoleDeveloper Role = "developer" // all but settlement, payout, members and the keys of others
	RoleViewer    Role = "viewer"    // reads
)

// Writes reports whether the role may change anything.
func (r Role) Writes() bool { return r == RoleOwner || r == RoleDeveloper }

// Manages reports whether the role may decide about money, members and the keys of others.
func (r Role) Manages() bool { return r == RoleOwner }

// Permissions names what the role may do: read, write and manage, the first of them
// always.
func (r Role) Permissions() []string {
	all := []string{"read"}
	if r.Writes() {
		all = append(all, "write")
	}
	if r.Manages() {
		all = append(all, "manage")
	}
	return all
}

// Member is a person who may act for a merchant.
type Member struct {
	MerchantID int64
	Wallet     Wallet
	Role       Role
	CreatedAt  time.Time
}

// MaxChallengeTries is how many signatures may be tried on one challenge.
const MaxChallengeTries = 5

// Challenge is a message that we asked a wallet to sign, once.
type Challenge struct {
	ID        string
	Wallet    Wallet
	Tries     int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Open reports whether one more signature may be tried at now.
func (c Challenge) Open(now time.Time) bool {
	return c.Tries < MaxChallengeTries && now.Before(c.ExpiresAt)
}

// Login is a person's being signed in. Without its row the token that names it is
// worth nothing.
type Login struct {
	ID        string
	Wallet    Wallet
	CreatedAt time.Time
	ExpiresAt time.Time
}
