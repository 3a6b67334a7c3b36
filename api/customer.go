package api

// Customer is who a commerce request is for: the merchant's own id of a customer, or a
// wallet and its network. Absent fields are nil.
type Customer struct {
	CustomerID    *string `json:"customer_id,omitempty"`    // at most 255 characters
	WalletAddress *string `json:"wallet_address,omitempty"` // with wallet_network
	WalletNetwork *string `json:"wallet_network,omitempty"` // one of the ten networks
}

// Told is the envelope of commerce answers with a word for people.
type Told[T any] struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	Data    T      `json:"data"`
}

// Stamped is the envelope of commerce answers that say when they were true.
type Stamped[T any] struct {
	Success bool `json:"success"`
	Data    T    `json:"data"`
	Meta    Meta `json:"meta"`
}

// Meta is when an answer was made, in epoch seconds.
type Meta struct {
	Timestamp int64 `json:"timestamp"`
}
