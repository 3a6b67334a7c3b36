package solana_test

import (
	_ "embed"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
)

// Mints as the Token-2022 program itself laid them out, run by LiteSVM 1.5.0 on instructions of
// @solana/spl-token 0.4.15, and one with an extension that does not exist.
//
//go:embed testdata/mints.txt
var mints string

var refused = map[string]string{
	"plain": "", "likePYUSD": "", "thawed": "", "pausable": "", "fee": "a fee is kept", "hook": "call another program", "frozen": "are frozen",
	"stuck": "cannot be transferred", "interest": "other amounts", "scaled": "other amounts", "unknown": "extension 500",
}

func mintData(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for line := range strings.Lines(mints) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = data
	}
	return all
}

func TestMints(t *testing.T) {
	t.Parallel()
	all := mintData(t)
	for name, why := range refused {
		data := all[name]
		m, err := solana.ParseMint(solana.Account{Owner: solana.Token2022.String(), Data: data})
		if err != nil || m.Decimals != 6 || m.Program != solana.Token2022 || m.Revocable != (name == "likePYUSD") || m.Paused {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		if err := m.Refused(); (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", name, err, why)
		}
		for cut := range len(data) {
			_, _ = solana.ParseMint(solana.Account{Owner: solana.Token2022.String(), Data: data[:cut]}) // does not panic
		}
		if len(data) > 82 {
			if _, err := solana.ParseMint(solana.Account{Owner: solana.Token2022.String(), Data: data[:120]}); err == nil {
				t.Errorf("%s: read when cut", name)
			}
			if _, err := solana.ParseMint(solana.Account{Owner: solana.Token.String(), Data: data}); err == nil {
				t.Errorf("%s: the first program has no extensions", name)
			}
		}
		if name == "pausable" {
			data[len(data)-1] = 1
			if m, _ := solana.ParseMint(solana.Account{Owner: solana.Token2022.String(), Data: data}); !m.Paused {
				t.Error("not paused")
			}
		}
	}
	plain := all["plain"]
	if _, err := solana.ParseMint(solana.Account{Owner: solana.System.String(), Data: plain}); err == nil {
		t.Error("a mint of the system program")
	}
	plain[45] = 0
	if _, err := solana.ParseMint(solana.Account{Owner: solana.Token.String(), Data: plain}); err == nil {
		t.Error("a mint that was never made")
	}
}

// A deployment does not start with a node of another chain, or a token that is not what it
// should be.
func TestVerify(t *testing.T) {
	t.Parallel()
	c := newSim(1)
	good := newDriver(newClock(), c, newProxy(t, c))
	if err := good.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	down := newProxy(t, c)
	down.set(faults{garbage: true})
	foreign := newProxy(t, sim.New(sim.Options{Seed: 99}))
	for _, v := range []struct {
		nodes   []*proxy
		address string
		decs    int
		want    string
	}{
		{[]*proxy{down, newProxy(t, c)}, dollar, 6, ""},
		{[]*proxy{down}, dollar, 6, "decode"},
		{[]*proxy{foreign}, dollar, 6, "is a node of the chain that began with"},
		{[]*proxy{newProxy(t, c), foreign}, dollar, 6, "solana node 2 is a node of the chain"},
		{nil, dollar, 6, "no nodes"},
		{[]*proxy{newProxy(t, c)}, dollar, 9, "has 6 decimals, not 9"},
		{[]*proxy{newProxy(t, c)}, newDollar, 6, ""},
		{[]*proxy{newProxy(t, c)}, sim.Taxed.String(), 6, "a fee is kept"},
		{[]*proxy{newProxy(t, c)}, usdc, 6, "no token is at"},
		{[]*proxy{newProxy(t, c)}, stranger, 6, "is not a token"},
		{[]*proxy{newProxy(t, c)}, "nonsense", 6, "32 bytes in base58"},
	} {
		d := newDriver(newClock(), c, v.nodes...)
		d.Tokens = append(d.Tokens[:1:1], d.Tokens[1])
		d.Tokens[1].Address, d.Tokens[1].Decimals = v.address, v.decs
		if err := d.Verify(t.Context()); (err == nil) != (v.want == "") || err != nil && !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s, %d decimals, %d nodes: %v, want %q", v.address, v.decs, len(v.nodes), err, v.want)
		}
	}
}
