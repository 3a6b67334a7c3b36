package api

import "encoding/json"

// MerchantTokens answers GET /api/v1/merchant/tokens.
type MerchantTokens struct {
	AcceptancePolicy string          `json:"acceptance_policy"` // accept_all, accept_none, selective
	Environment      string          `json:"environment"`
	Tokens           []MerchantToken `json:"tokens"`
}

// FoundTokens answers GET /api/v1/merchant/tokens/search.
type FoundTokens struct {
	MerchantTokens
	Total  int `json:"total"` // that match, on all pages
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// MerchantToken is a token as its merchant sees it.
type MerchantToken struct {
	ID                       int64       `json:"id"`
	TokenSymbol              string      `json:"token_symbol"`
	TokenName                string      `json:"token_name"`
	TokenAddress             *string     `json:"token_address"` // null when native
	TokenDecimals            int         `json:"token_decimals"`
	Network                  string      `json:"network"`
	NetworkEnvironment       string      `json:"network_environment"`
	TokenType                string      `json:"token_type"`
	RequiresMemo             bool        `json:"requires_memo"`
	PhotoURI                 *string     `json:"photo_uri"`
	SupportsSubscriptions    bool        `json:"supports_subscriptions"`
	SupportsStableSettlement bool        `json:"supports_stable_settlement"`
	IsActive                 bool        `json:"is_active"`
	IsMonitored              bool        `json:"is_monitored"`
	IsBlocked                bool        `json:"is_blocked"`
	Price                    *TokenPrice `json:"price"`
}

// TokenPrice is what one whole token costs.
type TokenPrice struct {
	USD           json.Number `json:"usd"`
	LastUpdatedAt int64       `json:"last_updated_at"`
	ProviderType  string      `json:"provider_type"` // which sources said so
}

// BlockTokenRequest is the body of POST /api/v1/merchant/tokens/{id}/block; without
// one the token is blocked.
type BlockTokenRequest struct {
	Blocked *bool `json:"blocked"`
}

// TokenBlocked answers it.
type TokenBlocked struct {
	Success bool `json:"success"`
	Blocked bool `json:"blocked"`
}

// AcceptancePolicyRequest is the body of PUT /api/v1/merchant/acceptance-policy.
type AcceptancePolicyRequest struct {
	AcceptancePolicy *string `json:"acceptance_policy"`
}

// AcceptancePolicySaved answers it.
type AcceptancePolicySaved struct {
	Success          bool   `json:"success"`
	AcceptancePolicy string `json:"acceptance_policy"`
}
