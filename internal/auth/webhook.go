package auth

import (
	"strconv"
	"time"
)

// SignWebhook signs a webhook body sent at a moment (contract 6.2): hex
// HMAC-SHA256 over "<milliseconds>.<body>".
func SignWebhook(secret string, at time.Time, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.UnixMilli(), 10)
	return timestamp, mac([]byte(secret), timestamp+"."+string(body))
}
