package solana_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/seed"
)

const usdc = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"

func mustKey(t testing.TB, s string) solana.Key {
	t.Helper()
	k, err := solana.ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The address that wallets show first for the words of the test vectors of BIP-39.
func TestKeyOfWords(t *testing.T) {
	t.Parallel()
	words, err := seed.New(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	if got := solana.Address(words.Ed25519(solana.Path(0)...)).String(); got != "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk" {
		t.Error(got)
	}
	if solana.Address(words.Ed25519(solana.Path(1)...)) == solana.Address(words.Ed25519(solana.Path(0)...)) {
		t.Error("two indexes have one key")
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, good := range []string{ourA, usdc, "AispKP3Ls5d2m6t411kMtP1xkPemdZPGPJUvemsBqmXA"} {
		if got, err := solana.Canonical(good); err != nil || got != good {
			t.Errorf("%s: %s, %v", good, got, err)
		}
	}
	for bad, why := range map[string]string{
		"": "32 bytes in base58",
		"0x52908400098527886E0F7030069857D2E4169Ee7": "32 bytes",
		ourA[:len(ourA)-3]:                           "32 bytes",
		ourA + "1":                                   "32 bytes",
		" " + ourA:                                   "32 bytes",
		strings.Replace(ourA, ourA[5:6], "0", 1):     "32 bytes", // a digit that base58 has not
		strings.Repeat("z", 44):                      "32 bytes", // larger than 32 bytes can say
		strings.Repeat("1", 33):                      "32 bytes",
		strings.Repeat("z", 5000):                    "32 bytes",
		"\x00":                                       "32 bytes",
		solana.System.String():                       "not of a program",
		solana.Token.String():                        "not of a program",
		solana.Token2022.String():                    "not of a program",
		solana.Associated.String():                   "not of a program",
		solana.Budget.String():                       "not of a program",
	} {
		if got, err := solana.Canonical(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.50q: %q, %v", bad, got, err)
		}
	}
}

// From tests of Solana.Swift (the first), of DFINITY's ck-sol (made by spl-token address), and
// made with @solana/spl-token 0.4.15 (the rest; the last owner is an address of a program).
func TestTokenAccount(t *testing.T) {
	t.Parallel()
	for _, v := range [][4]string{
		{"3h1zGmCwsRJnVk5BuRNMLsPaQu1y2aqXqXDWYCgrp5UG", "1", usdc, "3uetDDizgTtadDHZzyy9BqxrjQcozMEkxzbKhfZF4tG3"},
		{"AAAGuCgkmxYDTiBvzx1QT5XEjqXPRtQaiEXQo4gatD2o", "1", usdc, "Cra8woRQhnHsGAmFWcCN1m7A9J44ykNfGpehi6dMBuKR"},
		{"9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBu", "1", usdc, "ASZ2TDDNJG2n42TxAezqNNzwWipykHrENDKMCoLKgzup"},
		{"9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBu", "2", usdc, "DvPz9DgjQmJ4veFXJx2Wkwn1UQLN37kY9WUD2G4ekXC"},
		{"GyGKxMyg1p9SsHfm15MkNUu1u9TN2JtTspcdmrtGUdse", "1", usdc, "DNDTCnZkNk358qDFZd9unHtnrc73SsXcpVWtwJJMrR4B"},
		{"GyGKxMyg1p9SsHfm15MkNUu1u9TN2JtTspcdmrtGUdse", "2", usdc, "FDFKh7vmt8gvX6UJNiH6aHq7pKG1fn9z2S6nCqdLa7Le"},
		{"AispKP3Ls5d2m6t411kMtP1xkPemdZPGPJUvemsBqmXA", "1", usdc, "6fQcUCMPgjKE6STVFXsyRXH98B3At9cg8468wozEUjtF"},
	} {
		program := map[string]solana.Key{"1": solana.Token, "2": solana.Token2022}[v[1]]
		if got := solana.TokenAccount(mustKey(t, v[0]), program, mustKey(t, v[2])).String(); got != v[3] {
			t.Errorf("%v: %s", v, got)
		}
	}
}

func key32(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))
}

// As @solana/web3.js 1.99.0 and @solana/spl-token 0.4.15 make them.
func TestInstructions(t *testing.T) {
	t.Parallel()
	payer, owner, receiver := solana.Address(key32(1)), solana.Address(key32(2)), solana.Address(key32(3))
	mint := mustKey(t, usdc)
	from, to := solana.TokenAccount(owner, solana.Token, mint), solana.TokenAccount(receiver, solana.Token, mint)
	for want, got := range map[string]solana.Instruction{
		"11111111111111111111111111111111 9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBusw GyGKxMyg1p9SsHfm15MkNUu1u9TN2JtTspcdmrtGUdsew 02000000b168de3a00000000":                                                                                                                                                              solana.Transfer(owner, receiver, 987654321),
		"ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL AKnL4NNf3DGWZJS6cPknBuEGnVsV4A4m5tgebLHaRSZ9sw DNDTCnZkNk358qDFZd9unHtnrc73SsXcpVWtwJJMrR4Bw GyGKxMyg1p9SsHfm15MkNUu1u9TN2JtTspcdmrtGUdse EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v 11111111111111111111111111111111 TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA 01": solana.CreateAccount(payer, receiver, solana.Token, mint),
		"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA ASZ2TDDNJG2n42TxAezqNNzwWipykHrENDKMCoLKgzupw EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v DNDTCnZkNk358qDFZd9unHtnrc73SsXcpVWtwJJMrR4Bw 9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBus 0ccb04fb711f01000006":                                                             solana.TransferChecked(solana.Token, from, mint, to, owner, 1234567890123, 6),
		"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA ASZ2TDDNJG2n42TxAezqNNzwWipykHrENDKMCoLKgzupw AKnL4NNf3DGWZJS6cPknBuEGnVsV4A4m5tgebLHaRSZ9w 9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBus 09":                                                                                                                            solana.CloseAccount(solana.Token, from, payer, owner),
		"ComputeBudget111111111111111111111111111111 02400d0300":         solana.UnitLimit(200_000),
		"ComputeBudget111111111111111111111111111111 03204e000000000000": solana.UnitPrice(20_000),
	} {
		words := []string{got.Program.String()}
		for _, m := range got.Accounts {
			words = append(words, m.Key.String()+map[bool]string{true: "s"}[m.Signer]+map[bool]string{true: "w"}[m.Writable])
		}
		if text := strings.Join(append(words, hex.EncodeToString(got.Data)), " "); text != want {
			t.Errorf("\n%s, want\n%s", text, want)
		}
	}
}

// The transaction that the tests of @solana/web3.js name "parse wire format and serialize".
const wire = "AVuErQHaXv0SG0/PchunfxHKt8wMRfMZzqV0tkC5qO6owYxWU2v871AoWywGoFQr4z+q/7mE8lIufNl/kxj+nQ0BAAEDE5j2LG0aRXxRumpLXz29L2n8qTIWIY3ImX5Ba9F9k8r9Q5/" +
	"Mtmcn8onFxt47xKj+XdXXd3C8j/FcPu7csUrz/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAxJrndgN4IFTxep3s6kO0ROug7bEsbx0xxuDkqEvwUusBAgIAAQwCAAAAMQAAAAAAAAA="

func TestTransaction(t *testing.T) {
	t.Parallel()
	sender := key32(8)
	step := solana.Transfer(solana.Address(sender), mustKey(t, "J3dxNj7nDRRqRRXuEMynDG57DkZK4jYRuv3Garmb1i99"), 49)
	tx, err := solana.Compile(solana.Address(sender), mustKey(t, "EETubP5AKHgjPAhzPAFcb8BAY1hMH639CWCFTqi3hq1k"), step).Sign(sender)
	if err != nil || base64.StdEncoding.EncodeToString(tx.Bytes()) != wire {
		t.Fatalf("%x, %v", tx.Bytes(), err)
	}
	if id := tx.ID(); id != "2q8Fs6wmDHcdNKJnVJoXYnDVqrWm8GYsxYt2QwUPvadkEQXinWJRwWVzxdUmJY9YH8iZETcXjk3ZdBcDUkuUtfKz" {
		t.Error(id)
	}
	back, err := solana.ParseTransaction(tx.Bytes())
	if err != nil || !bytes.Equal(back.Bytes(), tx.Bytes()) || !back.Verify() {
		t.Errorf("read back: %v", err)
	}
	back.Message.Blockhash[0]++
	if back.Verify() {
		t.Error("a signature fits another message")
	}
	if _, err := solana.Compile(solana.Address(sender), solana.Key{}, step).Sign(key32(9)); err == nil {
		t.Error("signed without the key")
	}
	var many []solana.Instruction
	for i := range byte(40) {
		many = append(many, solana.Transfer(solana.Address(sender), solana.Address(key32(i)), 1))
	}
	if _, err := solana.Compile(solana.Address(sender), solana.Key{}, many...).Sign(sender); err == nil {
		t.Error("signed what is too large to be sent")
	}
	raw := tx.Bytes()
	for name, bad := range map[string][]byte{
		"empty": {}, "cut": raw[:len(raw)-1], "more": append(bytes.Clone(raw), 0), "no signature": append([]byte{0}, raw[65:]...),
		"place of no key": append(bytes.Clone(raw[:len(raw)-16]), append([]byte{9}, raw[len(raw)-15:]...)...), "too large": make([]byte, 2000),
		"newer version": append(append(bytes.Clone(raw[:65]), 0x80), raw[65:]...), "long length": append([]byte{0x81, 0}, raw[1:]...),
		"endless length": {0xff, 0xff, 0xff, 0xff},
	} {
		if _, err := solana.ParseTransaction(bad); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func TestURI(t *testing.T) {
	t.Parallel()
	units := func(s string) money.Units { u, _ := money.ParseUnits(s); return u }
	for want, got := range map[string]string{
		"solana:" + ourA + "?amount=1.5":                      solana.URI(ourA, "", units("1500000000"), 9, "", "", ""),
		"solana:" + ourA + "?amount=0.01&spl-token=" + dollar: solana.URI(ourA, dollar, units("10000"), 6, "", "", ""),
		"solana:" + ourA + "?amount=100&spl-token=" + dollar:  solana.URI(ourA, dollar, units("100000000"), 6, "", "", ""),
		"solana:" + ourA + "?amount=100":                      solana.URI(ourA, "", units("100"), 0, "", "", ""),
		"solana:" + ourA + "?amount=7&spl-token=" + dollar + "&reference=" + solana.Reference("inv_1") + "&label=Tea%20%26%20Co&message=%2B1%3F": solana.URI(
			ourA, dollar, units("7000000"), 6, solana.Reference("inv_1"), "Tea & Co", "+1?"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if _, err := solana.ParseKey(solana.Reference("inv_1")); err != nil || solana.Reference("inv_1") == solana.Reference("inv_2") {
		t.Errorf("references: %v", err)
	}
}
