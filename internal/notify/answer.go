package notify

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/pepay/pepay/internal/pay"
)

// opening returns how a receiver's answer begins, as text that any database keeps.
// It reads a little more, so that the connection can be used again.
func opening(body io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(body, pay.MaxAnswer)) // what came before it broke off is shown
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10))
	s := strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > pay.MaxAnswer {
		s = strings.ToValidUTF8(s[:pay.MaxAnswer], "")
	}
	return s
}

// retryAfter is how long a receiver that has too much to do asks us to wait: at most
// pay.MaxPause, zero if it does not say.
func retryAfter(r *http.Response, now time.Time) time.Duration {
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	h := strings.TrimSpace(r.Header.Get("Retry-After"))
	if until, err := http.ParseTime(h); err == nil {
		return min(max(until.Sub(now), 0), pay.MaxPause)
	}
	if h == "" || strings.Trim(h, "0123456789") != "" {
		return 0
	}
	s, err := strconv.ParseInt(h, 10, 64)
	if most := int64(pay.MaxPause / time.Second); err != nil || s > most { // more digits than fit are too many seconds
		s = most
	}
	return time.Duration(s) * time.Second
}

// cause names, for the merchant, what went wrong: without the URL, which may hold a secret,
// and without addresses, which may be those of our resolver and of our network.
func cause(err error) string {
	late := false
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client.Do returns it bare
		err, late = u.Err, u.Timeout()
	}
	text := err.Error()
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if text = "the host name could not be looked up"; lookup.IsNotFound {
			text = "the host name does not exist"
		}
	} else if errors.Is(err, ssrf.ErrProhibitedIP) {
		text = "the host name does not lead to a public address"
	} else if late { // net/http keeps no more than the text of what was under way
		text = "there was no answer in time"
	} else if op, ok := errors.AsType[*net.OpError](err); ok {
		text = op.Op + ": " + op.Err.Error()
	}
	return fmt.Sprintf("%.200s", text)
}
