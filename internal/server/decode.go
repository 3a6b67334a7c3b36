package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

// maxBody is the longest request body: the largest legal one is far below it.
const maxBody = 64 << 10

// body reads a request's JSON body into a T. Its error has the code that the
// route's group uses for malformed requests. An absent body is an empty object
// when it is optional.
func body[T any](r *http.Request, bad pay.Code, optional bool) (v T, raw []byte, err error) {
	raw, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return v, nil, pay.Errorf(bad, "The request body could not be read")
	case len(raw) > maxBody:
		return v, nil, pay.Errorf(bad, "The request body must be at most %d bytes", maxBody)
	case optional && len(bytes.TrimSpace(raw)) == 0:
		return v, raw, nil
	case !utf8.Valid(raw):
		return v, nil, pay.Errorf(bad, "The request body must be UTF-8")
	case bytes.TrimSpace(raw) == nil || bytes.TrimSpace(raw)[0] != '{':
		return v, nil, pay.Errorf(bad, "The request body must be a JSON object")
	}
	err = json.Unmarshal(raw, &v)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return v, nil, pay.Errorf(bad, "Field %.64s must not be a JSON %.16s", t.Field, t.Value)
	}
	if err != nil {
		return v, nil, pay.Errorf(bad, "The request body is not valid JSON")
	}
	return v, raw, strict(raw, bad)
}

// once names a request by its Idempotency-Key header, which may be left out. The same
// key on another path, or with another body, is another request.
func once(r *http.Request, raw []byte, bad pay.Code) (o billing.Once, err error) {
	key := r.Header.Get("Idempotency-Key")
	if key != "" && printable(key) == "" {
		return o, pay.Errorf(bad, "The Idempotency-Key header must have at most 128 printable characters, and no spaces")
	}
	return billing.Once{Key: key, Hash: hash(append([]byte(r.Method+" "+r.URL.Path+"\n"), raw...))}, nil
}

// requestID returns the request's own id if it brings a printable one, else a new one.
func requestID(r *http.Request) string {
	if id := printable(r.Header.Get("X-Request-Id")); id != "" {
		return id
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return "req_" + hex.EncodeToString(b[:])
}

// printable returns a header's value if it is short and plain, else "".
func printable(s string) string {
	if len(s) > 128 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return s
}

// isUUIDv4 reports whether s is a UUID of version 4.
func isUUIDv4(s string) bool {
	return pay.IsUUID(s) && s[14] == '4' && strings.ContainsRune("89abAB", rune(s[19]))
}
