package auth

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pepay/pepay/internal/pay"
)

// Who an access token is from and for.
const (
	issuer    = "pepay"
	dashboard = "dashboard"
)

// NewAccess signs the token of a login as a JWT (HS256) that is good until expires,
// as long as the login lasts.
func (a *Auth) NewAccess(login string, w pay.Wallet, expires time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{dashboard}, Subject: w.String(), ID: login, ExpiresAt: jwt.NewNumericDate(expires),
	}).SignedString(a.access)
}

// maxToken is longer than any token of ours.
const maxToken = 4 << 10

// Access returns the id of the login that a token is for. The error has
// CodeTicketInvalid. Whether the login still lasts, only the store knows.
func (a *Auth) Access(token string, now time.Time) (login string, err error) {
	var c jwt.RegisteredClaims
	if len(token) <= maxToken {
		_, err = jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return a.access, nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(dashboard), jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(func() time.Time { return now }))
	}
	if err != nil || c.ID == "" {
		return "", pay.Errorf(pay.CodeTicketInvalid, "You are not signed in, or no longer: sign in and send Authorization: Bearer with the access token")
	}
	return c.ID, nil
}

// Nonce returns the nonce of a challenge, the same at every call and on every node.
func (a *Auth) Nonce(challenge string) string { return mac(a.nonce, challenge)[:32] }
