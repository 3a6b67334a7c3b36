package auth_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
)

// Every field of EIP-4361 that we use, in its place.
func TestSignInMessage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 999e6, time.UTC)
	s := auth.SignIn{
		Domain: "pay.example:8443", URI: "https://pay.example:8443", ChainID: 8453, Nonce: "0123456789abcdef", At: at, Expires: at.Add(10 * time.Minute),
		Wallet: pay.Wallet{Type: pay.EthereumWallet, Address: "0x52908400098527886E0F7030069857D2E4169EE7"},
	}
	want := `pay.example:8443 wants you to sign in with your Ethereum account:
0x52908400098527886E0F7030069857D2E4169EE7

Sign in to Pepay. This moves no money and costs nothing.

URI: https://pay.example:8443
Version: 1
Chain ID: 8453
Nonce: 0123456789abcdef
Issued At: 2026-01-02T03:04:05Z
Expiration Time: 2026-01-02T03:14:05Z`
	if got := s.Message(); got != want {
		t.Errorf("%s", got)
	}
	s.Wallet = pay.Wallet{Type: pay.SolanaWallet, Address: "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"}
	if got := s.Message(); !strings.HasPrefix(got, "pay.example:8443 wants you to sign in with your Solana account:\n4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU\n\n") {
		t.Errorf("%s", got)
	}
}

func TestBase58(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // the vectors of Bitcoin's own tests
		"": "", "2g": "61", "a3gV": "626262", "aPEr": "636363", "2cFupjhnEsSn59qHXstmK2ffpLv2": "73696d706c792061206c6f6e6720737472696e67",
		"1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L": "00eb15231dfceb60925886b67d065299925915aeb172c06647", "ABnLTmg": "516b6fcd0f", "3SEo3LWLoPntC": "bf4f89001e670274dd",
		"1111111111": "00000000000000000000",
	} {
		if b, ok := auth.Base58(text); !ok || hex.EncodeToString(b) != want {
			t.Errorf("%s: %x, %t", text, b, ok)
		}
	}
	for _, text := range []string{"0", "O", "I", "l", " a", "a ", "é", "\x00", strings.Repeat("z", 129)} {
		if b, ok := auth.Base58(text); ok {
			t.Errorf("%q: %x", text, b)
		}
	}
}

func FuzzBase58(f *testing.F) {
	f.Add("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU")
	f.Add("111z")
	f.Fuzz(func(t *testing.T, s string) {
		b, ok := auth.Base58(s)
		if ok && encode58(b) != s {
			t.Errorf("%q decodes to %x, whose text is %q", s, b, encode58(b))
		}
	})
}

// encode58 is the plain way to write base58.
func encode58(b []byte) string {
	n, s, digit := new(big.Int).SetBytes(b), "", new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), digit)
		s = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit.Int64():digit.Int64()+1] + s
	}
	return strings.Repeat("1", len(b)-len(bytes.TrimLeft(b, "\x00"))) + s
}

// Whatever is sent for a signature, only the wallet's own is one.
func FuzzSignature(f *testing.F) {
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	solana := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	ethereum := pay.Wallet{Type: pay.EthereumWallet, Address: crypto.PubkeyToAddress(key.PublicKey).Hex()}
	other := pay.Wallet{Type: pay.SolanaWallet, Address: encode58(solana.Public().(ed25519.PublicKey))}
	digest := auth.Digest("hello")
	sig, err := crypto.Sign(digest[:], key)
	if err != nil {
		f.Fatal(err)
	}
	if !auth.Signed(ethereum, "hello", sig) || !auth.Signed(other, "hello", ed25519.Sign(solana, []byte("hello"))) {
		f.Fatal("a good signature is none")
	}
	f.Add("0x"+hex.EncodeToString(sig), "hellp", false)
	f.Add(encode58(ed25519.Sign(solana, []byte("hello"))), "hellp", true)
	f.Add("", "", true)
	f.Fuzz(func(t *testing.T, text, message string, onSolana bool) {
		w := ethereum
		if onSolana {
			w = other
		}
		b, err := auth.Signature(w.Type, text)
		if err != nil && pay.CodeOf(err) != pay.CodeValidation {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && auth.Signed(w, message, b) && message != "hello" {
			t.Errorf("%q signs %q", text, message)
		}
	})
}
