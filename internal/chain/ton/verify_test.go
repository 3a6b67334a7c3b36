package ton_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	s := newSim()
	nine, wrong, nobody := other, other, other
	nine.Decimals, nobody.Address = 9, stranger
	wrong.Address = "EQ" + wrong.Address[2:]
	eight := token
	eight.Decimals = 8
	for name, v := range map[string]struct {
		tokens []pay.Token
		f      faults
		want   string
	}{
		"sound":           {tokens: []pay.Token{token, other}},
		"wrong decimals":  {tokens: []pay.Token{nine}, want: "6 decimals, not 9"},
		"known decimals":  {tokens: []pay.Token{eight}, want: "6 decimals, not 8"},
		"form":            {tokens: []pay.Token{wrong}, want: "must be"},
		"no jetton":       {tokens: []pay.Token{nobody}, want: "get_jetton_data"},
		"another network": {f: replace("/masterchainInfo", `"global_id":-3`, `"global_id":-239`), want: "network -239, want -3"},
		"other wallets":   {tokens: []pay.Token{other}, f: replace("/runGetMethod", `te6cckEBAQEAJAAA`, `te6cckEBAQEAJAAB`), want: "checksum"},
		"no stack":        {tokens: []pay.Token{other}, f: replace("/runGetMethod", `"stack":.*`, `"stack":[]}`), want: "not of a jetton"},
		"fails":           {tokens: []pay.Token{other}, f: replace("/runGetMethod", `"exit_code":0`, `"exit_code":9`), want: "ends with 9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, s)
			p.set(v.f)
			d := newDriver(newClock(), p)
			d.Tokens = v.tokens
			if err := d.Verify(t.Context()); v.want == "" && err != nil || v.want != "" && (err == nil || !strings.Contains(err.Error(), v.want)) {
				t.Errorf("verify: %v, want %q", err, v.want)
			}
		})
	}
	for _, d := range []*ton.Driver{newDriver(newClock()), {Nodes: []string{"ftp://x"}, Log: slog.New(slog.DiscardHandler)}, {Nodes: []string{":"}}} {
		if err := d.Verify(t.Context()); err == nil {
			t.Errorf("verified nodes %v", d.Nodes)
		}
	}
}

// A jetton whose wallets are elsewhere than can be computed is refused.
func TestOddJetton(t *testing.T) {
	t.Parallel()
	s := newSim()
	p := newProxy(t, s)
	j := s.Jetton(devchain.Other)
	code := ton.Encode64(j.Code)
	p.set(edit("/runGetMethod", func(answer string) string { return strings.ReplaceAll(answer, code, ton.Encode64(cellOf(1))) }))
	d := newDriver(newClock(), p)
	if _, err := d.JettonWallet(t.Context(), ourA, other); err == nil || !strings.Contains(err.Error(), "cannot be computed") {
		t.Errorf("jetton wallet: %v", err)
	}
}

// An index whose key is in its address gets it as a header, and no error shows it.
func TestKeyOfANode(t *testing.T) {
	t.Parallel()
	s := newSim()
	var got []string
	server := httptest.NewServer(handler(func(key, query string) { got = append(got, key+query) }, s))
	t.Cleanup(server.Close)
	d := newDriver(newClock())
	d.Nodes = []string{server.URL + "/api/v3/?api_key=secret"}
	if _, err := d.Head(context.Background()); err != nil || !slices.Equal(got, []string{"secret"}) {
		t.Errorf("asked with %q: %v", got, err)
	}
	server.Close()
	if _, err := d.Head(context.Background()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a node that is gone: %v", err)
	}
}

// What a real index of the test network answered, from the tests of github.com/axelarnetwork/axelar-amplifier
// (where the body of its first message is not whole, and left out here).
func TestRecordedAnswer(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/transaction.json")
	if err != nil {
		t.Fatal(err)
	}
	var v ton.Transactions
	if err := json.Unmarshal(recorded, &v); err != nil || len(v.Transactions) != 1 {
		t.Fatal(err)
	}
	x := v.Transactions[0]
	from, ok1 := x.In.From()
	to, ok2 := x.In.To()
	if x.Failed() || !ok1 || !ok2 || x.McSeqno != 33013054 || x.LT != 36582626000003 || *x.In.Value != "98993600" || to.Raw() != x.Account || from == to ||
		x.Block != (ton.BlockID{Workchain: 0, Shard: "8000000000000000", Seqno: 34903585}) {
		t.Errorf("read %+v", x)
	}
	if _, ok := x.Out[0].To(); ok || len(x.Out) != 2 {
		t.Error("a message to the outside has a receiver")
	}
	for _, m := range x.Out {
		if m.Body() == nil {
			t.Errorf("the body of %s cannot be read, or has another hash", m.Hash)
		}
	}
	if op := ton.Op(x.Out[1].Body()); op != 0x18 {
		t.Errorf("it is about %d", op)
	}
}
