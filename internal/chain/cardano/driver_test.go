package cardano_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/pay"
)

// found scans what is after a block up to the head.
func found(t testing.TB, d *cardano.Driver, after pay.Block) (all chain.Found) {
	t.Helper()
	head, err := d.Head(t.Context())
	for err == nil && !after.Is(head) {
		var f chain.Found
		f, err = d.Scan(t.Context(), after, head.Height, (&chaintest.Book{Addresses: ours()}).Ours)
		after, all.Blocks = f.Last, all.Blocks+f.Blocks
		all.Deposits, all.Sweeps = append(all.Deposits, f.Deposits...), append(all.Sweeps, f.Sweeps...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

type line struct {
	address, token, units string
	index                 int
}

func lines(ds []pay.Deposit) (ls []line) {
	for _, d := range ds {
		ls = append(ls, line{d.Address, d.Token, d.Units.String(), d.Index})
	}
	return ls
}

func sweeps(ss []pay.Sweep) (ls []line) {
	for _, s := range ss {
		ls = append(ls, line{s.Address, s.Token, s.Units.String(), s.Index})
	}
	return ls
}

func head(t testing.TB, d *cardano.Driver) pay.Block {
	t.Helper()
	return must(d.Head(t.Context()))
}

// The ADA beside a token that is taken is not paid; that beside any other is.
func TestDepositsOfOneTransaction(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	d := newDriver(newClock(), newProxy(t, s))
	from := head(t, d)
	hash := must(s.PayAll(
		cardano.Output{Address: stranger, Value: cardano.Value{Lovelace: 1}},
		cardano.Output{Address: ourA, Value: cardano.Value{Lovelace: 2, Assets: map[string]uint64{fake: 3, token: 4}}},
		cardano.Output{Address: ourA, Value: cardano.Value{Lovelace: 5, Assets: map[string]uint64{fake: 6}}},
		cardano.Output{Address: ourA, Value: cardano.Value{Lovelace: 7}},
		cardano.Output{Address: ourA, Value: cardano.Value{Lovelace: 7}},
	))
	s.Mine()
	f := found(t, d, from)
	rank := 1 // the dollar's policy is before the other's
	want := []line{{ourA, token, "4", 1<<16 + rank}, {ourA, "", "5", 2 << 16}, {ourA, "", "7", 3 << 16}, {ourA, "", "7", 4 << 16}}
	if got := lines(f.Deposits); !slices.Equal(got, want) || f.Deposits[0].TxHash != hash {
		t.Errorf("found %v, want %v", got, want)
	}
	for _, d := range f.Deposits {
		if d.From != "" || d.Network != "cardano" || d.Block.Time.IsZero() {
			t.Errorf("deposit %+v", d)
		}
	}
}

func TestFailedScript(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	d := newDriver(newClock(), newProxy(t, s))
	from := head(t, d)
	hash := s.fails(t, 13, 11)
	s.Mine()
	f := found(t, d, from)
	if want := []line{{ourB, "", "11", 1 << 16}}; !slices.Equal(lines(f.Deposits), want) || f.Deposits[0].TxHash != hash {
		t.Errorf("found %v, want %v", lines(f.Deposits), want)
	}
	// What came back can be spent like any other, by the number after the others.
	var r cardano.Ref
	copy(r.Hash[:], unhex(t, hash))
	r.Index = 1
	s.include(t, cardano.Draft{Inputs: []cardano.Ref{r}, Outputs: []cardano.Output{output(merchant, "", 11)}}, 1)
	from = head(t, d)
	s.Mine()
	if f := found(t, d, from); !slices.Equal(sweeps(f.Sweeps), []line{{ourB, "", "11", 1 << 32}}) {
		t.Errorf("sweeps %v", f.Sweeps)
	}
}

// Nodes may show transactions in the forms of the era after Conway. What failed there has
// paid nobody either.
func TestFailedScriptOfTheNextEra(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	p := newProxy(t, s)
	d := newDriver(newClock(), p)
	from := head(t, d)
	s.fails(t, 13, 11)
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 5})
	flag, place := regexp.MustCompile(`f([45])f6"`), regexp.MustCompile(`"valid_contract":(true|false)`)
	alone := regexp.MustCompile(`"cbor":"84([0-9a-f]*)f[45]f6"`)
	for name, f := range map[string]faults{
		"after":  {edit: "/cbor$", change: func(_, body string) string { return flag.ReplaceAllString(body, `f6f$1"`) }},
		"unsaid": {edit: "/cbor$", change: func(_, body string) string { return alone.ReplaceAllString(body, `"cbor":"83${1}f6"`) }},
	} {
		p.set(f)
		if got, want := lines(found(t, d, from).Deposits), []line{{ourB, "", "11", 1 << 16}, {ourA, "", "5", 0}}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if n := p.asked("/txs/[0-9a-f]{64}$"); n != 1 {
		t.Errorf("asked %d times whether a transaction is valid", n)
	}
	p.set(faults{edit: "/txs/", change: func(_, body string) string {
		return place.ReplaceAllString(alone.ReplaceAllString(body, `"cbor":"83${1}f6"`), `"x":1`)
	}})
	if _, err := d.Scan(t.Context(), from, from.Height+9, (&chaintest.Book{Addresses: ours()}).Ours); err == nil || !strings.Contains(err.Error(), "does not say whether the script") {
		t.Errorf("believed a node that does not say: %v", err)
	}
}

// What a transaction takes from an address of ours and gives back has not moved; of what it
// takes from several, each is a sweep of its own.
func TestSweeps(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	d := newDriver(newClock(), newProxy(t, s))
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 100}, chaintest.Transfer{Address: ourA, Units: 20}, chaintest.Transfer{Address: ourB, Units: 3})
	s.together(t, chaintest.Transfer{Address: ourA, Token: token, Units: 50}, chaintest.Transfer{Address: ourB, Token: token, Units: 60}, chaintest.Transfer{Address: ourB, Token: fake, Units: 5})
	var refs []cardano.Ref
	for _, a := range ours() {
		for _, u := range slices.Backward(must(d.Unspent(t.Context(), a, whatever))) {
			refs = append(refs, u.Ref)
		}
	}
	from := head(t, d)
	s.include(t, cardano.Draft{Inputs: refs, Outputs: []cardano.Output{
		output(ourA, "", 30), output(stranger, "", 9), output(merchant, token, 90), output(ourB, token, 20),
	}}, 0, 1, 77)
	s.Mine()
	f := found(t, d, from)
	// Of ourA: 120 and 50; of ourB: 3, 60, and 1.2 ADA beside what is not taken.
	want := []line{{ourA, "", "90", 1 << 32}, {ourA, token, "50", 1<<32 + 2<<16 + 1}, {ourB, "", "1200003", 1<<32 + 3<<16}, {ourB, token, "40", 1<<32 + 4<<16 + 1}}
	if got := sweeps(f.Sweeps); !slices.Equal(got, want) || len(f.Deposits) != 0 {
		t.Errorf("sweeps %v, want %v; deposits %v", got, want, lines(f.Deposits))
	}
	for i, to := range []string{stranger, merchant, stranger, merchant} {
		if f.Sweeps[i].To != to {
			t.Errorf("sweep %d went to %s", i, f.Sweeps[i].To)
		}
	}
	// More comes back than was taken: the rest is a deposit.
	refs = nil
	for _, u := range must(d.Unspent(t.Context(), ourA, whatever)) {
		refs = append(refs, u.Ref)
	}
	from = head(t, d)
	s.include(t, cardano.Draft{Inputs: refs, Outputs: []cardano.Output{output(ourA, "", 10), output(ourA, "", 25)}}, 0)
	s.Mine()
	if f := found(t, d, from); !slices.Equal(lines(f.Deposits), []line{{ourA, "", "5", 1 << 16}}) || len(f.Sweeps) != 0 {
		t.Errorf("deposits %v, sweeps %v", lines(f.Deposits), f.Sweeps)
	}
}

