package zinc

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// lax is a value that may be missing or of another kind: then it is not ok, and what
// holds it can still be read.
type lax[T any] struct {
	v  T
	ok bool
}

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (l *lax[T]) UnmarshalJSON(b []byte) error {
	var v T
	if *l = (lax[T]{}); string(b) != "null" && json.Unmarshal(b, &v) == nil {
		*l = lax[T]{v, true}
	}
	return nil
}

const (
	maxLine  = 500    // characters of a title or of an item of a list
	maxProse = 10_000 // of a description
	maxList  = 50     // items of a list
	maxURL   = 2048
	maxID    = 64
	maxDays  = 365
)

// clean makes a text fit to be kept and shown: valid, in one line, at most so long.
func clean(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > limit {
		s = strings.TrimSpace(string([]rune(s)[:limit]))
	}
	return s
}

func cleanAll(in []lax[string]) (out []string) {
	for _, s := range in {
		if c := clean(s.v, maxLine); c != "" && len(out) < maxList {
			out = append(out, c)
		}
	}
	return out
}

// link returns an https URL that can be handed to a browser, or "".
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || len(u.String()) > maxURL {
		return ""
	}
	return u.String()
}

// public is link for a URL that somebody else gave, which may hold no credentials.
func public(s string) string {
	if u, err := url.Parse(s); err != nil || u.User != nil {
		return ""
	}
	return link(s)
}

// tokenish reports whether a text can be an id: of a product, a request, an error.
func tokenish(s string) bool {
	if s == "" || len(s) > maxID || !alnum(rune(s[0])) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !alnum(r) && r != '-' && r != '_' && r != '.' })
}

func alnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// usd reads cents; an amount that is missing or out of bounds is none.
func usd(cents lax[int64]) (money.USD, bool) {
	if !cents.ok || cents.v < 0 || cents.v > int64(pay.MaxAmount/money.Cent) {
		return 0, false
	}
	return money.USD(cents.v) * money.Cent, true
}

// count reads how many of something there are.
func count(n lax[int64]) int {
	if n.v < 0 || n.v > 1<<31 {
		return 0
	}
	return int(n.v)
}
