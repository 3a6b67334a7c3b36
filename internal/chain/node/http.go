package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxBody  = 32 << 20         // bytes of one answer
	callTime = 20 * time.Second // for one request, unless said otherwise
	shown    = 200              // bytes, at most, of what a node says that go to a log
)

// HTTPClient returns a client for one node: answers end with an error at 32 MiB, requests
// after the timeout, 0 for 20 seconds, and redirects are not followed. A nil transport is
// http.DefaultTransport.
func HTTPClient(t http.RoundTripper, timeout time.Duration) *http.Client {
	if t == nil {
		t = http.DefaultTransport
	}
	if timeout <= 0 {
		timeout = callTime
	}
	return &http.Client{
		Transport: bounded{t, maxBody}, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// UpTo returns a client of HTTPClient's with another bound: for answers that are not held as
// a whole.
func UpTo(bytes int, c *http.Client) *http.Client {
	large := *c
	large.Transport = bounded{c.Transport.(bounded).RoundTripper, bytes}
	return &large
}

// bounded is a transport whose answers end with an error after so many bytes.
type bounded struct {
	http.RoundTripper
	bytes int
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, b.bytes, b.bytes}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left, bytes int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is larger than %d bytes", b.bytes)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Endpoint is where a node is asked over HTTP.
type Endpoint struct {
	URL    string      // what requests are relative to, without a slash at the end
	Header http.Header // sent with each request, such as a key; may be nil
	Client *http.Client
}

// Status is the error of an answer that is not a success.
type Status struct {
	Code    int
	Message string // the beginning of the body
}

func (s Status) Error() string { return fmt.Sprintf("HTTP status %d %q", s.Code, s.Message) }

// Do sends a request and returns the body of a successful answer. The error is a Status
// when the node refused; none shows the address, which may hold a key.
func (e Endpoint) Do(ctx context.Context, method, path, contentType string, body []byte) (answer []byte, err error) {
	err = e.Stream(ctx, method, path, contentType, body, func(r io.Reader) (err error) {
		answer, err = io.ReadAll(r)
		return err
	})
	return answer, err
}

// Stream is Do for an answer that read reads while it comes.
func (e Endpoint) Stream(ctx context.Context, method, path, contentType string, body []byte, read func(io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is not usable")
	}
	for k, v := range e.Header {
		r.Header[k] = v
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := e.Client.Do(r)
	if err != nil {
		return Clean(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		b, _ := io.ReadAll(io.LimitReader(res.Body, shown))
		return Status{res.StatusCode, Short(string(b))}
	}
	return read(res.Body)
}

// Clean makes an error of net/http fit for a log: without the address.
func Clean(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("request: %w", e.Err)
	}
	return err
}

// Short is the beginning of what a node says, which may be anything.
func Short(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), shown)], "")
}
