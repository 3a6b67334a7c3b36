package sui_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/sui"
)

func FuzzTransaction(f *testing.F) {
	for _, x := range readVectors(f).Txs {
		raw, _ := hex.DecodeString(x.Bytes)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := sui.DecodeTransaction(raw)
		if err == nil && !bytes.Equal(tx.Bytes(), raw) {
			t.Errorf("%x is written as %x", raw, tx.Bytes())
		}
	})
}

func FuzzSummary(f *testing.F) {
	for _, s := range summaries {
		f.Add(unbase64(f, s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := sui.DecodeSummary(raw)
		if err != nil {
			return
		}
		again, err := sui.DecodeSummary(s.Bytes())
		if err != nil || again != s {
			t.Errorf("%+v reads back as %+v: %v", s, again, err)
		}
	})
}

func FuzzContents(f *testing.F) {
	f.Add(unbase64(f, realContents))
	f.Add(append([]byte{1}, unbase64(f, realContents)[1:]...))
	f.Add(sui.ContentsBytes(make([]sui.Digest, 3)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		txs, err := sui.DecodeContents(raw)
		if err != nil {
			return
		}
		if len(txs)*66 > len(raw) {
			t.Errorf("%d transactions in %d bytes", len(txs), len(raw))
		}
	})
}

// What a node answers can be anything.
func FuzzCheckpoint(f *testing.F) {
	raw := unbase64(f, summaries[0])
	contents := sui.ContentsBytes([]sui.Digest{{1}})
	s, err := sui.DecodeSummary(raw)
	if err != nil {
		f.Fatal(err)
	}
	s.Contents = sui.ContentsDigest(contents)
	tx := sui.Fields{}.Text(1, sui.Digest{1}.String()).Bytes(2, sui.Fields{}.Text(5, ourA.String())).
		Bytes(4, sui.Fields{}.Bytes(4, sui.Fields{}.Uint(1, 1)).Bytes(6, sui.Fields{}.Uint(1, 5))).
		Bytes(8, sui.Fields{}.Text(1, ourA.String()).Text(2, usdc).Text(3, "-5"))
	bcs := func(b []byte) []byte { return sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, b)) }
	m := sui.Fields{}.Bytes(1, sui.Fields{}.Text(2, sui.SummaryDigest(s.Bytes()).String()).Bytes(3, bcs(s.Bytes())).Bytes(5, bcs(contents)).Bytes(6, tx))
	if err := sui.ParseCheckpoint(m, true); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(m), true)
	f.Add([]byte(m), false)
	f.Fuzz(func(_ *testing.T, raw []byte, full bool) { _ = sui.ParseCheckpoint(raw, full) })
}

func FuzzFrame(f *testing.F) {
	f.Add(sui.Frame([]byte("abc")))
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, err := sui.Unframe(body); err == nil && !bytes.Equal(sui.Frame(m), body) {
			t.Errorf("%x", body)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{sui.Mainnet, usdc, ourA.String(), "0x2::sui::SUI"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := sui.ParseDigest(s); err == nil && d.String() != s {
			t.Errorf("digest %q is %s", s, d)
		}
		if a, err := sui.Canonical(s); err == nil && !strings.EqualFold(a, s) {
			t.Errorf("address %q is %s", s, a)
		}
		if c, err := sui.CanonicalCoin(s); err == nil && c != "" {
			if again, err := sui.CanonicalCoin(c); err != nil || again != c {
				t.Errorf("coin %q is %s, which is %s: %v", s, c, again, err)
			}
		}
	})
}

func FuzzSigner(f *testing.F) {
	v := readVectors(f).Txs[0]
	raw, _ := hex.DecodeString(v.Bytes)
	signature, _ := hex.DecodeString(v.Signatures[0])
	f.Add(signature, raw)
	f.Fuzz(func(t *testing.T, s, other []byte) {
		if _, err := sui.Signer(s, other); err == nil && (!bytes.Equal(s, signature) || !bytes.Equal(other, raw)) {
			t.Errorf("%x signs %x", s, other)
		}
	})
}
