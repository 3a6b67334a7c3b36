package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NewSession draws a payor's session token, a UUID of version 4, and signs it. The
// pair opens one invoice; only Hash(token) is kept.
func (a *Auth) NewSession(now time.Time) (token, signature string) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	token = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	ms := strconv.FormatInt(now.UnixMilli(), 10)
	return token, mac(a.session, token+"."+ms) + "." + ms
}

// Session reports whether the signature was made for the token by this deployment.
func (a *Auth) Session(token, signature string) bool {
	hash, ms, ok := strings.Cut(signature, ".")
	return ok && len(token) <= 64 && len(signature) <= 128 && hmac.Equal([]byte(hash), []byte(mac(a.session, token+"."+ms)))
}
