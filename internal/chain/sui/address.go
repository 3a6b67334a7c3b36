// Package sui reads the Sui network from full nodes over gRPC (sui.rpc.v2), and knows its
// forms: addresses, coin types, transactions and their signatures. A checkpoint counts only
// if its summary hashes to its digest and names the one before, and if its transactions are
// those that the summary commits to. What a node says that they moved is not committed to
// on chain: where there are several nodes, two must say the same of every checkpoint, and one
// alone is not believed.
package sui

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/crypto/blake2b"

	"github.com/pepay/pepay/internal/money"
)

// Address is an account's, or an object's id.
type Address [32]byte

// String is the canonical form: 0x and 64 small hexadecimal digits.
func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// AddressOf returns the address of an ed25519 key.
func AddressOf(key ed25519.PublicKey) Address {
	return blake2b.Sum256(append([]byte{flagEd25519}, key...))
}

// Path is where the key of an index is below a seed; each level is hardened.
func Path(index uint32) []uint32 { return []uint32{44, 784, 0, 0, index} }

// ParseAddress reads an account's address in full: 0x and 64 hexadecimal digits of any
// case. Sui addresses have no checksum, so shorter forms, in which a slip of the finger is an
// address too, are refused; and so are the system's.
func ParseAddress(s string) (a Address, err error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return a, errors.New("a Sui address begins with 0x")
	}
	if len(digits) != 2*len(a) {
		return a, fmt.Errorf("a Sui address has 64 hexadecimal digits after 0x, this one has %d characters", len(digits))
	}
	if _, err := hex.Decode(a[:], []byte(digits)); err != nil {
		return a, errors.New("a Sui address has only hexadecimal digits after 0x")
	}
	if a.system() {
		return a, errSystem
	}
	return a, nil
}

var errSystem = errors.New("this address belongs to the Sui system: nobody holds its key")

// system reports whether an address is one of the first 65,536: those are of packages and
// objects of the system, such as 0x2, and what is sent there is lost.
func (a Address) system() bool {
	for _, b := range a[:30] {
		if b != 0 {
			return false
		}
	}
	return true
}

// Canonical returns an account's address in canonical form, or says in words what is wrong
// with it.
func Canonical(s string) (string, error) {
	a, err := ParseAddress(s)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// Native is the coin type of SUI.
const Native = "0x0000000000000000000000000000000000000000000000000000000000000002::sui::SUI"

var coinType = regexp.MustCompile(`^0x([0-9a-fA-F]{1,64})::([A-Za-z][A-Za-z0-9_]{0,127})::([A-Za-z][A-Za-z0-9_]{0,127})$`)

// CanonicalCoin returns the canonical form of a coin type: package address in full,
// module, name; "" for SUI itself. Types with parameters are refused: no coin that people pay
// with has them.
func CanonicalCoin(s string) (string, error) {
	t, err := fullCoin(s)
	if t == Native {
		return "", nil
	}
	return t, err
}

func fullCoin(s string) (string, error) {
	m := coinType.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("%.100q is not a coin type such as 0x2::sui::SUI", s)
	}
	return "0x" + strings.Repeat("0", 64-len(m[1])) + strings.ToLower(m[1]) + "::" + m[2] + "::" + m[3], nil
}

// coinName returns the full coin type of a token's address, which is "" for SUI.
func coinName(token string) string {
	if token == "" {
		return Native
	}
	return token
}

// URI returns a payment request as wallets with Sui's Payment Kit read it. The nonce tells
// requests apart and has at most 36 characters.
func URI(address, token string, units money.Units, nonce string) string {
	return "sui:pay?receiver=" + address + "&amount=" + units.String() + "&coinType=" + url.QueryEscape(coinName(token)) + "&nonce=" + url.QueryEscape(nonce)
}
