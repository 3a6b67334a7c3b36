// Package auth makes and checks credentials: API keys, payor sessions, websocket
// tickets, webhook signatures. It is the only package that draws secrets and, with
// settle, the only one that sees them.
package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

// SecretSize is the least length in bytes of a deployment's secret.
const SecretSize = 32

// Auth holds what is derived from the deployment's secret. Every node of a
// deployment must be given the same one.
type Auth struct {
	session []byte
	ticket  []byte
	access  []byte
	nonce   []byte
	hook    []byte
	seal    cipher.AEAD
}

// New derives the keys of each use from the deployment's secret, of which
// SecretSize bytes or more must be unguessable.
func New(secret []byte) (*Auth, error) {
	if len(secret) < SecretSize {
		return nil, fmt.Errorf("the secret has %d bytes; it needs at least %d", len(secret), SecretSize)
	}
	var keys [6][]byte
	for i, use := range []string{"payor session", "websocket ticket", "seal", "access token", "sign-in nonce", "retail hook"} {
		k, err := hkdf.Key(sha256.New, secret, nil, "pepay "+use, 32)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	block, err := aes.NewCipher(keys[2])
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return &Auth{session: keys[0], ticket: keys[1], access: keys[3], nonce: keys[4], hook: keys[5], seal: seal}, err
}

// Seal encrypts a secret for keeping. The purpose must be given again to open it,
// so that a sealed text cannot be moved to another place.
func (a *Auth) Seal(secret []byte, purpose string) []byte {
	return a.seal.Seal(nil, nil, secret, []byte(purpose))
}

// Open decrypts what Seal encrypted for the same purpose.
func (a *Auth) Open(sealed []byte, purpose string) ([]byte, error) {
	b, err := a.seal.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, errors.New("a sealed value does not open: it was changed, or the deployment's secret was")
	}
	return b, nil
}

// Hash is how credentials of high entropy are kept: hex SHA-256.
func Hash(credential string) string {
	h := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(h[:])
}

// NewKey draws an API key: pk_live_ or pk_test_ for merchants, ck_ for commerce,
// and 24 characters of 0-9a-z, which is 124 bits.
func NewKey(s pay.Scope, e pay.Environment) string {
	prefix := "pk_test_"
	switch {
	case s == pay.ScopeCommerce:
		prefix = "ck_"
	case e == pay.Mainnet:
		prefix = "pk_live_"
	}
	return prefix + draw(24)
}

// NewWebhookSecret draws a signing secret: whsec_ and 32 characters of 0-9a-z.
func NewWebhookSecret() string { return "whsec_" + draw(32) }

// draw returns n random characters of 0-9a-z, each as likely as the other.
func draw(n int) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	var s strings.Builder
	for s.Len() < n {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		for _, c := range b {
			if c < 252 && s.Len() < n { // 252 is the greatest multiple of 36 in a byte
				s.WriteByte(alphabet[c%36])
			}
		}
	}
	return s.String()
}

// mac is hex HMAC-SHA256.
func mac(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// NewMainnetCode draws a code that enables mainnet: mn_ and 24 characters of 0-9a-z.
func NewMainnetCode() string { return "mn_" + draw(24) }
