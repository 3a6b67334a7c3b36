package api

import "encoding/json"

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
	Status        string   `json:"status"`          // "enabled", "disabled"
	DisabledAt    *int64   `json:"disabled_at"`     // null while it is enabled
	Reason        *string  `json:"disabled_reason"` // "merchant", "gone", "failing"; null while it is enabled
	FailingSince  *int64   `json:"failing_since"`   // null when its last attempt was taken
	PreviousUntil *int64   `json:"previous_secret_expires_at"`
	CreatedAt     int64    `json:"created_at"`
	Secret        string   `json:"secret,omitempty"` // only in the answer that made it
}

// ChangeEndpointRequest is the body of PATCH /api/v1/webhooks/{id}. What is absent
// stays as it is.
type ChangeEndpointRequest struct {
	URL           *string         `json:"url"`
	EnabledEvents *[]string       `json:"enabled_events"`
	Environment   json.RawMessage `json:"environment"` // null means both
	Enabled       *bool           `json:"enabled"`
	Status        *string         `json:"status"` // the same in words: enabled, disabled
}

// EndpointTest answers POST /api/v1/webhooks/{id}/test.
type EndpointTest struct {
	Object     string `json:"object"` // "webhook_test"
	EndpointID string `json:"endpoint_id"`
	EventID    string `json:"event_id"`
	DeliveryID string `json:"delivery_id"`
}

// Ping is the object of test.ping.
type Ping struct {
	Object string `json:"object"` // "ping"
	Status string `json:"status"` // "ok"
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
	HeaderTraceparent       = "Traceparent" // W3C Trace Context, of a deployment that traces
)
