package api

// Network is a network that the deployment serves, and how far it is known to have
// missed nothing.
type Network struct {
	Object        string   `json:"object"` // "network"
	Network       string   `json:"network"`
	Title         string   `json:"title"`
	Family        string   `json:"family"`     // evm, solana, ton, cardano, sui
	URIScheme     string   `json:"uri_scheme"` // of addresses that open a wallet with a payment
	Environment   string   `json:"network_environment"`
	Confirmations uint64   `json:"confirmations"`
	BlockTimeMS   int64    `json:"block_time_ms"`
	Simulated     bool     `json:"simulated"` // there is no such chain
	Tokens        []string `json:"tokens"`
	SinceHeight   *uint64  `json:"since_height"`  // null until the network is watched
	SeenHeight    *uint64  `json:"seen_height"`   // up to it blocks have been read
	ProvenHeight  *uint64  `json:"proven_height"` // up to it nothing is missing, and nothing will change
	ProvenHash    *string  `json:"proven_hash"`
	ProvenAt      *int64   `json:"proven_at"` // time of that block
}
