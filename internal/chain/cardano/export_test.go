package cardano

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/bech32"
)

// Bech32 is text with a right checksum of anything.
func Bech32(t testing.TB, hrp string, raw []byte) string {
	t.Helper()
	s, err := bech32.EncodeFromBase256(hrp, raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RoundTrip is the text of the bytes of an address.
func RoundTrip(t testing.TB, address string) string {
	t.Helper()
	_, raw, err := decodeBech32(address)
	if err != nil {
		t.Fatal(err)
	}
	return addressText(raw)
}

// Bytes is what an address is the text of.
func Bytes(address string) []byte {
	_, raw, _ := decodeBech32(address)
	return raw
}

// ParseUnspent reads one output of a list.
var ParseUnspent = parseUnspent
