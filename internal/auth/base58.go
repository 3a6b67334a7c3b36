package auth

import (
	"math/big"
	"strings"
)

// base58 is Bitcoin's alphabet, which Solana uses too.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// maxBase58 is longer than an address or a signature can be; what is longer costs
// time that grows with its square.
const maxBase58 = 128

// Base58 decodes base58. Every value has one text and no other decodes to it.
func Base58(s string) ([]byte, bool) {
	if len(s) > maxBase58 {
		return nil, false
	}
	n := new(big.Int)
	for _, c := range []byte(s) {
		digit := strings.IndexByte(base58, c)
		if digit < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(digit)))
	}
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	return append(make([]byte, zeros), n.Bytes()...), true
}