// A node that does not know what our address's output came from, or lies about it, is not
// asked for long.
func TestSweepIsProven(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]faults{
		"unknown":  {refuse: `/txs/[0-9a-f]+/cbor$`},
		"another":  {edit: `/txs/[0-9a-f]+/cbor$`, change: func(string, string) string { return `{"cbor":"` + plainTx + `"}` }},
		"none":     {edit: `/txs/[0-9a-f]+/cbor$`, change: func(string, string) string { return `{"cbor":"00"}` }},
		"no bytes": {edit: `/txs/[0-9a-f]+/cbor$`, change: func(string, string) string { return `null` }},
	} {
		s, c := newSim(t), newClock()
		s.mine(t, chaintest.Transfer{Address: ourA, Units: 100})
		bad := newProxy(t, s)
		d := newDriver(c, bad)
		from := head(t, d)
		s.mine(t, chaintest.Transfer{Address: ourA, Sweep: true})
		bad.set(f)
		book := &chaintest.Book{Addresses: ours()}
		if got, err := d.Scan(t.Context(), from, from.Height+1, book.Ours); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
		if got := found(t, newDriver(c, bad, newProxy(t, s), newProxy(t, s)), from); len(got.Sweeps) != 1 || got.Sweeps[0].Units.String() != "100" {
			t.Errorf("%s, and others: %+v", name, got)
		}
	}
}

