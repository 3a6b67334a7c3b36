// Package zinc buys real goods from real retailers through version 1 of the Zinc API.
// Nothing that it is told is believed before it is checked: an answer has a size, an
// id has a form, a price has bounds, and what cannot be read is not acted on.
package zinc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/retail"
)

// DefaultURL is where the API is.
const DefaultURL = "https://api.zinc.io/v1"

// Options are what an operator says of an account with Zinc. It must be a managed
// account: Zinc buys with its own accounts at the retailers and takes the money from a
// balance, so that no retailer's password and no card is kept here.
type Options struct {
	Token   string // the client token; a secret
	URL     string // DefaultURL when ""
	Webhook string // where Zinc shall tell that something happened, https, with a secret in it; "" for nowhere
	Days    int    // an order that would arrive later is not placed; 10 when 0
	// Balance is what the account is taken to hold when Zinc's answer about it has a
	// form that is not understood; 0 for nothing, which stops selling.
	Balance money.USD
	Timeout time.Duration // of one exchange; 8 seconds when 0
	HTTP    *http.Client  // nil for one of its own
	Log     *slog.Logger
	Now     func() time.Time
}

// Zinc is a retail.Provider.
type Zinc struct {
	opt  Options
	base *url.URL

	mu      sync.Mutex
	until   map[string]time.Time // by what is asked for: Zinc asked not to be asked before
	refused bool                 // the token was, last time
	told    map[string]struct{}  // what the log has already
	cancels map[string][]string  // by request: the names of its cancellations
}

var _ retail.Provider = (*Zinc)(nil)

// New returns a provider. It asks nothing of Zinc yet. The error says which option is
// wrong, without its value.
func New(o Options) (*Zinc, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	base, err := url.Parse(strings.TrimRight(o.URL, "/"))
	switch {
	case err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("zinc: the URL must be like " + DefaultURL)
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return nil, errors.New("zinc: the URL must begin with https://: the token and customers' addresses go over it")
	case o.Token == "" || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }):
		return nil, errors.New("zinc: the token must be given, in printable ASCII without a colon")
	case o.Webhook != "" && link(o.Webhook) == "":
		return nil, errors.New("zinc: the webhook URL must begin with https://")
	case o.Days < 0 || o.Days > maxDays || o.Timeout < 0 || o.Balance < 0:
		return nil, fmt.Errorf("zinc: days must be 0 to %d, timeout and balance not negative", maxDays)
	}
	if o.Days == 0 {
		o.Days = 10
	}
	if o.Timeout == 0 {
		o.Timeout = 8 * time.Second
	}
	client := http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns: 8, MaxConnsPerHost: 32, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
	}}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &client
	return &Zinc{opt: o, base: base, until: map[string]time.Time{}, told: map[string]struct{}{}, cancels: map[string][]string{}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxTold bounds what is remembered for the log, and of cancellations. What is forgotten
// is logged again, or asked for again.
const maxTold = 10_000

// warn logs a thing once: at Error when a person has to look.
func (z *Zinc) warn(ctx context.Context, person bool, once, msg string, args ...any) {
	z.mu.Lock()
	_, known := z.told[once]
	if len(z.told) >= maxTold {
		clear(z.told)
	}
	z.told[once] = struct{}{}
	z.mu.Unlock()
	level := slog.LevelWarn
	if person {
		level = slog.LevelError
	}
	if !known {
		z.opt.Log.Log(ctx, level, msg, args...)
	}
}
