package server

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"golang.org/x/time/rate"
)

// Limits are how often a caller may ask.
type Limits struct{ key, session, address, signIn, code limiter }

// NewLimits returns limits of so many requests a minute for each API key and each
// payor session, of so many wrong keys in 15 minutes, and of so many sign-ins a
// minute, from one IP address. A limit may be used up at once.
func NewLimits(perKey, perSession, wrongKeys, signIns int) *Limits {
	return &Limits{
		key: limiter{every: time.Minute, burst: perKey, refuse: func(wait time.Duration) error {
			return refuse(pay.CodeRate, wait, "Too many requests with this API key. Slow down, or ask your operator for a higher limit.")
		}},
		session: limiter{every: time.Minute, burst: perSession, refuse: func(wait time.Duration) error {
			return refuse(pay.CodeSessionRate, wait, "Too many requests. Please try again in a minute.")
		}},
		address: limiter{every: 15 * time.Minute, burst: wrongKeys, refuse: func(wait time.Duration) error {
			return refuse(pay.CodeRate, wait, "Too many requests with an invalid API key. Please try again later.")
		}},
		signIn: limiter{every: time.Minute, burst: signIns, refuse: func(wait time.Duration) error {
			return refuse(pay.CodeRate, wait, "Too many sign-ins from this address. Please try again in a minute.")
		}},
		code: limiter{every: time.Hour, burst: 5, refuse: func(wait time.Duration) error {
			return refuse(pay.CodeRate, wait, "Too many access codes. Please try again later, or ask your operator for a new one.")
		}},
	}
}

// limiter is a token bucket for each name.
type limiter struct {
	every   time.Duration
	burst   int
	refuse  func(wait time.Duration) error
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// maxBuckets is when buckets that are full again, and so say nothing, are dropped.
const maxBuckets = 10_000

func (l *limiter) bucket(name string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buckets) >= maxBuckets {
		for n, b := range l.buckets {
			if b.TokensAt(now) >= float64(l.burst) {
				delete(l.buckets, n)
			}
		}
	}
	b := l.buckets[name]
	if b == nil {
		if l.buckets == nil {
			l.buckets = map[string]*rate.Limiter{}
		}
		b = rate.NewLimiter(rate.Every(l.every/time.Duration(l.burst)), l.burst)
		l.buckets[name] = b
	}
	return b
}

// allow takes one request out of a bucket, or refuses it.
func (l *limiter) allow(name string, now time.Time) error {
	if l.bucket(name, now).AllowN(now, 1) {
		return nil
	}
	return l.refuse(l.every / time.Duration(l.burst))
}

// address is the IP address a request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
