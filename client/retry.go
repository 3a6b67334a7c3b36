package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// The wait before the first retry, doubled for each further one, and the longest
// that is waited because a server asks for it.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = time.Minute
)

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 16 << 20

type idempotencyKey struct{}

// WithIdempotencyKey returns a context whose writes carry the key, a UUID of version
// 4, instead of a fresh one. Store it before you write, use it for that one write
// only, and you can repeat the write after anything: it happens once, and is
// answered alike. The same key with another body is refused with status 409.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// NewIdempotencyKey returns a fresh key: a UUID of version 4.
func NewIdempotencyKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// do sends a request until it is answered for good, and returns the body of a 2xx.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	header := c.header.Clone()
	if method != http.MethodGet {
		key, chosen := ctx.Value(idempotencyKey{}).(string)
		if !chosen {
			key = NewIdempotencyKey()
		}
		header.Set("Idempotency-Key", key)
		header.Set("Content-Type", "application/json")
	}
	for n := 0; ; n++ {
		answer, err := c.attempt(ctx, method, target, header, body)
		if err == nil || ctx.Err() != nil || n >= c.Retries || !transient(err) {
			return answer, err
		}
		pause := jittered(firstWait << min(n, 10))
		if e, ok := errors.AsType[*Error](err); ok {
			if e.RetryAfter > longestWait {
				return nil, err
			}
			pause = max(pause, e.RetryAfter)
		}
		if ctxErr := wait(ctx, pause); ctxErr != nil {
			return nil, fmt.Errorf("%w, after: %w", ctxErr, err)
		}
	}
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, method, target string, header http.Header, body []byte) ([]byte, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, &badRequest{fmt.Errorf("pepay: %w", err)}
	}
	r.Header = header.Clone()
	sender := *c.HTTP
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := sender.Do(r)
	if err != nil {
		return nil, fmt.Errorf("pepay: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("pepay: read the answer to %s %s: %w", method, r.URL.Path, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, readError(resp, answer)
	}
	return answer, nil
}

// badRequest is a request that cannot be sent at all.
type badRequest struct{ error }

// retryable are the statuses that pass.
var retryable = []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}

// transient reports whether a request that failed so may succeed when it is repeated.
func transient(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return slices.Contains(retryable, e.Status)
	}
	_, bad := errors.AsType[*badRequest](err)
	return !bad
}

// jittered is a random part of d, at least half of it: those who failed together do
// not come back together.
func jittered(d time.Duration) time.Duration { return d/2 + mathrand.N(d/2+1) }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
