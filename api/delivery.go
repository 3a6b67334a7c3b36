package api

// Delivery is the webhook_delivery object: one event on its way to one endpoint.
type Delivery struct {
	Object        string    `json:"object"` // "webhook_delivery"
	ID            string    `json:"id"`
	EndpointID    string    `json:"endpoint_id"`
	EventID       string    `json:"event_id"`
	EventType     string    `json:"event_type"`
	State         string    `json:"state"` // due, done, dead
	Attempts      []Attempt `json:"attempts"`
	NextAttemptAt *int64    `json:"next_attempt_at"`
	CreatedAt     int64     `json:"created_at"`
}

// Attempt is one try to deliver.
type Attempt struct {
	Number       int     `json:"number"` // from 1
	At           int64   `json:"attempted_at"`
	HTTPStatus   *int    `json:"http_status"` // null when none came
	Error        *string `json:"error"`       // why none came
	LatencyMS    int64   `json:"latency_ms"`
	ResponseBody string  `json:"response_body"` // at most its first 1024 bytes
}
