package cardano

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"filippo.io/edwards25519"
	"github.com/btcsuite/btcd/btcutil/bech32"
)

const hardened = 1 << 31

// Key is a private key that others can be derived from (BIP32-Ed25519): what has an
// account's has all that its addresses hold.
type Key struct {
	left, right, chain [32]byte // the scalar, what nonces are made of, the chain code
}

// String keeps the key out of logs.
func (Key) String() string { return "[key]" }

// GoString does so too.
func (Key) GoString() string { return "[key]" }

// AccountKey returns the key of an account, m/1852'/1815'/account' (CIP-1852), of the
// wallet whose words say the entropy (CIP-3, Icarus).
func AccountKey(entropy []byte, account uint32) (Key, error) {
	if len(entropy) < 16 || account >= hardened {
		return Key{}, errors.New("a wallet has at least 12 words, and an account a number below 2147483648")
	}
	raw, err := pbkdf2.Key(sha512.New, "", entropy, 4096, 96)
	if err != nil {
		return Key{}, err
	}
	raw[0] &= 0b1111_1000
	raw[31] = raw[31]&0b0001_1111 | 0b0100_0000
	var k Key
	copy(k.left[:], raw)
	copy(k.right[:], raw[32:])
	copy(k.chain[:], raw[64:])
	for _, n := range []uint32{1852, 1815, account} {
		k = k.child(n | hardened)
	}
	return k, nil
}

// Payment returns the key of an account's address with that index, below 2147483648.
func (k Key) Payment(index uint32) Key { return k.child(0).child(index &^ hardened) }

// Account returns the public part of an account's key, which DepositAddress takes.
func (k Key) Account() string {
	s, err := bech32.EncodeFromBase256(accountPrefix, append(k.Public(), k.chain[:]...))
	if err != nil {
		panic(err) // no length or letter of ours is wrong
	}
	return s
}

// Public returns the 32 bytes by which signatures of the key are checked.
func (k Key) Public() []byte {
	return new(edwards25519.Point).ScalarBaseMult(scalar(k.left[:])).Bytes()
}

// Sign returns the signature of a message, which crypto/ed25519 can verify.
func (k Key) Sign(message []byte) []byte {
	public := k.Public()
	r := digestScalar(k.right[:], message)
	point := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	s := edwards25519.NewScalar().MultiplyAdd(digestScalar(point, public, message), scalar(k.left[:]), r)
	return append(point, s.Bytes()...)
}

func (k Key) child(n uint32) (c Key) {
	var z, chain []byte
	if n >= hardened {
		z, chain = expand(k.chain[:], n, 0, k.left[:], k.right[:])
	} else {
		z, chain = expand(k.chain[:], n, 2, k.Public())
	}
	eight := eightTimes(z[:28])
	add(&c.left, k.left[:], eight[:])
	add(&c.right, k.right[:], z[32:])
	copy(c.chain[:], chain)
	return c
}

// expand makes what a child is added from: 64 bytes, and its chain code.
func expand(chain []byte, n uint32, tag byte, key ...[]byte) (z, childChain []byte) {
	step := func(tag byte) []byte {
		h := hmac.New(sha512.New, chain)
		_, _ = h.Write([]byte{tag})
		for _, part := range key {
			_, _ = h.Write(part)
		}
		_, _ = h.Write(binary.LittleEndian.AppendUint32(nil, n))
		return h.Sum(nil)
	}
	return step(tag), step(tag + 1)[32:]
}

// add is the sum of two numbers of 256 bits, little end first, without what overflows.
func add(sum *[32]byte, a, b []byte) {
	var carry uint16
	for i := range sum {
		carry += uint16(a[i]) + uint16(b[i])
		sum[i] = byte(carry)
		carry >>= 8
	}
}

func eightTimes(a []byte) (product [32]byte) {
	var carry uint16
	for i, b := range a {
		carry |= uint16(b) << 3
		product[i] = byte(carry)
		carry >>= 8
	}
	product[len(a)] = byte(carry)
	return product
}

// scalar is a number of 256 bits as edwards25519 computes with it.
func scalar(number []byte) *edwards25519.Scalar {
	s, err := edwards25519.NewScalar().SetUniformBytes(append(bytes.Clone(number), make([]byte, 32)...))
	if err != nil {
		panic(err) // of 64 bytes
	}
	return s
}

func digestScalar(parts ...[]byte) *edwards25519.Scalar {
	h := sha512.New()
	for _, p := range parts {
		_, _ = h.Write(p)
	}
	s, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic(err) // of 64 bytes
	}
	return s
}

const accountPrefix = "acct_xvk"

// DepositAddress returns the address with an index, below 2147483648, of the account with a
// public key: its text (acct_xvk1...), or its 64 bytes in hexadecimal. It needs nothing
// that could spend.
func DepositAddress(account string, index uint32, n Net) (string, error) {
	raw, err := accountBytes(account)
	if err != nil {
		return "", err
	}
	if index >= hardened {
		return "", errors.New("the index of an address must be below 2147483648")
	}
	for _, at := range []uint32{0, index} {
		if raw, err = publicChild(raw, at); err != nil {
			return "", err
		}
	}
	return n.Enterprise(raw[:32]), nil
}

func accountBytes(account string) ([]byte, error) {
	raw, err := hex.DecodeString(account)
	if strings.HasPrefix(account, accountPrefix) {
		_, raw, err = decodeBech32(account)
	}
	if err != nil || len(raw) != 64 {
		return nil, errors.New("the public key of an account is 128 hexadecimal digits, or text that begins with acct_xvk1")
	}
	return raw, nil
}

func publicChild(parent []byte, n uint32) ([]byte, error) {
	p, err := new(edwards25519.Point).SetBytes(parent[:32])
	if err != nil {
		return nil, fmt.Errorf("the public key of the account is none: %w", err)
	}
	z, chain := expand(parent[32:], n, 2, parent[:32])
	eight := eightTimes(z[:28])
	p.Add(p, new(edwards25519.Point).ScalarBaseMult(scalar(eight[:])))
	return append(p.Bytes(), chain...), nil
}
