package api

import "encoding/json"

// SettlementPreference answers GET and PUT /api/v1/merchant/settlement-preference.
type SettlementPreference struct {
	SettlementPreference    string            `json:"settlement_preference"`
	Description             string            `json:"description"`
	SelectedSettlementToken *SettlementToken  `json:"selected_settlement_token"`
	AvailableStableTokens   []SettlementToken `json:"available_stable_tokens"`
	UpdatedAt               int64             `json:"updated_at"`
}

// SettlementToken is a stable coin that a merchant may name as the one it wants.
type SettlementToken struct {
	ID                  int64   `json:"id"`
	TokenSymbol         string  `json:"token_symbol"`
	TokenName           string  `json:"token_name"`
	Network             string  `json:"network"`
	TokenAddress        *string `json:"token_address"`
	TokenDecimals       int     `json:"token_decimals"`
	PhotoURI            *string `json:"photo_uri"`
	IsDefault           *bool   `json:"is_default,omitempty"`            // of the selected one
	IsDefaultSettlement *bool   `json:"is_default_settlement,omitempty"` // of an available one
}

// PreferenceRequest is the body of PUT /api/v1/merchant/settlement-preference.
type PreferenceRequest struct {
	SettlementPreference *string `json:"settlement_preference"`
}

// SettlementTokenRequest is the body of PUT /api/v1/merchant/settlement-token. The field
// must be there; null is the default.
type SettlementTokenRequest struct {
	SettlementTokenID json.RawMessage `json:"settlement_token_id"`
}

// SettlementTokenSet answers it.
type SettlementTokenSet struct {
	Success         bool         `json:"success"`
	Message         string       `json:"message"`
	SettlementToken *ChosenToken `json:"settlement_token"`
	UpdatedAt       int64        `json:"updated_at"`
}

// ChosenToken names the settlement token that was chosen.
type ChosenToken struct {
	ID          int64  `json:"id"`
	TokenSymbol string `json:"token_symbol"`
	TokenName   string `json:"token_name"`
	Network     string `json:"network"`
}

// PayoutAddress is where a merchant's proceeds go on the networks of a family.
type PayoutAddress struct {
	Object   string         `json:"object"`
	Family   string         `json:"family"`
	Networks []string       `json:"networks"`
	Address  *string        `json:"address"`
	Pending  *PendingPayout `json:"pending"`
}

// PendingPayout is an address that will take the place of the present one.
type PendingPayout struct {
	Address     string `json:"address"`
	EffectiveAt int64  `json:"effective_at"`
}

// PayoutRequest is the body of PUT /api/v1/merchant/payout-addresses.
type PayoutRequest struct {
	Family  *string `json:"family"`
	Address *string `json:"address"`
}
