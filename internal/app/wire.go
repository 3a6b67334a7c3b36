package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// RandomID returns 16 random hexadecimal digits: the name of this process among those
// that share the database.
func RandomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

func httpClient(t http.RoundTripper) *http.Client { return &http.Client{Transport: t, Timeout: 30 * time.Second} }

// bare returns a network error without the URL, which may hold a key.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
