package rates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	callLimit = 3 * time.Second // for one HTTP exchange
	maxBody   = 64 << 10
)

// limitedError is an answer of 429 or 503: come back later.
type limitedError struct {
	status int
	wait   time.Duration // what the server asked for; 0 when it did not say
}

func (e *limitedError) Error() string {
	if e.wait == 0 {
		return fmt.Sprintf("status %d", e.status)
	}
	return fmt.Sprintf("status %d, retry after %s", e.status, e.wait)
}

// fetch returns the body of a 200 answer of at most 64 KB. It follows no
// redirect: a source that moved is a change for the operator to see. Its errors
// never hold the URL, which for an RPC node often holds a key.
func fetch(ctx context.Context, client *http.Client, method, address string, header http.Header, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, bare(err)
	}
	req.Header = header
	still := *client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := still.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return nil, &limitedError{resp.StatusCode, retryAfter(resp.Header)}
	default:
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(answer) > maxBody {
		return nil, fmt.Errorf("answer exceeds %d bytes", maxBody)
	}
	return answer, nil
}

// retryAfter reads the header of that name, in either form of RFC 9110 10.2.3.
// A date is taken relative to the server's own, so no two clocks are compared.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err1 := http.ParseTime(v)
	sent, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(until.Sub(sent), 0)
}

// bare strips the URL from an error of net/http.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
