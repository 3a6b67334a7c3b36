// Package ton reads TON over the HTTP API of a TON index (toncenter v3), and knows the
// cells, wallets and jettons of its protocol. What a node says of a block's transactions
// is not provable over that API: it is checked for gaps, and believed when a second node
// says the same.
package ton

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/xssnick/tonutils-go/address"
)

// Address is an account of the basechain, where all that is paid happens.
type Address [32]byte

// The bits of the first byte of an address in its form for people.
const (
	tagBounceable    = 0x11
	tagNonBounceable = 0x51
	tagTestnet       = 0x80
)

// String returns the canonical text: for people, not bounceable, fit for a URL. Coin sent to
// it stays there even before the account has a contract.
func (a Address) String() string {
	var b [36]byte
	b[0] = tagNonBounceable
	copy(b[2:], a[:])
	binary.BigEndian.PutUint16(b[34:], checksum(b[:34]))
	return base64.URLEncoding.EncodeToString(b[:])
}

// Raw returns the text that nodes speak.
func (a Address) Raw() string { return "0:" + strings.ToUpper(hex.EncodeToString(a[:])) }

func (a Address) cell() *address.Address { return address.NewAddress(0, 0, a[:]) }

// Canonical returns the canonical text of an address of mainnet in any of its forms.
func Canonical(text string) (string, error) { return canonical(text, false) }

// CanonicalTestnet is Canonical for the test network: it takes addresses that are marked for
// it, too. The canonical text has no mark.
func CanonicalTestnet(text string) (string, error) { return canonical(text, true) }

func canonical(text string, testnet bool) (string, error) {
	a, err := Parse(text, testnet)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// Parse reads an address in any form: raw, as in 0:<64 hex digits>, or of 48 letters of
// base64, with a checksum. An address marked for the test network is refused unless it is
// asked for.
func Parse(text string, testnet bool) (a Address, err error) {
	if chain, account, raw := strings.Cut(text, ":"); raw {
		b, err := hex.DecodeString(account)
		if err != nil || len(b) != len(a) {
			return a, errors.New("the address must have 64 hexadecimal digits after the colon")
		}
		return Address(b), basechain(chain)
	}
	if len(text) != 48 {
		return a, fmt.Errorf("the address has %d letters, want 48, or 0: and 64 hexadecimal digits", len(text))
	}
	encoding := base64.URLEncoding
	if strings.ContainsAny(text, "+/") {
		encoding = base64.StdEncoding
	}
	b, err := encoding.Strict().DecodeString(text)
	if err != nil || len(b) != 36 {
		return a, errors.New("the address has letters that are not of base64")
	}
	if checksum(b[:34]) != binary.BigEndian.Uint16(b[34:]) {
		return a, errors.New("the checksum of the address is wrong: a letter of it is")
	}
	switch tag := b[0]; {
	case tag&^tagTestnet != tagBounceable && tag&^tagTestnet != tagNonBounceable:
		return a, fmt.Errorf("the address is of an unknown kind: 0x%02x", tag)
	case tag&tagTestnet != 0 && !testnet:
		return a, errors.New("the address is marked for the test network")
	}
	copy(a[:], b[2:34])
	return a, basechain(fmt.Sprint(int8(b[1]))) //nolint:gosec // a signed byte
}

func basechain(workchain string) error {
	switch workchain {
	case "0":
		return nil
	case "-1":
		return errors.New("the address is of the masterchain, where payments are not taken")
	}
	return errors.New("the address is not of the basechain, workchain 0")
}

// checksum is CRC-16/XMODEM.
func checksum(b []byte) (crc uint16) {
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
