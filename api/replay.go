package api

// ReplayRequest is the body of POST /api/v1/webhooks/{id}/replay: a range of time or
// of events.
type ReplayRequest struct {
	From  *Number `json:"from"`  // epoch seconds
	To    *Number `json:"to"`    // epoch seconds; that second is included
	After *string `json:"after"` // an event id; it is not included
	Until *string `json:"until"` // an event id; it is included
}

// Replay is the webhook_replay object.
type Replay struct {
	Object     string `json:"object"` // "webhook_replay"
	ID         string `json:"id"`
	EndpointID string `json:"endpoint_id"`
	State      string `json:"state"` // running, done
	Total      int64  `json:"total"`
	Done       int64  `json:"done"`
	CreatedAt  int64  `json:"created_at"`
	FinishedAt *int64 `json:"finished_at"`
}
