package zinc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/retail"
)

const (
	maxBody = 4 << 20
	maxWait = 5 * time.Minute // that a 429 is honoured for
)

// reply is an answer of Zinc: one that is an error of its has a code.
type reply struct {
	body []byte
	code string
}

// missing is the code of a 404 that has none.
const missing = "not_found"

// ask asks Zinc something. Its error is ErrUnavailable: there is no answer, or none
// that could be one. It never holds the token or a URL.
func (z *Zinc) ask(ctx context.Context, method string, path []string, query url.Values, body any) (reply, error) {
	if err := z.held(path[0]); err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, z.opt.Timeout)
	defer cancel()
	at := *z.base.JoinPath(path...)
	at.RawQuery = query.Encode()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, fmt.Errorf("zinc: encode: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), in)
	if err != nil {
		return reply{}, errors.New("zinc: the request cannot be made")
	}
	req.SetBasicAuth(z.opt.Token, "")
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := z.opt.HTTP.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL
		}
		return reply{}, unavailable("%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return reply{}, unavailable("read: %w", err)
	case len(answer) > maxBody:
		return reply{}, unavailable("the answer exceeds %d bytes", maxBody)
	}
	return z.read(ctx, path[0], resp, answer)
}

// read tells answers from what only looks like one.
func (z *Zinc) read(ctx context.Context, what string, resp *http.Response, body []byte) (reply, error) {
	var e struct {
		Type lax[string] `json:"_type"`
		Code lax[string] `json:"code"`
	}
	valid := json.Unmarshal(body, &e) == nil
	r := reply{body: body}
	if e.Type.v == "error" || resp.StatusCode >= 400 {
		if r.code = e.Code.v; !tokenish(r.code) {
			r.code = ""
		}
	}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden, r.code == "invalid_client_token", r.code == "unauthorized_access":
		z.denied(ctx)
		return reply{}, unavailable("the token is refused")
	case s == http.StatusTooManyRequests:
		return reply{}, z.hold(what, resp.Header)
	case s >= 500, s < 200, s >= 300 && s < 400:
		return reply{}, unavailable("status %d", s)
	case s == http.StatusNotFound && r.code == "":
		return reply{code: missing}, nil
	case !valid:
		return reply{}, unavailable("status %d: the answer is not a JSON object", s)
	case r.code == "" && (s >= 400 || e.Type.v == "error"):
		return reply{}, unavailable("status %d: an error without a code", s)
	}
	z.mu.Lock()
	z.refused = false
	z.mu.Unlock()
	return r, nil
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("zinc: %w: %w", retail.ErrUnavailable, fmt.Errorf(format, args...))
}

// denied says once that the configuration is wrong, and again after it was right.
func (z *Zinc) denied(ctx context.Context) {
	z.mu.Lock()
	first := !z.refused
	z.refused = true
	z.mu.Unlock()
	if first {
		z.opt.Log.ErrorContext(ctx, "zinc refuses the client token: correct it in the configuration; until then nothing can be sold")
	}
}

// held reports that Zinc has asked not to be asked yet. That is kept apart for searches,
// products and orders: somebody who browses too much must not stop an order that is paid.
func (z *Zinc) held(what string) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if d := z.until[what].Sub(z.opt.Now()); d > 0 {
		return unavailable("too many requests, again in %s", d.Round(time.Second))
	}
	return nil
}

// hold keeps to what a 429 asks for.
func (z *Zinc) hold(what string, h http.Header) error {
	wait := time.Second
	if n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31); err == nil {
		wait = min(time.Duration(n)*time.Second, maxWait)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.until[what] = z.opt.Now().Add(wait)
	return unavailable("too many requests, again in %s", wait)
}
