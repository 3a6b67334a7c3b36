package api

// Error is envelope A: payor endpoints, and generally.
type Error struct {
	Error string `json:"error"`
	Code  string `json:"code,omitempty"`
}

// MerchantError is envelope B: authentication and validation on merchant endpoints.
type MerchantError struct {
	Success bool              `json:"success"` // false
	Error   MerchantErrorBody `json:"error"`
}

// MerchantErrorBody is what is wrong.
type MerchantErrorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// SessionRateError is envelope C: a payor asked too often.
type SessionRateError struct {
	Error     string `json:"error"`
	ErrorCode string `json:"error_code"`
	Source    string `json:"source"`
}

// RateError is envelope D: a key or an address asked too often.
type RateError struct {
	Success    bool   `json:"success"` // false
	Message    string `json:"message"`
	ErrorCode  string `json:"error_code"`
	RetryAfter string `json:"retry_after"` // for people, as in "15 seconds"
}