// Many blocks and many transactions come in pages.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	p := newProxy(t, s)
	d := newDriver(newClock(), p)
	from := head(t, d)
	for range 230 {
		s.mine(t, chaintest.Transfer{Address: ourA, Units: 1})
	}
	s.mine(t, slices.Repeat([]chaintest.Transfer{{Address: ourB, Units: 2}}, 213)...)
	f := found(t, d, from)
	if len(f.Deposits) != 230+213 || f.Blocks != 231 || p.asked("/next") != 3 {
		t.Errorf("%d deposits in %d blocks", len(f.Deposits), f.Blocks)
	}
	if all := must(d.Unspent(t.Context(), ourB, whatever)); len(all) != 213 {
		t.Errorf("%d outputs", len(all))
	}
	if all := must(d.Unspent(t.Context(), "addr_test1vqg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygxrcya6", whatever)); len(all) != 0 {
		t.Errorf("%d outputs of an address that nobody knows", len(all))
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	lost, sound := newProxy(t, s), newProxy(t, s)
	d := newDriver(newClock(), lost, sound)
	from := head(t, d)
	hash := must(s.Pay(ourA, token, 5))
	if _, ok, err := d.Find(t.Context(), hash); ok || err != nil {
		t.Errorf("found what no block has: %v", err)
	}
	s.Mine()
	failed := s.fails(t, 1, 2)
	s.Mine()
	s.mine(t, chaintest.Transfer{Address: ourA, Sweep: true})
	for _, fault := range []faults{{}, {refuse: `/txs/`}, {status: 500}} {
		lost.set(fault)
		if p, ok, err := d.Find(t.Context(), hash); err != nil || !ok || p != (chain.Place{Mined: true, Height: from.Height + 1}) {
			t.Errorf("place %+v, %v, %v", p, ok, err)
		}
	}
	if p, ok, err := d.Find(t.Context(), failed); err != nil || !ok || p != (chain.Place{Mined: true, Height: from.Height + 2, Failed: true}) {
		t.Errorf("place %+v, %v, %v", p, ok, err)
	}
	for _, bad := range []string{"", "../genesis", strings.Repeat("0", 64), "0x" + hash, strings.ToUpper(hash)} {
		if p, ok, err := d.Find(t.Context(), bad); ok || err != nil {
			t.Errorf("%q is at %+v: %v", bad, p, err)
		}
	}
	for _, c := range []struct {
		from, to uint64
		want     []uint64
	}{{0, 100, []uint64{from.Height + 1, from.Height + 3}}, {from.Height + 2, from.Height + 3, []uint64{from.Height + 3}}, {from.Height + 2, from.Height + 2, nil}} {
		if got, err := d.Mentions(t.Context(), []string{ourA, "addr_test1nobody"}, c.from, c.to); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("mentioned in %v, %v, want %v", got, err, c.want)
		}
	}
	sound.set(faults{status: 500})
	lost.set(faults{status: 500})
	if _, ok, err := d.Find(t.Context(), hash); ok || err == nil {
		t.Errorf("found where nobody answers: %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)
