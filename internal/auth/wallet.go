package auth

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pepay/pepay/internal/pay"
)

// SolanaAddress returns a Solana address in its one form, or an error that says what
// is wrong with it.
func SolanaAddress(s string) (string, error) {
	b, ok := Base58(s)
	if !ok || len(b) != ed25519.PublicKeySize {
		return "", errors.New("must be a Solana address: 32 bytes in base58")
	}
	if bytes.Equal(b, make([]byte, len(b))) { // anybody can make a signature that fits this key
		return "", errors.New("must not be the address of the system program")
	}
	return s, nil
}

// SignIn is what a wallet signs to sign in.
type SignIn struct {
	Domain  string // host, and port if any, of the deployment
	URI     string
	Wallet  pay.Wallet
	ChainID uint64 // for Ethereum
	Nonce   string
	At      time.Time
	Expires time.Time
}

// Message renders the text to sign: EIP-4361 for Ethereum, and its likeness for
// Solana. The same values give the same bytes.
func (s SignIn) Message() string {
	kind, chain := "Ethereum", fmt.Sprint(s.ChainID)
	if s.Wallet.Type == pay.SolanaWallet {
		kind, chain = "Solana", "mainnet"
	}
	const form = "%s wants you to sign in with your %s account:\n%s\n\nSign in to Pepay. This moves no money and costs nothing.\n\n" +
		"URI: %s\nVersion: 1\nChain ID: %s\nNonce: %s\nIssued At: %s\nExpiration Time: %s"
	return fmt.Sprintf(form, s.Domain, kind, s.Wallet.Address, s.URI, chain, s.Nonce, s.At.UTC().Format(time.RFC3339), s.Expires.UTC().Format(time.RFC3339))
}

// maxSignature is the longest signature: a contract's may hold those of many owners.
const maxSignature = 4 << 10

// Signature decodes a signature as wallets of a type write it: hexadecimal after 0x
// for Ethereum, base58 or base64 for Solana. The error has CodeValidation.
func Signature(t pay.WalletType, s string) ([]byte, error) {
	if t == pay.SolanaWallet {
		if b, ok := Base58(s); ok && len(b) == ed25519.SignatureSize {
			return b, nil
		}
		if len(s) <= maxBase58 {
			if b, err := base64.StdEncoding.DecodeString(s); err == nil && len(b) == ed25519.SignatureSize {
				return b, nil
			}
		}
		return nil, pay.Errorf(pay.CodeValidation, "signature must be 64 bytes in base58 or base64")
	}
	digits, prefixed := strings.CutPrefix(s, "0x")
	if prefixed && len(digits) <= 2*maxSignature {
		if b, err := hex.DecodeString(digits); err == nil && len(b) > 0 {
			return b, nil
		}
	}
	return nil, pay.Errorf(pay.CodeValidation, "signature must be 0x and at most %d bytes in hexadecimal digits", maxSignature)
}

// Digest is what an Ethereum wallet signs for a text (EIP-191).
func Digest(message string) [32]byte {
	return [32]byte(crypto.Keccak256(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message)))
}

// Signed reports whether the wallet's own key signed the message. A wallet that is a
// contract has none.
func Signed(w pay.Wallet, message string, signature []byte) bool {
	if w.Type == pay.SolanaWallet {
		key, ok := Base58(w.Address)
		return ok && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, []byte(message), signature)
	}
	if len(signature) != crypto.SignatureLength {
		return false
	}
	sig := bytes.Clone(signature)
	if sig[64] >= 27 {
		sig[64] -= 27
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(sig[64], r, s, true) {
		return false
	}
	digest := Digest(message)
	key, err := crypto.SigToPub(digest[:], sig)
	return err == nil && crypto.PubkeyToAddress(*key) == common.HexToAddress(w.Address)
}
