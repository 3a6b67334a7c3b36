package server

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"golang.org/x/time/rate"
)

// Rates are how often callers may ask; 0 is without limit.
type Rates struct {
	PerKey     int // requests a minute with one API key
	PerSession int // requests a minute of one payor
	PerAddress int // requests a minute from one IP address, whatever they are
	WrongKeys  int // wrong API keys in 15 minutes from one IP address
	SignIns    int // requests to sign in a minute from one IP address
}

// Limits keep callers to rates. A limit may be used up at once; then it fills up
// again evenly.
type Limits struct {
	key, session, verify, address, wrongKey, signIn, code *limiter
	meter                                                 *meter.Meter
}

// NewLimits returns limits at the given rates.
func NewLimits(r Rates, m *meter.Meter) *Limits {
	return &Limits{
		meter:   m,
		key:     newLimiter("key", time.Minute, r.PerKey, pay.CodeRate, "Too many requests with this API key. Slow down, or ask your operator for a higher limit."),
		session: newLimiter("session", time.Minute, r.PerSession, pay.CodeSessionRate, "Too many requests. Please try again in a minute."),
		verify: newLimiter("verify", time.Minute, verifications, pay.CodeSessionRate,
			"The chain was just searched for this invoice. Please try again in a minute."),
		address: newLimiter("address", time.Minute, r.PerAddress, pay.CodeRate, "Too many requests from your network address. Please slow down."),
		wrongKey: newLimiter("wrong_key", 15*time.Minute, r.WrongKeys, pay.CodeRate,
			"Too many requests with an invalid API key. Please try again later."),
		signIn: newLimiter("sign_in", time.Minute, r.SignIns, pay.CodeRate, "Too many sign-ins from this address. Please try again in a minute."),
		code: newLimiter("access_code", time.Hour, codes, pay.CodeRate,
			"Too many access codes. Please try again later, or ask your operator for a new one."),
	}
}

// codes is how many access codes a merchant may try in an hour.
const codes = 5

// verifications is how often a minute a payor may have the chain searched: each costs
// questions to nodes.
const verifications = 6

// limiter is a token bucket for each name.
type limiter struct {
	kind    string
	every   time.Duration
	burst   int
	code    pay.Code
	message string

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	sweep   int            // how many buckets there are when those that are full are dropped
	share   bool           // with other nodes
	spent   map[string]int // since it was last told to them
}

func newLimiter(kind string, every time.Duration, burst int, code pay.Code, message string) *limiter {
	return &limiter{
		kind: kind, every: every, burst: burst, code: code, message: message,
		buckets: map[string]*rate.Limiter{}, sweep: minSweep, spent: map[string]int{},
	}
}

// Buckets that are full again say nothing and are dropped, when there are so many.
// More than the most are not kept: somebody with a million addresses is let through
// rather than given all memory.
const (
	minSweep   = 10_000
	maxBuckets = 200_000
)

// bucket returns the bucket of a name. The limiter is locked.
func (l *limiter) bucket(name string, now time.Time) *rate.Limiter {
	b := l.buckets[name]
	if b != nil {
		return b
	}
	if len(l.buckets) >= l.sweep {
		crowded := len(l.buckets) >= maxBuckets
		for n, b := range l.buckets {
			if b.TokensAt(now) >= float64(l.burst) || crowded && len(l.buckets) > maxBuckets/2 {
				delete(l.buckets, n)
			}
		}
		l.sweep = min(max(minSweep, 2*len(l.buckets)), maxBuckets)
	}
	b = rate.NewLimiter(rate.Every(l.every/time.Duration(l.burst)), l.burst)
	l.buckets[name] = b
	return b
}

// quota is how a caller stands with a limit.
type quota struct {
	limit, left int
	full        time.Duration // until all of it may be used again
	wait        time.Duration // until the next request may come, of one that was refused
}

// take takes one request out of a bucket, unless there is none left.
func (l *limiter) take(name string, now time.Time) (q quota, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(name, now)
	if ok = b.AllowN(now, 1); ok && l.share {
		l.spent[name]++
	}
	left, each := b.TokensAt(now), l.every/time.Duration(l.burst)
	q = quota{limit: l.burst, left: max(int(left), 0), full: time.Duration((float64(l.burst) - left) * float64(each))}
	if !ok {
		q.wait = time.Duration((1 - left) * float64(each))
	}
	return q, ok
}

// headersKey finds, in a request's context, the headers of its answer.
type headersKey struct{}

// allow takes one request out of a bucket, or refuses it. The answer's headers tell
// how the caller stands with the limit that it is nearest to.
func (s *Server) allow(r *http.Request, l *limiter, name string) error {
	if l.burst == 0 {
		return nil
	}
	q, ok := l.take(name, s.Now())
	h, _ := r.Context().Value(headersKey{}).(http.Header)
	if left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); h != nil && (err != nil || !ok || q.left < left) {
		h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(q.left))
		h.Set("X-RateLimit-Reset", strconv.Itoa(seconds(q.full)))
	}
	if ok {
		return nil
	}
	s.Limits.meter.Refused(l.kind)
	return refuse(l.code, q.wait, "%s", l.message)
}

// seconds rounds up, so that whoever waits that long has waited long enough.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// spending is what callers have used up at one node, by limit and name.
type spending map[string]map[string]int

// shareEvery is how long a node may keep to itself what callers have used up there.
const shareEvery = 20 * time.Millisecond

// Share keeps the limits together with other nodes until ctx ends: it tells them by
// tell, and hears of theirs by Heard. What is lost on the way is only not counted.
func (l *Limits) Share(ctx context.Context, tell func([]byte)) {
	for _, one := range l.all() {
		one.mu.Lock()
		one.share = true
		one.mu.Unlock()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(shareEvery):
		}
		if told := l.collect(); len(told) > 0 {
			b, _ := json.Marshal(told) // of maps of numbers: cannot fail
			tell(b)
		}
	}
}

// collect returns what was used up since it was last called.
func (l *Limits) collect() spending {
	told := spending{}
	for _, one := range l.all() {
		one.mu.Lock()
		if len(one.spent) > 0 {
			told[one.kind], one.spent = one.spent, map[string]int{}
		}
		one.mu.Unlock()
	}
	return told
}

// Heard counts what another node told. More than a limit allows leaves a debt, which
// is waited off: over time the nodes together give out what one would.
func (l *Limits) Heard(b []byte, now time.Time) {
	var told spending
	if json.Unmarshal(b, &told) != nil {
		return // of a release that speaks otherwise
	}
	for _, one := range l.all() {
		one.mu.Lock()
		for name, n := range told[one.kind] {
			if one.burst > 0 && n > 0 {
				one.bucket(name, now).ReserveN(now, min(n, one.burst))
			}
		}
		one.mu.Unlock()
	}
}

func (l *Limits) all() []*limiter {
	return []*limiter{l.key, l.session, l.verify, l.address, l.wrongKey, l.signIn, l.code}
}
