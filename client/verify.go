package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pepay/pepay/api"
)

// Why a webhook is refused.
var (
	ErrSignature = errors.New("pepay: the webhook is not signed with any of the secrets")
	ErrTimestamp = errors.New("pepay: the webhook was signed too long ago, or in the future")
)

// DefaultTolerance is how far the time of a webhook may be from now.
const DefaultTolerance = 5 * time.Minute

// VerifyWebhook checks a webhook against the endpoint's secret and returns its
// event. The payload is the body as it came, byte for byte: read it before anything
// parses it. Give the new and the old secret while you change them. The error is
// ErrSignature, ErrTimestamp, or one about the payload; answer any with 400.
//
// Webhooks may come twice and out of order: remember the ids of events.
func VerifyWebhook(payload []byte, header http.Header, secrets ...string) (api.Event, error) {
	return WebhookVerifier{Secrets: secrets}.Verify(payload, header)
}

// WebhookVerifier is VerifyWebhook with a tolerance and a clock of your choice.
type WebhookVerifier struct {
	Secrets   []string
	Tolerance time.Duration    // 0 for DefaultTolerance; negative for any time
	Now       func() time.Time // nil for time.Now
}

// Verify is VerifyWebhook.
func (v WebhookVerifier) Verify(payload []byte, header http.Header) (e api.Event, err error) {
	timestamp := header.Get(api.HeaderTimestamp)
	if !v.signed(payload, timestamp, header) {
		return e, ErrSignature
	}
	now, tolerance := v.Now, v.Tolerance
	if now == nil {
		now = time.Now
	}
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || tolerance > 0 && now().Sub(time.UnixMilli(ms)).Abs() > tolerance {
		return e, ErrTimestamp
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return e, fmt.Errorf("pepay: decode the webhook: %w", err)
	}
	return e, nil
}

// signed reports whether one of the secrets made one of the signatures. While a
// secret is changed there are two: one by the new secret, one by the old.
func (v WebhookVerifier) signed(payload []byte, timestamp string, header http.Header) (ok bool) {
	for _, name := range []string{api.HeaderSignature, api.HeaderSignaturePrevious} {
		sent, err := hex.DecodeString(header.Get(name))
		for _, secret := range v.Secrets {
			if secret != "" && err == nil && hmac.Equal(sent, signature(secret, timestamp, payload)) {
				ok = true
			}
		}
	}
	return ok
}

func signature(secret, timestamp string, payload []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(timestamp + "."))
	m.Write(payload)
	return m.Sum(nil)
}

// SignWebhook sets the headers of a webhook that is sent at a moment, as the server
// does: for tests of a receiver.
func SignWebhook(header http.Header, payload []byte, secret string, at time.Time) {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	header.Set(api.HeaderTimestamp, timestamp)
	header.Set(api.HeaderSignature, hex.EncodeToString(signature(secret, timestamp, payload)))
}
