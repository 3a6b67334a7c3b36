package api

// MainnetAccess answers GET /api/v1/user/mainnet-access/status.
type MainnetAccess struct {
	HasMainnetAccess   bool   `json:"has_mainnet_access"`
	CurrentEnvironment string `json:"current_environment"` // devnet, mainnet
}

// ActivateRequest is the body of POST /api/v1/user/mainnet-access/activate, which
// answers with an Outcome.
type ActivateRequest struct {
	AccessKey *string `json:"access_key"`
}

// EnvironmentRequest is the body of PUT /api/v1/user/environment.
type EnvironmentRequest struct {
	Environment *string `json:"environment"`
}

// EnvironmentSet answers it.
type EnvironmentSet struct {
	Success            bool   `json:"success"` // true
	CurrentEnvironment string `json:"current_environment"`
}
