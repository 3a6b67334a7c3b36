package api

// ChallengeRequest is the body of POST /api/auth/wallet/challenge.
type ChallengeRequest struct {
	WalletAddress string `json:"walletAddress"`
	WalletType    string `json:"walletType"` // ethereum, solana
}

// Challenge answers it.
type Challenge struct {
	ChallengeID string `json:"challengeId"`
	Message     string `json:"message"` // to be signed, byte for byte
}

// SignInRequest is the body of POST /api/auth/wallet/verify.
type SignInRequest struct {
	ChallengeID   string `json:"challengeId"`
	Signature     string `json:"signature"`
	WalletAddress string `json:"walletAddress"`
	WalletType    string `json:"walletType"`
}

// SignedIn answers it, and without the token POST /api/auth/wallet/verify-token.
type SignedIn struct {
	Success       bool         `json:"success"` // true
	AccessToken   string       `json:"accessToken,omitempty"`
	ExpiresAt     int64        `json:"expiresAt"`
	WalletType    string       `json:"walletType"`
	WalletAddress string       `json:"walletAddress"`
	CredentialID  string       `json:"credentialId"`
	Permissions   []string     `json:"permissions"` // for the first of the merchants
	Merchants     []Membership `json:"merchants"`
	Message       string       `json:"message"`
}

// Membership is a merchant that somebody may act for.
type Membership struct {
	MerchantID  int64    `json:"merchant_id"`
	Name        string   `json:"name"`
	Role        string   `json:"role"` // owner, developer, viewer
	Permissions []string `json:"permissions"`
}

// Outcome says how it went.
type Outcome struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}
