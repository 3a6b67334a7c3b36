package solana_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
)

func FuzzTransaction(f *testing.F) {
	raw, _ := base64.StdEncoding.DecodeString(wire)
	f.Add(raw)
	c := newSim(1)
	_, _ = c.Pay(sim.Payment{To: ourA, Token: dollar, Units: 1}, sim.Payment{To: ourB, Units: 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := solana.ParseTransaction(b)
		if err != nil {
			return
		}
		if !bytes.Equal(tx.Bytes(), b) {
			t.Errorf("%x comes back as %x", b, tx.Bytes())
		}
		tx.Verify()
		for i := range tx.Message.Keys {
			tx.Message.Writable(i)
		}
		for _, x := range tx.Message.Instructions {
			tx.Message.Read(x)
		}
		_ = c.Submit(b)
	})
}

func FuzzAccount(f *testing.F) {
	for _, d := range mintData(f) {
		f.Add(d, true)
		f.Add(d, false)
	}
	f.Add(bytes.Repeat([]byte{1}, 165), false)
	f.Add(append(bytes.Repeat([]byte{1}, 165), 2, 8, 0, 1, 0, 1), true)
	f.Fuzz(func(t *testing.T, d []byte, newer bool) {
		a := solana.Account{Owner: solana.Token.String(), Data: d}
		if newer {
			a.Owner = solana.Token2022.String()
		}
		m, err1 := solana.ParseMint(a)
		_, err2 := solana.ParseHolding(a)
		if err1 == nil && err2 == nil {
			t.Error("both a mint and a token account")
		}
		if err1 == nil {
			_ = m.Refused()
		}
	})
}

// However a block is bent, what it yields is named once each, and is more than nothing.
func FuzzBlock(f *testing.F) {
	c := newSim(1)
	_, _ = c.Pay(sim.Payment{To: ourA, Units: 5}, sim.Payment{To: ourB, Token: dollar, Units: 6})
	_, _ = c.Pay(sim.Payment{To: ourA, Token: fake, Units: 5}, sim.Payment{To: ourB, Token: dollar, Units: 2e18})
	c.Mine()
	empty(f, c, ourB, dollar)
	c.Mine()
	for slot := range 10 {
		if raw := ask(f, c, "getBlock", slot, map[string]any{"transactionDetails": "accounts"}); len(raw) > 0 {
			f.Add([]byte(raw))
		}
	}
	watched := map[string]bool{dollar: true, newDollar: true}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := solana.ParseBlock(b, 9, watched)
		if err != nil {
			return
		}
		type name struct {
			id    string
			index int
		}
		seen := map[name]bool{}
		for _, d := range found.Deposits {
			n := name{d.TxHash, d.Index}
			if seen[n] || d.Units.IsZero() || d.Address == "" || d.Token != "" && !watched[d.Token] {
				t.Errorf("%+v", d)
			}
			seen[n] = true
		}
		for _, s := range found.Sweeps {
			if s.Units.IsZero() || s.Address == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{ourA, usdc, "", "0x12", solana.System.String(), "z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := solana.Canonical(s); err == nil && got != s {
			t.Errorf("%q is also %q", s, got)
		}
	})
}

// ask puts a question to the network and returns the result.
func ask(t testing.TB, c *sim.Chain, method string, params ...any) json.RawMessage {
	t.Helper()
	p := newProxy(t, c)
	body, _ := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	return post(t, p.url, body)
}
