package seed_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/seed"
)

// Vector 1 of SLIP-0010 for ed25519.
func TestSLIP10(t *testing.T) {
	t.Parallel()
	root, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	for _, v := range []struct {
		path []uint32
		key  string
	}{
		{nil, "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7"},
		{[]uint32{0}, "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3"},
		{[]uint32{0, 1, 2, 2, 1000000000}, "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793"},
	} {
		if got := hex.EncodeToString(seed.Ed25519(root, v.path...).Seed()); got != v.key {
			t.Errorf("%v: %s, want %s", v.path, got, v.key)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	s, err := seed.New("  abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon\nabout ")
	if err != nil {
		t.Fatal(err)
	}
	// As Phantom and solana-keygen derive it: m/44'/501'/0'/0'.
	if got := hex.EncodeToString(s.Ed25519(44, 501, 0, 0).Seed()); len(got) != 64 {
		t.Error(got)
	}
	if shown := fmt.Sprintf("%v %s", s, s); strings.Contains(shown, "abandon") {
		t.Errorf("shows its words: %s", shown)
	}
	for _, bad := range []string{"", "abandon", strings.Repeat("abandon ", 12), "one two three"} {
		if _, err := seed.New(bad); err == nil || strings.Contains(err.Error(), "abandon") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	g, err := seed.Generate([32]byte{1})
	if err != nil || len(strings.Fields(g.Words())) != 24 {
		t.Errorf("generated %v", err)
	}
}
