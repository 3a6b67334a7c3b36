package cardano_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/chaintest"
)

const mostUnits = "18446744073709551615" // of an asset in an output

// send puts outputs into the next block as nobody's rules would have it.
func (s *sim) send(t testing.TB, outputs ...cardano.Output) {
	t.Helper()
	for _, o := range outputs {
		if _, err := s.Fund(o.Address, o.Value); err != nil {
			t.Fatal(err)
		}
	}
	s.Mine()
}

// editLists changes the outputs of an address as nodes tell them.
func editLists(change func(o map[string]any)) faults {
	return faults{edit: "^/api/v0/addresses/.*/utxos", change: func(_, body string) string {
		var list []map[string]any
		_ = json.Unmarshal([]byte(body), &list)
		for _, o := range list {
			change(o)
		}
		out, _ := json.Marshal(list)
		return string(out)
	}}
}

// The ledger counts an asset of an output in 64 bits, whoever issues it: as a deposit, as
// one of several in a transaction, and when more than 64 bits are swept at once.
func TestAsMuchAsThereCanBe(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	d := newDriver(newClock(), newProxy(t, s))
	from := head(t, d)
	s.send(t, output(ourA, token, 1<<64-1), output(ourA, fake, 1<<64-1), output(ourA, token, 1<<64-1))
	f := found(t, d, from)
	if len(f.Deposits) != 3 || f.Deposits[0].Units.String() != mostUnits || f.Deposits[1].Units.String() != "1200000" || f.Deposits[2].Units.String() != mostUnits {
		t.Errorf("deposits %v", lines(f.Deposits))
	}
	all := must(d.Unspent(t.Context(), ourA, whatever))
	if len(all) != 3 || all[0].Value.Assets[token] != 1<<64-1 || all[1].Value.Assets[fake] != 1<<64-1 {
		t.Fatalf("unspent %+v", all)
	}
	from = head(t, d)
	var draft cardano.Draft
	for _, u := range all {
		draft.Inputs, draft.Outputs = append(draft.Inputs, u.Ref), append(draft.Outputs, cardano.Output{Address: merchant, Value: u.Value})
	}
	s.include(t, draft, 0)
	s.Mine()
	want := []line{{ourA, token, "36893488147419103230", 1<<32 + 1}, {ourA, "", "1200000", 1<<32 + 1<<16}}
	if got := sweeps(found(t, d, from).Sweeps); !slices.Equal(got, want) {
		t.Errorf("sweeps %v, want %v", got, want)
	}
}

// What cannot be read of things that are no concern of ours is left alone; when it is a
// token of ours, or ADA, the node is at fault and another one is asked.
func TestUnreadableOutput(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.send(t, output(ourA, "", 5), output(ourA, fake, 6), output(ourA, token, 7))
	for name, c := range map[string]struct {
		unit, quantity string
		alone          int // that one node gives, -1 for an error
	}{
		"of others": {fake, mostUnits + "0", 2}, "of ours": {token, mostUnits + "0", -1}, "none of ours": {token, "0", -1}, "ADA": {"lovelace", "-1", -1},
	} {
		bad, good := newProxy(t, s), newProxy(t, s)
		bad.set(editLists(func(o map[string]any) {
			for _, a := range o["amount"].([]any) {
				if a := a.(map[string]any); a["unit"] == c.unit {
					a["quantity"] = c.quantity
				}
			}
		}))
		all, err := newDriver(newClock(), bad).Unspent(t.Context(), ourA, whatever)
		if (err != nil) != (c.alone < 0) || err == nil && len(all) != c.alone {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
		want := 3
		if c.alone >= 0 {
			want = c.alone
		}
		if all, err := newDriver(newClock(), bad, good).Unspent(t.Context(), ourA, whatever); err != nil || len(all) != want {
			t.Errorf("%s, of two nodes: %+v, %v", name, all, err)
		}
	}
}

// However much of no use lies at an address, before or after what is, that is found; of a
// list without end no more is read than what it costs somebody to make.
func TestUnspentAmongJunk(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	p := newProxy(t, s)
	d := newDriver(newClock(), p)
	junk := slices.Repeat([]cardano.Output{output(ourA, fake, 1)}, 620)
	plain := func(u cardano.Unspent) bool { return len(u.Value.Assets) == 0 }
	s.send(t, output(ourA, "", 4))
	s.send(t, junk...)
	s.send(t, output(ourA, "", 5))
	all := must(d.Unspent(t.Context(), ourA, plain))
	if len(all) != 2 || all[0].Value.Lovelace != 5 || all[1].Value.Lovelace != 4 {
		t.Errorf("of use is %+v", all)
	}
	if all := must(d.Unspent(t.Context(), ourA, whatever)); len(all) != 500 || all[0].Value.Lovelace != 5 {
		t.Errorf("%d outputs, the first %+v", len(all), all[0])
	}
	page := s.get("/addresses/" + ourA + "/utxos")
	p.set(faults{edit: "/utxos", change: func(string, string) string { return page }})
	before := p.asked("/utxos")
	all = must(d.Unspent(t.Context(), ourA, whatever)) // the same page again and again
	if n := p.asked("/utxos") - before; len(all) != 100 || n != 100 {
		t.Errorf("%d outputs of %d pages", len(all), n)
	}
}

// A node keeps an output's assets in a form of its own, which has no room for as many short
// names as its bytes would.
func TestValueFits(t *testing.T) {
	t.Parallel()
	many := func(policies, names int) cardano.Value {
		v := cardano.Value{Lovelace: 1_000_000, Assets: map[string]uint64{}}
		for p := range policies {
			for n := range names {
				v.Assets[fmt.Sprintf("%056x%02x", p, n)] = 1
			}
		}
		return v
	}
	for name, c := range map[string]struct {
		v    cardano.Value
		most int
		fits bool
	}{
		"ADA":              {cardano.Value{Lovelace: 1}, 5000, true},
		"ADA, no room":     {cardano.Value{Lovelace: 1 << 40}, 8, false},
		"as many as go":    {many(6, 247), 5000, true}, // 1482
		"one of each more": {many(6, 248), 5000, false},
		"one policy less":  {many(5, 256), 5000, true},
		"too many bytes":   {many(130, 1), 4400, false},
	} {
		if fits, err := c.v.Fits(c.most); err != nil || fits != c.fits {
			t.Errorf("%s: %v, %v", name, fits, err)
		}
	}
	if fits, err := (cardano.Value{Assets: map[string]uint64{"ab": 1}}).Fits(5000); err == nil {
		t.Errorf("without a policy: %v", fits)
	}
}

// The watcher goes on past a block full of what nobody can use.
func TestJunkInBlocks(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	d := newDriver(newClock(), newProxy(t, s))
	from := head(t, d)
	o := output(ourA, fake, 1)
	for n := range 1400 {
		o.Value.Assets[fake[:56]+fmt.Sprintf("%04x", n)] = 1<<64 - 1
	}
	o.Value.Assets[strings.Repeat("00", 28)] = 1<<64 - 1
	s.send(t, o)
	s.mine(t, chaintest.Transfer{Address: ourB, Units: 9})
	if f := found(t, d, from); len(f.Deposits) != 2 || f.Deposits[0].Units.String() != "1200000" || f.Deposits[1].Units.String() != "9" {
		t.Errorf("deposits %v", lines(f.Deposits))
	}
}
