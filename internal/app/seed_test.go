package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/simnet"
)

// The seed is found with its key, wherever the key is kept, and with no other; no error
// shows either.
func TestSeedIsOpened(t *testing.T) {
	t.Parallel()
	s, err := seed.New(simnet.Words)
	if err != nil {
		t.Fatal(err)
	}
	dir, key, other := t.TempDir(), strings.Repeat("a7", 32), strings.Repeat("b8", 32)
	sealed, err := app.SealSeed(s, []byte(strings.Repeat("\xa7", 32)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := app.SealSeed(s, []byte(strings.Repeat("\xa7", 32)))
	if err != nil || again == sealed {
		t.Errorf("sealed twice it is the same: %v", err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	enc, keyFile := file("seed", sealed+"\n"), file("key", key+"\n")
	for name, c := range map[string]struct {
		app.Config
		want string
	}{
		"none":                 {app.Config{}, ""},
		"key":                  {app.Config{SeedFile: enc, SeedKey: key}, ""},
		"key in a file":        {app.Config{SeedFile: enc, SeedKeyFile: keyFile}, ""},
		"key from a command":   {app.Config{SeedFile: enc, SeedKeyCommand: "cat '" + keyFile + "'"}, ""},
		"no key":               {app.Config{SeedFile: enc}, "seed_key: expected 64 hexadecimal digits"},
		"short key":            {app.Config{SeedFile: enc, SeedKey: key[2:]}, "seed_key: expected 64 hexadecimal digits"},
		"another key":          {app.Config{SeedFile: enc, SeedKey: other}, "seed_file: it does not open"},
		"both keys":            {app.Config{SeedFile: enc, SeedKey: key, SeedKeyFile: keyFile}, "seed_key_file: expected nothing"},
		"a command that fails": {app.Config{SeedFile: enc, SeedKeyCommand: "echo " + key + "; exit 1"}, "seed_key_command: expected a command that prints the key"},
		"no file":              {app.Config{SeedFile: filepath.Join(dir, "none"), SeedKey: key}, "seed_file: expected the path of a file that can be read"},
		"not sealed":           {app.Config{SeedFile: file("words", simnet.Words), SeedKey: key}, "seed_file: it is not a file that pepay seed wrote"},
		"cut":                  {app.Config{SeedFile: file("cut", sealed[:80]), SeedKey: key}, "seed_file: it does not open"},
	} {
		got, err := c.Seed()
		switch {
		case c.want == "" && (err != nil || got.None() != (c.SeedFile == "") || !got.None() && got.Words() != simnet.Words):
			t.Errorf("%s: %v, %v", name, got, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		case strings.Contains(fmt.Sprint(got, err), "abandon") || strings.Contains(fmt.Sprint(got, err), key):
			t.Errorf("%s shows a secret: %v, %v", name, got, err)
		}
	}
}

// The same words always give the same accounts: an operator's money depends on it.
func TestAccountsOfASeed(t *testing.T) {
	t.Parallel()
	s, err := seed.New(simnet.Words)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range pay.Networks {
		l, _ := pay.Listed(n, pay.Mainnet)
		if to := app.FeePayer(l.Network, s); to != "" {
			got["fees "+string(n)] = to
		}
		if key, ok := app.PublicKey(n, s); ok {
			got["key "+string(n)] = key
		}
		if address, err := app.Addresses(n, s); err == nil {
			got["first "+string(n)] = address(1)
		}
	}
	want := map[string]string{
		"first solana": "Hh8QwFUA6MtVu1qAoq12ucvFHNwCcVTV7hpWjeY1Hztb", "first sui": "0xf7c7a39996ac7f1c307b96c96d65cce0855dcc7ccd021c453964f2f62f98e71f",
		"key ton":     "7952e94118f34607c75e23258dd9220d66ccac5a3ee074125c25068e8107bfbf",
		"key cardano": "acct_xvk1h6m7wu9n6rcex2c29uaxx2zml8hh60jxr425gmt28yga3u8w2hqtpcklzefc2zqyveyapek4kv5kj426y0e0r6ljmv5pjdvmpkyt69sv4hxhf",
		"fees solana": "4js3iYAPReCCbyjcQi6hnmfy6gM4idGBRpTLtTJbkFRc", "fees sui": "0xb27dc7bfb42fd4e80bd90d364928b91622b9913672341bf45a5a68c46430c4c9",
		"fees ton": "UQAockb65N9NqreZHrYfhipG94Q_gZYTBkV0mvaopLEEzOgi", "fees cardano": "addr1v9kjqjg3yfql7uspafzanp0xq4fvuqzgyewhqhcqnk94w4gmul5d4",
	}
	for name, is := range want {
		if got[name] != is {
			t.Errorf("%s: %s, want %s", name, got[name], is)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d accounts: %q", len(got), got)
	}
}
