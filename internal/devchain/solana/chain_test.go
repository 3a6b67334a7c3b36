package solana_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
)

var (
	alice, bob = sim.Key("alice"), sim.Key("bob")
	a, b       = solana.Address(alice), solana.Address(bob)
	rich       = solana.Address(sim.Wallet())
)

// ask is a question over HTTP, and the whole answer.
func ask(t testing.TB, c *sim.Chain, body string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return strings.TrimSpace(rec.Body.String())
}

func call(t testing.TB, c *sim.Chain, method string, params ...any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	return ask(t, c, string(body))
}

func send(t testing.TB, c *sim.Chain, raw []byte) string {
	t.Helper()
	return call(t, c, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]string{"encoding": "base64"})
}

func sign(t testing.TB, payer solana.Key, hash solana.Key, steps []solana.Instruction, keys ...ed25519.PrivateKey) solana.Transaction {
	t.Helper()
	tx, err := solana.Compile(payer, hash, steps...).Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// What the network would not take at all.
func TestNotTaken(t *testing.T) {
	t.Parallel()
	c := sim.New(sim.Options{})
	c.Fund(a, 1e9)
	c.Mine()
	step := []solana.Instruction{solana.Transfer(a, b, 2e6)}
	good := sign(t, a, c.Head(), step, alice)
	forged := sign(t, a, c.Head(), []solana.Instruction{solana.Transfer(a, b, 2e6)}, alice)
	forged.Message.Instructions[0].Data[4]++
	for name, v := range map[string]struct {
		raw  []byte
		want string
	}{
		"forged":            {forged.Bytes(), "-32003"},
		"unknown blockhash": {sign(t, a, a, step, alice).Bytes(), "Blockhash not found"},
		"cut":               {good.Bytes()[:80], "not a transaction"},
		"nothing":           {nil, "not a transaction"},
	} {
		if got := send(t, c, v.raw); !strings.Contains(got, v.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	poor := sign(t, b, c.Head(), []solana.Instruction{solana.Transfer(b, a, 1)}, bob)
	send(t, c, poor.Bytes())
	for range 2 { // the same twice is once
		if got := send(t, c, good.Bytes()); !strings.Contains(got, good.ID()) {
			t.Errorf("good: %s", got)
		}
	}
	c.Mine()
	if got := send(t, c, good.Bytes()); !strings.Contains(got, "already been processed") {
		t.Errorf("once more: %s", got)
	}
	if n := c.Balance(b.String(), ""); n != 2e6 {
		t.Errorf("moved %d", n)
	}
	if got := call(t, c, "getSignatureStatuses", []string{poor.ID(), good.ID()}); !strings.Contains(got, `"value":[null,{`) {
		t.Errorf("who cannot pay the fee is in no block: %s", got)
	}
	old := sign(t, a, c.Head(), step, alice)
	for range solana.Life {
		c.Mine()
	}
	if got := send(t, c, old.Bytes()); !strings.Contains(got, "Blockhash not found") {
		t.Errorf("too old: %s", got)
	}
}

// What is in a block, costs its fee, and moves nothing.
func TestFails(t *testing.T) {
	t.Parallel()
	c := sim.New(sim.Options{})
	c.Fund(a, 1e9)
	if _, err := c.Pay(sim.Payment{To: a.String(), Token: sim.Dollar.String(), Units: 100}); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	p, m := solana.Token, sim.Dollar
	from, to := solana.TokenAccount(a, p, m), solana.TokenAccount(rich, p, m)
	for name, v := range map[string]struct {
		step solana.Instruction
		want string
	}{
		"overspent":               {solana.Transfer(a, b, 2e9), `"Custom":1`},
		"dust":                    {solana.Transfer(a, b, 1000), "InsufficientFundsForRent"},
		"leaves dust":             {solana.Transfer(a, b, 1e9-6000), "InsufficientFundsForRent"},
		"not theirs":              {solana.Instruction{Program: solana.System, Accounts: []solana.Meta{{Key: rich, Writable: true}, {Key: a, Signer: true, Writable: true}}, Data: solana.Transfer(a, b, 5).Data}, "MissingRequiredSignature"},
		"read only":               {solana.Instruction{Program: solana.System, Accounts: []solana.Meta{{Key: a, Signer: true, Writable: true}, {Key: b}}, Data: solana.Transfer(a, b, 2e6).Data}, "ReadonlyLamportChange"},
		"unknown":                 {solana.Instruction{Program: solana.System, Data: []byte{9, 9}}, "InvalidInstructionData"},
		"too many tokens":         {solana.TransferChecked(p, from, m, to, a, 101, 6), `"Custom":1`},
		"other decimals":          {solana.TransferChecked(p, from, m, to, a, 1, 9), `"Custom":18`},
		"other mint":              {solana.TransferChecked(p, from, sim.Fake, to, a, 1, 6), `"Custom":3`},
		"other program":           {solana.TransferChecked(solana.Token2022, from, m, to, a, 1, 6), "InvalidAccountData"},
		"tokens of others":        {solana.TransferChecked(p, to, m, from, a, 1, 6), `"Custom":4`},
		"no account":              {solana.TransferChecked(p, from, m, solana.TokenAccount(b, p, m), a, 1, 6), "InvalidAccountData"},
		"not empty":               {solana.CloseAccount(p, from, a, a), `"Custom":11`},
		"not theirs to close":     {solana.CloseAccount(p, to, a, a), `"Custom":4`},
		"mint of another program": {solana.CreateAccount(a, b, solana.Token2022, m), "InvalidAccountData"},
	} {
		before := c.Balance(a.String(), "")
		tx := sign(t, a, c.Head(), []solana.Instruction{solana.Transfer(a, a, 1), v.step}, alice)
		send(t, c, tx.Bytes())
		c.Mine()
		if got := call(t, c, "getSignatureStatuses", []string{tx.ID()}); !strings.Contains(got, v.want) {
			t.Errorf("%s: %s, want %s", name, got, v.want)
		}
		if spent := before - c.Balance(a.String(), ""); spent != 5000 || c.Balance(a.String(), m.String()) != 100 {
			t.Errorf("%s: spent %d", name, spent)
		}
		c.Fund(a, 5000)
	}
}

// The questions that nodes are asked, and what is no question.
func TestRPC(t *testing.T) {
	t.Parallel()
	c := sim.New(sim.Options{Seed: 7, Lag: 1})
	id, err := c.Pay(sim.Payment{To: a.String(), Units: 3e6}, sim.Payment{To: a.String(), Token: sim.Dollar.String(), Units: 1_500_000})
	if err != nil {
		t.Fatal(err)
	}
	c.Mine()
	c.Mine()
	account := solana.TokenAccount(a, solana.Token, sim.Dollar).String()
	confirmed := map[string]any{"commitment": "confirmed"}
	for _, v := range []struct {
		method string
		params []any
		want   string
	}{
		{"getGenesisHash", nil, c.Genesis()},
		{"getBlockHeight", nil, `"result":1}`},
		{"getBlockHeight", []any{confirmed}, `"result":2}`},
		{"getLatestBlockhash", nil, `"lastValidBlockHeight":151`},
		{"getBalance", []any{a.String()}, `"value":3000000`},
		{"getTokenAccountBalance", []any{account}, `"uiAmountString":"1.500000"`},
		{"getAccountInfo", []any{account}, `"space":165`},
		{"getAccountInfo", []any{b.String()}, `"value":null`},
		{"getMultipleAccounts", []any{[]string{a.String(), b.String()}}, `,null]`},
		{"getMinimumBalanceForRentExemption", []any{0}, "890880"},
		{"getMinimumBalanceForRentExemption", []any{165}, "2039280"},
		{"getTransaction", []any{id}, `"preTokenBalances"`},
		{"getTransaction", []any{"x"}, `"result":null`},
		{"getSignaturesForAddress", []any{a.String(), map[string]any{"limit": 1}}, id},
		{"getSignaturesForAddress", []any{a.String(), map[string]any{"before": id}}, `"result":[]`},
		{"getBlock", []any{99}, "-32004"},
		{"getBlocks", []any{0, 99}, `[0,`},
		{"getBlocks", []any{50}, `"result":[]`},
		{"getBlocksWithLimit", []any{0, 1}, `[0]`},
		{"getBlocksWithLimit", []any{0, 1_000_000}, "-32602"},
		{"getBlock", nil, "-32602"},
		{"getBlock", []any{"x"}, "-32602"},
		{"getBlock", []any{-1}, "-32602"},
		{"getBalance", []any{"x"}, "-32602"},
		{"getTokenAccountBalance", []any{a.String()}, "-32602"},
		{"getSlot", []any{map[string]any{"commitment": 7}}, "-32602"},
		{"sendTransaction", []any{"!"}, "-32602"},
		{"getNothing", nil, "-32601"},
	} {
		if got := call(t, c, v.method, v.params...); !strings.Contains(got, v.want) {
			t.Errorf("%s%v: %s, want %s", v.method, v.params, got, v.want)
		}
	}
	for body, want := range map[string]string{
		`[{"id":1,"method":"getSlot"},{"id":2,"method":"getGenesisHash"}]`: `"id":2`,
		`[]`: `[]`, `{`: "-32700", `7`: "-32700", `[7]`: "-32700", ``: "-32700", strings.Repeat(" ", 60<<10): "only JSON-RPC",
	} {
		if got := ask(t, c, body); !strings.Contains(got, want) {
			t.Errorf("%.40q: %s, want %s", body, got, want)
		}
	}
	skipped := 0
	for slot := range 60 {
		c.Mine()
		if strings.Contains(call(t, c, "getBlock", slot), "-32007") {
			skipped++
		}
	}
	if skipped < 3 {
		t.Errorf("%d slots skipped", skipped)
	}
}

// The same seed makes the same network, another seed another.
func TestSeeded(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		c := sim.New(sim.Options{Seed: seed})
		for i := range uint64(20) {
			if _, err := c.Pay(sim.Payment{To: a.String(), Units: 1e6 + i}); err != nil {
				t.Fatal(err)
			}
			c.Mine()
		}
		return fmt.Sprint(c.Head(), call(t, c, "getSlot"))
	}
	if first := run(1); first != run(1) || first == run(2) {
		t.Error("the seed does not decide")
	}
}

// Many ask, pay and mine at once.
func TestTogether(t *testing.T) {
	t.Parallel()
	c := sim.New(sim.Options{Now: time.Now})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { c.Run(ctx, time.Millisecond) })
	var payers sync.WaitGroup
	for range 4 {
		payers.Go(func() {
			for range 25 {
				if _, err := c.Pay(sim.Payment{To: a.String(), Units: 1e6}); err != nil {
					t.Error(err)
				}
				call(t, c, "getBlock", 1)
			}
		})
	}
	payers.Wait()
	stop()
	all.Wait()
	c.Mine()
	if n := c.Balance(a.String(), ""); n != 100e6 {
		t.Errorf("%d arrived", n)
	}
}
