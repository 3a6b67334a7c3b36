// Package solana reads Solana over JSON-RPC, knows its addresses, tokens and transactions,
// and never reads what is not finalized.
//
// No content of a block can be proven to whoever does not execute it: its hash covers the
// transactions, not what they did to balances. So with several nodes every block is read
// from two of them, and counts as far as they say the same. Only one that is alone in the
// configuration is believed alone.
package solana

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"filippo.io/edwards25519"

	"github.com/pepay/pepay/internal/auth"
)

// Key is the address of an account: a public key, or one that a program derived, which no
// private key fits.
type Key [32]byte

// The programs that take part in payments.
var (
	System     = Key{}
	Token      = mustKey("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
	Token2022  = mustKey("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
	Associated = mustKey("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
	Budget     = mustKey("ComputeBudget111111111111111111111111111111")
)

func mustKey(s string) Key {
	k, err := ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

// ParseKey reads an address. Every address has one text.
func ParseKey(s string) (k Key, err error) {
	b, ok := auth.Base58(s)
	if !ok || len(b) != len(k) {
		return k, errors.New("must be a Solana address: 32 bytes in base58")
	}
	return Key(b), nil
}

// String returns the address in base58.
func (k Key) String() string { return base58(k[:]) }

// Canonical returns an address that can be paid in its one form, or an error that says what
// is wrong with it. There is no checksum: a mistyped address may well be another.
func Canonical(s string) (string, error) {
	k, err := ParseKey(s)
	if err != nil {
		return "", err
	}
	if k == System || k == Token || k == Token2022 || k == Associated || k == Budget {
		return "", errors.New("must be the address of a wallet, not of a program of Solana")
	}
	return k.String(), nil
}

// Address returns the address of a private key.
func Address(k ed25519.PrivateKey) Key { return Key(k.Public().(ed25519.PublicKey)) }

// Path is where wallets look for the key of an index: m/44'/501'/index'/0'.
func Path(index uint32) []uint32 { return []uint32{44, 501, index, 0} }

// TokenAccount returns the account that holds what an owner has of a mint, by convention
// one for each. The program is the mint's. It does not exist until somebody pays for it.
func TokenAccount(owner, program, mint Key) Key {
	for bump := 255; bump >= 0; bump-- {
		h := sha256.Sum256(slices.Concat(owner[:], program[:], mint[:], []byte{byte(bump)}, Associated[:], []byte("ProgramDerivedAddress")))
		if _, err := new(edwards25519.Point).SetBytes(h[:]); err != nil { // no private key can fit it
			return h
		}
	}
	panic(fmt.Sprintf("no account of %s for %s", owner, mint)) // as likely as 256 tosses of heads
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 is the one text of some bytes.
func base58(b []byte) string {
	n, digit, base := new(big.Int).SetBytes(b), new(big.Int), big.NewInt(58)
	var s []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		s = append(s, alphabet[digit.Int64()])
	}
	zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
	s = append(s, bytes.Repeat([]byte{alphabet[0]}, zeros)...)
	slices.Reverse(s)
	return string(s)
}
