package notify

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"github.com/pepay/pepay/internal/pay"
)

// Guard judges where webhooks may go: to public addresses over https. Development
// also allows plain http and this machine itself.
type Guard struct {
	Dev   bool
	judge *ssrf.Guardian
}

// NewGuard returns a guard.
func NewGuard(dev bool) *Guard {
	opts := []ssrf.Option{ssrf.WithAnyPort()}
	if dev {
		opts = append(opts, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")), ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")))
	}
	return &Guard{Dev: dev, judge: ssrf.New(opts...)}
}

// Control judges an address after it was resolved and before it is connected to,
// as net.Dialer.Control: what a name resolves to when we dial is what counts.
func (g *Guard) Control(network, address string, c syscall.RawConn) error {
	return g.judge.Safe(network, address, c)
}

// Allowed judges a URL as far as that can be done without asking anybody. The
// error has CodeValidation.
func (g *Guard) Allowed(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || !g.Dev) {
		return pay.Errorf(pay.CodeValidation, "url must begin with https://")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		if g.judge.SafeAddr(ip) != nil {
			return pay.Errorf(pay.CodeValidation, "url must lead to a public address")
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	local := last == "localhost"
	switch {
	case local && g.Dev:
		return nil
	case local, last == "local", last == "internal", last == "arpa", !strings.Contains(host, "."), last == "", last[0] >= '0' && last[0] <= '9':
		return pay.Errorf(pay.CodeValidation, "url must lead to a public host name or address")
	}
	return nil
}

// Client returns an HTTP client that only reaches what the guard allows, follows
// no redirects, uses no proxy, and gives up after the timeout.
func (g *Guard) Client(timeout time.Duration) *http.Client {
	dial := &net.Dialer{Timeout: timeout, Control: g.Control}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &guarded{g, &http.Transport{
			DialContext: dial.DialContext, TLSHandshakeTimeout: timeout, MaxIdleConns: 1000, MaxIdleConnsPerHost: 8 * sendersPerEndpoint,
			IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true, DisableCompression: true,
		}},
	}
}

// guarded judges each request, however long ago its URL was first allowed: what a
// development deployment stored may have moved to a real one.
type guarded struct {
	guard *Guard
	*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if e, ok := errors.AsType[*pay.Error](t.guard.Allowed(r.URL)); ok {
		return nil, errors.New(e.Message)
	}
	return t.Transport.RoundTrip(r)
}
