package cardano_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
	devchain "github.com/pepay/pepay/internal/devchain/cardano"
)

const ada = 1_000_000

var (
	account = must(cardano.AccountKey(bytes.Repeat([]byte{1}, 16), 0))
	key     = account.Payment(0)
	mine    = cardano.Testnet.Enterprise(key.Public())
	other   = cardano.Testnet.Enterprise(account.Payment(1).Public())
	token   = devchain.Dollar.Unit
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The network refuses what the real one would, with its words for it.
func TestRules(t *testing.T) {
	t.Parallel()
	c := must(devchain.New(devchain.Options{Assets: []devchain.Asset{devchain.Dollar}}))
	hash := must(c.Fund(mine, cardano.Value{Lovelace: 100 * ada, Assets: map[string]uint64{token: 7}}))
	must(c.Fund(other, cardano.Value{Lovelace: 10 * ada}))
	c.Mine()
	in := refTo(t, hash)
	out := func(address string, lovelace, units uint64) cardano.Output {
		return cardano.Output{Address: address, Value: cardano.Value{Lovelace: lovelace, Assets: map[string]uint64{token: units}}}
	}
	good := func() cardano.Draft {
		return cardano.Draft{Inputs: []cardano.Ref{in}, Outputs: []cardano.Output{out(other, 100*ada-200_000, 7)}, Fee: 200_000, TTL: 1000}
	}
	for says, change := range map[string]func(*cardano.Draft) []cardano.Key{
		"FeeTooSmallUTxO": func(d *cardano.Draft) []cardano.Key {
			d.Fee = 160_000
			d.Outputs[0].Value.Lovelace += 40_000
			return nil
		},
		"OutsideValidityIntervalUTxO": func(d *cardano.Draft) []cardano.Key { d.TTL = 20; return nil },
		"InputSetEmptyUTxO":           func(d *cardano.Draft) []cardano.Key { d.Inputs = nil; return nil },
		"BadInputsUTxO":               func(d *cardano.Draft) []cardano.Key { d.Inputs = append(d.Inputs, in); return nil },
		"#9":                          func(d *cardano.Draft) []cardano.Key { d.Inputs[0].Index = 9; return nil },
		"MissingVKeyWitnessesUTXOW":   func(*cardano.Draft) []cardano.Key { return []cardano.Key{account.Payment(1)} },
		"WrongNetwork": func(d *cardano.Draft) []cardano.Key {
			d.Outputs[0].Address = cardano.Mainnet.Enterprise(key.Public())
			return nil
		},
		"BabbageOutputTooSmallUTxO": func(d *cardano.Draft) []cardano.Key {
			d.Outputs = append(d.Outputs, cardano.Output{Address: mine, Value: cardano.Value{Lovelace: 800_000}})
			return nil
		},
		"OutputTooBigUTxO": func(d *cardano.Draft) []cardano.Key {
			for i := range 150 {
				d.Outputs[0].Value.Assets[token[:56]+fmt.Sprintf("%064x", i)] = 1
			}
			return nil
		},
		"MaxTxSizeUTxO": func(d *cardano.Draft) []cardano.Key {
			for range 500 {
				d.Inputs = append(d.Inputs, in)
			}
			return nil
		},
		"ValueNotConservedUTxO": func(d *cardano.Draft) []cardano.Key { d.Outputs[0].Value.Assets[token] = 8; return nil },
		"100000000 Assets":      func(d *cardano.Draft) []cardano.Key { d.Outputs[0].Value.Lovelace++; return nil },
		"none of":               func(d *cardano.Draft) []cardano.Key { d.Outputs[0].Value.Assets[token[:56]] = 0; return nil },
	} {
		d := good()
		keys := change(&d)
		if keys == nil {
			keys = []cardano.Key{key}
		}
		_, raw, err := d.Sign(keys...)
		if err != nil {
			t.Fatal(err)
		}
		if says == "OutputTooBigUTxO" || says == "BabbageOutputTooSmallUTxO" { // their fee
			d.Fee = 900_000
			_, raw, _ = d.Sign(keys...)
		}
		if err := c.Submit(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	_, raw, _ := good().Sign(key)
	forged := bytes.Clone(raw)
	forged[len(forged)-5] ^= 1
	for says, raw := range map[string][]byte{"InvalidWitnessesUTXOW": forged, "not a whole transaction": raw[:20], "no scripts": append(bytes.Clone(raw[:len(raw)-2]), 0xf4, 0xf6)} {
		if err := c.Submit(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if err := c.Submit(raw); err != nil {
		t.Fatal(err)
	}
	if err := c.Submit(raw); err == nil {
		t.Error("taken twice")
	}
	c.Mine()
	if v := c.Balance(other); v.Lovelace != 110*ada-200_000 || v.Assets[token] != 7 || c.Balance(mine).Lovelace != 0 {
		t.Errorf("%+v", v)
	}
	if err := c.Fork(1, nil); err != nil || c.Balance(mine).Lovelace != 100*ada || c.Balance(other).Lovelace != 10*ada {
		t.Errorf("after a fork %+v and %+v, %v", c.Balance(mine), c.Balance(other), err)
	}
	if err := c.Submit(raw); err != nil {
		t.Errorf("after a fork: %v", err)
	}
}

func refTo(t *testing.T, hash string) (r cardano.Ref) {
	t.Helper()
	if _, err := fmt.Sscanf(hash, "%x", &hash); err != nil {
		t.Fatal(err)
	}
	copy(r.Hash[:], hash)
	return r
}

// What waits too long is dropped; what waited for that, too.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	c := must(devchain.New(devchain.Options{}))
	in := refTo(t, must(c.Fund(mine, cardano.Value{Lovelace: 10 * ada})))
	c.Mine()
	d := cardano.Draft{Inputs: []cardano.Ref{in}, Outputs: []cardano.Output{{Address: mine, Value: cardano.Value{Lovelace: 9 * ada}}}, Fee: ada, TTL: 50}
	hash, raw, _ := d.Sign(key)
	_, next, _ := cardano.Draft{Inputs: []cardano.Ref{{Hash: hash}}, Outputs: []cardano.Output{{Address: other, Value: cardano.Value{Lovelace: 8 * ada}}}, Fee: ada}.Sign(key)
	for _, raw := range [][]byte{raw, next} {
		if err := c.Submit(raw); err != nil {
			t.Fatal(err)
		}
	}
	c.Wait(time.Minute)
	c.Mine()
	if c.Balance(mine).Lovelace != 10*ada || c.Balance(other).Lovelace != 0 {
		t.Errorf("%+v, %+v", c.Balance(mine), c.Balance(other))
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	c := must(devchain.New(devchain.Options{Start: time.Unix(1_700_000_000, 0), Assets: []devchain.Asset{devchain.Dollar}}))
	hash := must(c.Pay(mine, token, 5))
	get := func(method, path, contentType, body string) (int, string) {
		r, w := httptest.NewRequest(method, path, strings.NewReader(body)), httptest.NewRecorder()
		r.Header.Set("Content-Type", contentType)
		c.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for range 2 {
		if code, body := get("GET", "/txs/"+hash, "", ""); code != 404 || !strings.Contains(body, `"status_code":404`) {
			t.Errorf("%d %s", code, body)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { c.Run(ctx, time.Millisecond); close(done) }()
	for code := 0; code != http.StatusOK; {
		code, _ = get("GET", "/api/v0/txs/"+hash, "", "")
	}
	cancel()
	<-done
	for path, want := range map[string]string{
		"/genesis": `"network_magic":42`, "/blocks/latest": `"tx_count":`, "/blocks/0": `"previous_block":null`, "/blocks/0/next?count=1": `"height":1`, "/blocks/0/txs/cbor": `"tx_hash"`,
		"/blocks/99999999": "404", "/blocks/x": "404", "/blocks/x/next": "404", "/txs/" + hash + "/utxos": `"quantity":"5"`, "/txs/" + hash + "/cbor": `"cbor":"84`, "/addresses/" + mine + "/utxos": `"unit":"` + token,
		"/addresses/" + mine + "/utxos?page=2": `[]`, "/addresses/" + mine + "/utxos?page=-1&count=0": token, "/addresses/x/utxos": "404", "/addresses/" + mine + "/transactions": hash, "/assets/" + token: `"decimals":6`,
		"/addresses/" + mine + "/transactions?from=1&to=18446744073709551615": hash, "/addresses/" + mine + "/transactions?from=9&to=2": `[]`,
		"/assets/x": "404", "/epochs/latest/parameters": `"coins_per_utxo_size":"4310"`, "/": "Invalid path", "/blocks/18446744073709551615/next": "404",
	} {
		if _, body := get("GET", path, "", ""); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if code, body := get("POST", "/tx/submit", "application/cbor", "x"); code != 400 || !strings.Contains(body, `"error":"Bad Request"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get("POST", "/tx/submit", "text/plain", "x"); code != 415 {
		t.Errorf("status %d", code)
	}
	if _, err := c.Pay(mine, token, 1<<62); err == nil {
		t.Error("paid more than there is")
	}
}
