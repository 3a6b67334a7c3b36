package cardano_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/chaintest"
	devchain "github.com/pepay/pepay/internal/devchain/cardano"
	"github.com/pepay/pepay/internal/pay"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	chainSays := func(standard, fields string) faults {
		return faults{edit: "/assets/", change: func(_, body string) string {
			var a map[string]any
			_ = json.Unmarshal([]byte(body), &a)
			a["metadata"], a["onchain_metadata_standard"], a["onchain_metadata"] = nil, standard, json.RawMessage(fields)
			out, _ := json.Marshal(a)
			return string(out)
		}}
	}
	dollar := pay.Token{Symbol: "DUSDC", Type: pay.Asset, Address: token, Decimals: 6}
	with := func(change func(*pay.Token)) pay.Token { v := dollar; change(&v); return v }
	for name, c := range map[string]struct {
		token  pay.Token
		faults faults
		says   string // "" for nothing wrong
	}{
		"as configured":     {token: dollar},
		"other decimals":    {token: with(func(t *pay.Token) { t.Decimals = 8 }), says: "DUSDC has 8 decimals, and 6 by the registry"},
		"other symbol":      {token: with(func(t *pay.Token) { t.Symbol = "USDT" }), says: `USDT is called "DUSDC" by the registry`},
		"not there":         {token: with(func(t *pay.Token) { t.Address = strings.Repeat("00", 28) }), says: "does not know DUSDC"},
		"not canonical":     {token: with(func(t *pay.Token) { t.Address = strings.ToUpper(token) }), says: "lower case"},
		"no policy":         {token: with(func(t *pay.Token) { t.Address = "ab" }), says: "56 hexadecimal digits"},
		"nobody says":       {token: dollar, faults: chainSays("", "null")},
		"the chain agrees":  {token: dollar, faults: chainSays("CIP68v2", `{"ticker":"dusdc","decimals":6}`)},
		"the chain differs": {token: dollar, faults: chainSays("CIP68v1", `{"decimals":0}`), says: "and 0 by the chain"},
		"a picture":         {token: dollar, faults: chainSays("CIP25v1", `{"decimals":0,"ticker":"X"}`)},
		"another asset":     {token: dollar, faults: replace("/assets/", `"asset":"`, `"asset":"00`), says: "does not know DUSDC"},
		"garbage":           {token: dollar, faults: replace("/assets/", `(?s).*`, `[`), says: "/assets/"},
		"ADA of others":     {token: pay.Token{Symbol: "ADA", Decimals: 8}, says: "ADA has 6 decimals, not 8"},
		"another network":   {token: dollar, faults: nodeFaults["other chain"], says: "is a node of the network 764824073, want 42"},
		"another server":    {token: dollar, faults: faults{status: 404}, says: "is its path right?"},
		"no answer":         {token: pay.Token{Symbol: "ADA", Decimals: 6}, faults: faults{status: 500}, says: "HTTP status 500"},
	} {
		p := newProxy(t, s)
		p.set(c.faults)
		d := newDriver(newClock(), p)
		d.Tokens = []pay.Token{c.token}
		err := d.Verify(t.Context())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// The address of a node holds a key, which no error shows and which is sent as the API
// wants it.
func TestKeyIsNotShown(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, address := range []string{"http://the-key@127.0.0.1:1/api", "http://the-key@", "the-key", "ftp://the-key@x", "http://the-key@x y/", "://the-key", "http://[the-key"} {
		d := newDriver(newClock())
		d.Nodes = []string{address}
		if _, err := d.Head(t.Context()); err == nil || strings.Contains(err.Error(), "the-key") || strings.Contains(err.Error(), "127.0.0.1:1/") {
			t.Errorf("%s: %v", address, err)
		}
	}
	d := newDriver(newClock())
	if _, err := d.Head(t.Context()); err == nil {
		t.Error("a head without nodes")
	}
	p := newProxy(t, s)
	p.url = strings.Replace(p.url, "the-key@", "", 1)
	if _, err := newDriver(newClock(), p).Head(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP status 403") {
		t.Errorf("without the key: %v", err)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	c := must(devchain.New(devchain.Options{Start: start}))
	s := &sim{c}
	p := newProxy(t, s)
	clock := newClock()
	d := newDriver(clock, p)
	d.Timeout = 0
	want := cardano.Params{FeePerByte: 44, FeeBase: 155381, MaxTx: 16384, MaxValue: 5000, PerByte: 4310}
	if got, err := d.Params(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, change := range [][2]string{
		{`"min_fee_a":44`, `"min_fee_a":44000000`},
		{`"min_fee_b":155381`, `"min_fee_b":-1`},
		{`"coins_per_utxo_size":"4310"`, `"coins_per_utxo_size":null`},
		{`"max_tx_size":16384`, `"max_tx_size":1e3`},
		{`"max_val_size":"5000"`, `"max_val_size":"0"`},
		{`"max_tx_size":16384`, `"max_tx_size":99999999999999999999`},
	} {
		p.set(faults{edit: "parameters", change: func(_, body string) string { return strings.Replace(body, change[0], change[1], 1) }})
		if got, err := d.Params(t.Context()); err == nil {
			t.Errorf("%s: %+v", change[1], got)
		}
	}
	p.set(faults{refuse: "parameters"})
	if got, err := d.Params(t.Context()); err == nil {
		t.Errorf("none: %+v", got)
	}
}

func TestParseUnspent(t *testing.T) {
	t.Parallel()
	hash, most := strings.Repeat("0a", 32), "18446744073709551615"
	taken := map[string]bool{token: true}
	good := `{"tx_hash":"` + hash + `","output_index":3,"amount":[{"unit":"lovelace","quantity":"5"},{"unit":"` + token + `","quantity":"` + most + `"}],"reference_script_hash":"x"}`
	want := cardano.Unspent{Ref: ref(0x0a, 3), Value: cardano.Value{Lovelace: 5, Assets: map[string]uint64{token: 1<<64 - 1}}, Script: true}
	for name, ours := range map[string]map[string]bool{"ours": taken, "of others": nil} {
		if u, whole, err := cardano.ParseUnspent([]byte(good), ours); err != nil || !whole || !reflect.DeepEqual(u, want) {
			t.Errorf("%s: %+v, %v, %v", name, u, whole, err)
		}
	}
	for _, c := range []struct {
		old, new string
		others   bool // that it can be left alone when the token is not ours
	}{
		{hash, "0a", false},
		{hash, strings.Repeat("zz", 32), false},
		{`"5"`, `"-5"`, false},
		{`"5"`, `"5.0"`, false},
		{`"5"`, `5`, false},
		{`"5"`, `""`, false},
		{`"5"`, `"9223372036854775808"`, false},
		{`"5"`, `"9223372036854775807"},{"unit":"lovelace","quantity":"1"`, false},
		{most, "18446744073709551616", true},
		{most, "-1", true},
		{most, "0", true},
		{most, "", true},
		{`"lovelace","quantity":"5"`, `"` + token + `","quantity":"5"`, true},
		{`3`, `-3`, false},
		{`3`, `3.5`, false},
		{`{"tx`, `{{"tx`, false},
		{`[`, `{`, false},
	} {
		raw := []byte(strings.Replace(good, c.old, c.new, 1))
		if u, _, err := cardano.ParseUnspent(raw, taken); err == nil {
			t.Errorf("%s: %+v", raw, u)
		}
		if u, whole, err := cardano.ParseUnspent(raw, nil); (err == nil) != c.others || whole {
			t.Errorf("%s, not ours: %+v, %v, %v", raw, u, whole, err)
		}
	}
	for _, unit := range []string{"ADA", strings.ToUpper(token), "", token[:55], token + strings.Repeat("00", 32)} {
		if u, whole, err := cardano.ParseUnspent([]byte(strings.Replace(good, token, unit, 1)), taken); err != nil || whole {
			t.Errorf("%s: %+v, %v, %v", unit, u, whole, err)
		}
	}
}

func FuzzParseUnspent(f *testing.F) {
	f.Add([]byte(`{"address":"a","tx_hash":"` + strings.Repeat("0a", 32) + `","output_index":3,"amount":[{"unit":"lovelace","quantity":"5"},{"unit":"` + token + `","quantity":"7"}],"block":"b","data_hash":null,"reference_script_hash":null}`))
	f.Add([]byte(`{"tx_hash":"` + strings.Repeat("ff", 32) + `","output_index":0,"amount":[{"unit":"` + strings.Repeat("ab", 60) + `","quantity":"18446744073709551615"}],"reference_script_hash":"x"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, whole, err := cardano.ParseUnspent(raw, map[string]bool{token: true})
		if err != nil || !whole {
			return
		}
		out, err := encode(cardano.Output{Address: merchant, Value: u.Value})
		if err != nil {
			t.Fatalf("%s cannot be written: %v", raw, err)
		}
		if back := out.Makes()[0]; !same(back.Value, u.Value) {
			t.Errorf("%s is read as %+v and written as %+v", raw, u, back)
		}
	})
}

// encode is a transaction with an output, as it is read when it was written.
func encode(o cardano.Output) (*cardano.Tx, error) {
	_, raw, err := cardano.Draft{Outputs: []cardano.Output{o}}.Sign()
	if err != nil {
		return nil, err
	}
	return cardano.DecodeTx(raw)
}

// Whatever a node answers, the driver gives an error or a result, soon.
func FuzzAnswers(f *testing.F) {
	s := newSim(f)
	s.mine(f, chaintest.Transfer{Address: ourA, Units: 5}, chaintest.Transfer{Address: ourB, Token: token, Units: 6})
	s.mine(f, chaintest.Transfer{Address: ourA, Sweep: true})
	p := newProxy(f, s)
	p.url = "http://the-key@node/api/v0"
	var answer string
	var at int
	clock := newClock()
	paths := []string{`/blocks/latest$`, lists, cbors, `/txs/[0-9a-f]+/cbor$`, `/genesis$`, `/blocks/[0-9]+$`}
	d := newDriver(clock, p)
	d.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
		w := serve(p, r, faults{edit: paths[at], change: func(string, string) string { return answer }})
		return w, nil
	})
	for i, path := range []string{"/blocks/latest", "/blocks/1/next", "", "", "/genesis", "/blocks/2"} {
		if path != "" {
			f.Add(i, s.get(path))
		}
	}
	f.Add(2, fmt.Sprintf(`[{"tx_hash":%q,"cbor":%q},{"tx_hash":%q,"cbor":%q}]`, plainHash, plainTx, richHash, richTx))
	f.Add(3, fmt.Sprintf(`{"cbor":%q}`, richTx))
	f.Fuzz(func(t *testing.T, which int, body string) {
		at, answer = int(uint(which)%uint(len(paths))), body
		clock.advance(1e12)
		_, _ = d.Head(t.Context())
		_, _ = d.Block(t.Context(), 1)
		first := pay.Block{Height: 1}
		var b struct{ Hash string }
		if json.Unmarshal([]byte(s.get("/blocks/1")), &b) == nil {
			first.Hash = b.Hash
		}
		clock.advance(1e12)
		_, _ = d.Scan(t.Context(), first, 3, (&chaintest.Book{Addresses: ours()}).Ours)
	})
}

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A node that says of a block that it is full without end is not listened to for long.
func TestEndlessBlock(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	p := newProxy(t, s)
	d := newDriver(newClock(), p)
	from := head(t, d)
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 1})
	page := "[" + strings.Repeat(fmt.Sprintf(`{"tx_hash":%q,"cbor":%q},`, plainHash, plainTx), 99) + fmt.Sprintf(`{"tx_hash":%q,"cbor":%q}]`, plainHash, plainTx)
	for _, count := range []string{"2000000000", "5000"} {
		p.set(faults{edit: lists + "|" + cbors, change: func(path, body string) string {
			if strings.HasSuffix(path, "cbor") {
				return page
			}
			return strings.ReplaceAll(body, `"tx_count":1`, `"tx_count":`+count)
		}})
		if f, err := d.Scan(t.Context(), from, from.Height+1, (&chaintest.Book{Addresses: ours()}).Ours); err == nil {
			t.Errorf("%s: %+v", count, f)
		}
	}
	if n := p.asked("txs/cbor"); n > 51 {
		t.Errorf("asked %d times", n)
	}
}
