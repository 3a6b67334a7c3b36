package api

// CreateEndpointRequest is the body of POST /api/v1/webhooks.
type CreateEndpointRequest struct {
	URL           *string  `json:"url"`
	EnabledEvents []string `json:"enabled_events,omitempty"` // types and wildcards; absent or empty means all
	Environment   *string  `json:"environment,omitempty"`    // devnet, mainnet; absent or null means both
}

// Endpoint is the webhook_endpoint object.
type Endpoint struct {
	Object        string   `json:"object"` // "webhook_endpoint"
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	EnabledEvents []string `json:"enabled_events"`
	Environment   *string  `json:"environment"`
	Status        string   `json:"status"` // "enabled"
	CreatedAt     int64    `json:"created_at"`
	Secret        string   `json:"secret,omitempty"` // only in the answer that created it
}

// Deleted answers a DELETE.
type Deleted struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

// The headers of a webhook delivery (contract 6.2).
const (
	HeaderEvent             = "X-Pepay-Event"
	HeaderEventID           = "X-Pepay-Event-ID"
	HeaderTimestamp         = "X-Pepay-Timestamp" // milliseconds
	HeaderSignature         = "X-Pepay-Signature" // lower hex
	HeaderSignaturePrevious = "X-Pepay-Signature-Previous"
	HeaderEnvironment       = "X-Pepay-Network-Environment"
)
