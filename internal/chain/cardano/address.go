// Package cardano reads networks of Cardano over the HTTP API of Blockfrost, which others
// speak too, and knows the ledger's forms: addresses, keys, values and transactions. It
// takes nodes for hostile: a transaction counts only with the bytes that its hash is of, a
// block only if it names the one before and has as many transactions as it says. What a
// lone node cannot prove, that a block holds these transactions, a second node confirms.
package cardano

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcutil/bech32"
	"golang.org/x/crypto/blake2b"
)

// Net says which of Cardano's networks an address is for: the real one, or any other.
type Net byte

// The nets, as addresses carry them (CIP-19).
const (
	Testnet Net = 0
	Mainnet Net = 1
)

// mainnetMagic is the number by which nodes know the real network.
const mainnetMagic = 764824073

// NetOf returns the net of the network with that magic number.
func NetOf(magic uint64) Net {
	if magic == mainnetMagic {
		return Mainnet
	}
	return Testnet
}

// The kinds of addresses that a key can spend from: the upper half of the first byte.
const (
	baseKeyKey    = 0 // payment key, stake key
	baseKeyScript = 2 // payment key, stake script
	enterpriseKey = 6 // payment key alone
)

const (
	keyHashSize = 28
	unitSize    = 2 * keyHashSize // hexadecimal digits of a policy
)

// Canonical returns the one form of an address that may be paid, of any net: bech32 in
// lower case. It must be of the Shelley era and be held by a key: what goes to a script may
// never come back, and no wallet gives a Byron or pointer address any more.
func Canonical(address string) (string, error) {
	address = strings.TrimSpace(address)
	if strings.HasPrefix(address, "Ae2") || strings.HasPrefix(address, "DdzFF") || strings.HasPrefix(address, "37btj") || strings.HasPrefix(address, "2cWKMJ") {
		return "", errors.New("is an address of the Byron era; give one of today's, which begins with addr1")
	}
	hrp, raw, err := decodeBech32(address)
	if err != nil {
		return "", errors.New("is not an address of Cardano: a character is wrong or missing")
	}
	switch {
	case hrp == "stake" || hrp == "stake_test":
		return "", errors.New("is a stake address, which cannot be paid; give one that begins with addr")
	case hrp != "addr" && hrp != "addr_test":
		return "", fmt.Errorf("begins with %q; an address of Cardano begins with addr1 or addr_test1", hrp+"1")
	}
	if len(raw) == 0 {
		return "", errors.New("is not an address of Cardano: it is empty")
	}
	if net := Net(raw[0] & 15); net > Mainnet || hrp != net.hrp() {
		return "", errors.New("is of another network inside than it says it is")
	}
	size := 1 + keyHashSize
	switch raw[0] >> 4 {
	case enterpriseKey:
	case baseKeyKey, baseKeyScript:
		size += keyHashSize
	case 4, 5:
		return "", errors.New("is a pointer address, which wallets do not give any more; give another of the wallet's addresses")
	case 1, 3, 7:
		return "", errors.New("is the address of a script; give one that a wallet's key holds")
	default:
		return "", errors.New("is of a kind that cannot be paid")
	}
	if len(raw) != size {
		return "", fmt.Errorf("holds %d bytes instead of %d", len(raw), size)
	}
	return strings.ToLower(address), nil
}

// Canonical is the same for addresses of one net.
func (n Net) Canonical(address string) (string, error) {
	address, err := Canonical(address)
	if err == nil && !strings.HasPrefix(address, n.hrp()+"1") {
		return "", fmt.Errorf("is of another network: here they begin with %s1", n.hrp())
	}
	return address, err
}

func (n Net) hrp() string {
	if n == Mainnet {
		return "addr"
	}
	return "addr_test"
}

// Enterprise returns the address that only the key holds, without a part for stake.
func (n Net) Enterprise(key []byte) string {
	return addressText(append([]byte{enterpriseKey<<4 | byte(n)}, keyHash(key)...))
}

func keyHash(key []byte) []byte {
	h, err := blake2b.New(keyHashSize, nil)
	if err != nil {
		panic(err) // of a constant size
	}
	_, _ = h.Write(key)
	return h.Sum(nil)
}

// addressText is the text of an address of the Shelley era, "" for any other.
func addressText(raw []byte) string {
	if len(raw) < 1+keyHashSize || raw[0]>>4 > 7 || raw[0]&15 > byte(Mainnet) {
		return ""
	}
	s, err := bech32.EncodeFromBase256(Net(raw[0]&15).hrp(), raw)
	if err != nil {
		return ""
	}
	return s
}

// decodeBech32 reads text with a checksum; Cardano's is longer than Bitcoin's may be.
func decodeBech32(text string) (hrp string, raw []byte, err error) {
	if len(text) > 300 {
		return "", nil, errors.New("too long")
	}
	hrp, five, version, err := bech32.DecodeNoLimitWithVersion(text)
	if err != nil || version != bech32.Version0 {
		return "", nil, errors.New("the checksum is wrong")
	}
	raw, err = bech32.ConvertBits(five, 5, 8, false)
	return hrp, raw, err
}

// CanonicalToken returns the one form of a token's name: the policy and the asset's name,
// which may be empty, in lower-case hexadecimal, without a dot between them.
func CanonicalToken(unit string) (string, error) {
	unit = strings.ToLower(unit)
	if raw, err := hex.DecodeString(unit); err != nil || len(raw) < keyHashSize || len(raw) > keyHashSize+32 {
		return "", errors.New("must be a policy id of 56 hexadecimal digits and then the asset's name in at most 64")
	}
	return unit, nil
}

// URI returns what a wallet can be opened with to pay an address (CIP-13). The amount is in
// millionths of an ADA, and left out when it is 0: the scheme knows no tokens.
func URI(address string, lovelace uint64) string {
	if lovelace == 0 {
		return "web+cardano:" + address
	}
	amount := fmt.Sprintf("%d.%06d", lovelace/1_000_000, lovelace%1_000_000)
	return "web+cardano:" + address + "?amount=" + strings.TrimRight(strings.TrimRight(amount, "0"), ".")
}
