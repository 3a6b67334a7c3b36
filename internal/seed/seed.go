// Package seed turns the words of a wallet into keys. What has the words has everything
// that every address derived from them holds: only the packages that sign may keep a Seed.
package seed

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// Seed is the root of all keys of a deployment.
type Seed struct {
	words string
	root  []byte // what BIP-39 makes of them
}

// New returns the seed of the words of BIP-39, in English. The error does not show them.
func New(words string) (Seed, error) {
	words = strings.Join(strings.Fields(words), " ")
	if !bip39.IsMnemonicValid(words) {
		return Seed{}, errors.New("must be 12, 15, 18, 21 or 24 words of BIP-39 with a right checksum")
	}
	return Seed{words, bip39.NewSeed(words, "")}, nil
}

// Generate returns a new seed of 24 words, from entropy of 32 bytes.
func Generate(entropy [32]byte) (Seed, error) {
	words, err := bip39.NewMnemonic(entropy[:])
	return Seed{words, bip39.NewSeed(words, "")}, err
}

// Words returns the seed's words, to be written down by a person and shown to nobody.
func (s Seed) Words() string { return s.words }

// None reports whether there is no seed.
func (s Seed) None() bool { return s.words == "" }

// String keeps the words out of logs.
func (Seed) String() string { return "[seed]" }

// Entropy is what the words say, as Cardano's keys are made from (CIP-3, Icarus).
func (s Seed) Entropy() ([]byte, error) { return bip39.EntropyFromMnemonic(s.words) }

// Ed25519 returns the key at a path, each level of which is hardened (SLIP-0010).
func (s Seed) Ed25519(path ...uint32) ed25519.PrivateKey {
	return Ed25519(s.root, path...)
}

// Ed25519 is the same for the bytes that BIP-39 makes of words.
func Ed25519(seed []byte, path ...uint32) ed25519.PrivateKey {
	step := func(key, data []byte) []byte {
		h := hmac.New(sha512.New, key)
		_, _ = h.Write(data) // never fails
		return h.Sum(nil)
	}
	node := step([]byte("ed25519 seed"), seed)
	for _, n := range path {
		data := append([]byte{0}, node[:32]...)
		node = step(node[32:], binary.BigEndian.AppendUint32(data, n|1<<31))
	}
	return ed25519.NewKeyFromSeed(node[:32])
}
