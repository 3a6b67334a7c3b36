package api

import "encoding/json"

// Version is the version of the event envelope.
const Version = "2025-12-16"

// Event is one fact, the same bytes by webhook, websocket and REST.
type Event struct {
	ID              string       `json:"id"`     // evt_<milliseconds>-<sequence>
	Object          string       `json:"object"` // "event"
	APIVersion      string       `json:"api_version"`
	Created         int64        `json:"created"`
	Type            string       `json:"type"`
	Livemode        bool         `json:"livemode"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         EventRequest `json:"request"`
	Data            EventData    `json:"data"`
}

// EventRequest is the API request that caused an event, if one did.
type EventRequest struct {
	ID             *string `json:"id"`
	IdempotencyKey *string `json:"idempotency_key"`
}

// EventData is what an event is about.
type EventData struct {
	Object             json.RawMessage `json:"object"`
	PreviousAttributes json.RawMessage `json:"previous_attributes"`
}

// StreamError is the last frame of a websocket that is closed for a reason.
type StreamError struct {
	Object  string `json:"object"` // "ws_error"
	Code    string `json:"code"`
	Message string `json:"message"`
}

// StreamControl tells a reader of a websocket where it stands in a replay.
type StreamControl struct {
	Object      string  `json:"object"` // "ws_control"
	Type        string  `json:"type"`   // replay_start, replay_complete, resync_required
	Since       *string `json:"since"`
	Reason      *string `json:"reason"`        // of resync_required: too_old or unknown
	LastEventID *string `json:"last_event_id"` // the newest event when the socket came; null for payors
}

// TicketRequest is the optional body of POST /api/v1/ws/token.
type TicketRequest struct {
	Scope      *string `json:"scope,omitempty"`
	TTLSeconds *Number `json:"ttl_seconds,omitempty"`
}

// Ticket is a short-lived credential for a websocket.
type Ticket struct {
	Token              string  `json:"token"`
	Scope              string  `json:"scope"`
	MerchantID         int64   `json:"merchant_id"`
	NetworkEnvironment *string `json:"network_environment"`
	ExpiresAt          int64   `json:"expires_at"`
	WSURL              string  `json:"ws_url"`
}
