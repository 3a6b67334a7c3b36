// Package chaintest is the suite that every chain driver passes, and a Book in
// memory to pass it with.
package chaintest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Transfer is a payment for a harness to make.
type Transfer struct {
	Address string
	Token   string // "" for the native coin
	Units   int64
	Hidden  bool // native coin that a contract passes on; asked of a chain.Prober only
	Sweep   bool // away from the address instead: all the token it holds
}

// Harness is one network with one driver on it.
type Harness struct {
	Driver    chain.Driver
	Addresses []string          // ours, at least two; the network's other addresses are not
	Stranger  string            // an address that is not ours
	Accounts  map[string]string // that belong to our addresses, see Book
	Token     string            // a token that is watched
	Fake      string            // a token that is not, "" if the network has no such thing
	// Sparse says that heights may have gaps, and that all that is seen is final.
	Sparse bool
	// Each is how many blocks Mine adds, 0 for one: on some networks what is in a block
	// shows as of a later one.
	Each uint64
	// Mine adds a block with the transfers, each in its own transaction.
	Mine func(t testing.TB, ts ...Transfer)
	// Together adds a block with one transaction that makes all the transfers; nil if the
	// network has no such thing.
	Together func(t testing.TB, ts ...Transfer)
	// Fork replaces what the newest depth calls of Mine added by depth+1 such that hold none
	// of their transfers, but the first holds the given ones.
	Fork func(t testing.TB, depth int, ts ...Transfer)
}

// Run holds a driver to the contract of chain.Driver. Each test has a harness of
// its own.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"blocks": blocks, "scan": scan, "together": together, "limit": limit, "fork": fork, "surplus": surplus,
		"cancel": cancelled, "error": ownersError, "watch": watch, "deep": deep,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func (h Harness) book() *Book { return &Book{Addresses: h.Addresses, Accounts: h.Accounts} }

func (h Harness) each() uint64 { return max(h.Each, 1) }

func head(t testing.TB, h Harness) pay.Block {
	t.Helper()
	b, err := h.Driver.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read scans from a block up to the head, in as many scans as it takes.
func read(t testing.TB, h Harness, after pay.Block, ours chain.Ours) (all chain.Found) {
	t.Helper()
	for to := head(t, h); !after.Is(to); {
		f, err := h.Driver.Scan(t.Context(), after, to.Height, ours)
		if err != nil {
			t.Fatal(err)
		}
		if n := after.Height + uint64(f.Blocks); f.Blocks < 1 || n > f.Last.Height || n < f.Last.Height && !h.Sparse || f.Last.Height > to.Height {
			t.Fatalf("read %d blocks after %d up to %d", f.Blocks, after.Height, f.Last.Height)
		}
		after = f.Last
		all.Deposits, all.Sweeps = append(all.Deposits, f.Deposits...), append(all.Sweeps, f.Sweeps...)
		all.Blocks, all.Last = all.Blocks+f.Blocks, f.Last
	}
	return all
}

func blocks(t *testing.T, h Harness) {
	h.Mine(t)
	h.Mine(t)
	top := head(t, h)
	b, err := h.Driver.Block(t.Context(), top.Height)
	if err != nil || !b.Is(top) || b.Time.IsZero() || b.Hash == "" {
		t.Errorf("block %v at the head %v: %v", b, top, err)
	}
	if b, err := h.Driver.Block(t.Context(), top.Height-1); err != nil || b.Height >= top.Height || b.Height != top.Height-1 && !h.Sparse || b.Hash == top.Hash {
		t.Errorf("block below the head: %v, %v", b, err)
	}
	if b, err := h.Driver.Block(t.Context(), top.Height+1); err == nil {
		t.Errorf("block above the head: %v", b)
	}
}

func scan(t *testing.T, h Harness) {
	a, b := h.Addresses[0], h.Addresses[1]
	from := head(t, h)
	h.Mine(t, Transfer{Address: a, Units: 5}, Transfer{Address: h.Stranger, Units: 6}, Transfer{Address: a, Token: h.Token, Units: 7})
	h.Mine(t)
	h.Mine(t, Transfer{Address: b, Token: h.Token, Units: 8}, Transfer{Address: h.Stranger, Token: h.Token, Units: 9})
	if h.Fake != "" {
		h.Mine(t, Transfer{Address: a, Token: h.Fake, Units: 10})
	}
	h.Mine(t, Transfer{Address: b, Token: h.Token, Sweep: true})
	book := h.book()
	f := read(t, h, from, book.Ours)
	type line struct {
		block   uint64 // counted among those with deposits
		address string
		token   string
		units   string
	}
	var got []line
	names, heights := map[Name]bool{}, map[uint64]uint64{}
	for _, d := range f.Deposits {
		if blk, err := h.Driver.Block(t.Context(), d.Block.Height); err != nil || !blk.Is(d.Block) {
			t.Errorf("deposit in block %v, the chain has %v: %v", d.Block, blk, err)
		}
		nth, ok := heights[d.Block.Height]
		if !ok {
			nth = uint64(len(heights)) + 1
			heights[d.Block.Height] = nth
		}
		got = append(got, line{nth, d.Address, d.Token, d.Units.String()})
		names[Name{d.TxHash, d.Index}] = true
	}
	want := []line{{1, a, "", "5"}, {1, a, h.Token, "7"}, {2, b, h.Token, "8"}}
	if !slices.Equal(got, want) || len(names) != len(want) {
		t.Errorf("found %v, want %v (%d names)", got, want, len(names))
	}
	if len(f.Sweeps) != 1 || f.Sweeps[0].Address != b || f.Sweeps[0].Token != h.Token || f.Sweeps[0].Units.String() != "8" || f.Sweeps[0].To == "" {
		t.Errorf("sweeps %v", f.Sweeps)
	}
}

func limit(t *testing.T, h Harness) {
	from := head(t, h)
	for range 4 {
		h.Mine(t, Transfer{Address: h.Addresses[0], Units: 1}, Transfer{Address: h.Addresses[1], Units: 1})
	}
	book := h.book()
	to := from.Height + 2*h.each()
	if h.Sparse {
		to = head(t, h).Height
	}
	f, err := h.Driver.Scan(t.Context(), from, to, book.Ours)
	if err != nil || f.Last.Height > to || uint64(len(f.Deposits))*h.each() != 2*uint64(f.Blocks) {
		t.Errorf("some blocks: %+v, %v", f, err)
	}
	if n := book.Asked(); n != 1 {
		t.Errorf("asked %d times which addresses are ours", n)
	}
	if f, err := h.Driver.Scan(t.Context(), head(t, h), from.Height+100, book.Ours); err == nil {
		t.Errorf("scan above the head: %+v", f)
	}
}

func fork(t *testing.T, h Harness) {
	from := head(t, h)
	book := h.book()
	h.Mine(t, Transfer{Address: h.Addresses[0], Units: 1})
	h.Mine(t)
	old := read(t, h, from, book.Ours)
	h.Fork(t, 2, Transfer{Address: h.Addresses[1], Units: 2})
	if f, err := h.Driver.Scan(t.Context(), old.Last, old.Last.Height+1, book.Ours); !errors.Is(err, chain.ErrFork) {
		t.Errorf("scan after a block that is gone: %+v, %v", f, err)
	}
	f := read(t, h, from, book.Ours)
	if len(f.Deposits) != 1 || f.Deposits[0].Address != h.Addresses[1] {
		t.Errorf("after the fork: %+v", f.Deposits)
	}
}

// together is a payment to two of our addresses, and a stranger, in one transaction.
func together(t *testing.T, h Harness) {
	if h.Together == nil {
		t.Skip("a transaction of this network makes one transfer")
	}
	from := head(t, h)
	h.Together(t,
		Transfer{Address: h.Addresses[0], Units: 21}, Transfer{Address: h.Stranger, Units: 22}, Transfer{Address: h.Addresses[1], Units: 23},
		Transfer{Address: h.Addresses[0], Token: h.Token, Units: 24}, Transfer{Address: h.Addresses[1], Token: h.Token, Units: 25})
	f := read(t, h, from, h.book().Ours)
	var got []string
	names := map[Name]bool{}
	for _, d := range f.Deposits {
		got = append(got, d.Units.String())
		names[Name{d.TxHash, d.Index}] = true
	}
	slices.Sort(got)
	if want := []string{"21", "23", "24", "25"}; !slices.Equal(got, want) || len(names) != len(want) {
		t.Errorf("found %v, want %v (%d names)", got, want, len(names))
	}
}

func surplus(t *testing.T, h Harness) {
	prober, ok := h.Driver.(chain.Prober)
	if !ok {
		t.Skip("this network shows every transfer")
	}
	a := h.Addresses[0]
	h.Mine(t, Transfer{Address: a, Units: 5}, Transfer{Address: a, Units: 3, Hidden: true})
	at := head(t, h)
	h.Mine(t, Transfer{Address: a, Units: 100}) // above the block that is asked about
	units := func(s string) money.Units { u, _ := money.ParseUnits(s); return u }
	ask := func(expected string) []pay.Deposit {
		ds, err := prober.Surplus(t.Context(), at, []pay.Probe{{Address: h.Addresses[1]}, {Address: a, Expected: units(expected)}})
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	ds := ask("5")
	if len(ds) != 1 || ds[0].Address != a || ds[0].Units.String() != "3" || ds[0].Token != "" || ds[0].Index != pay.IndexSurplus || !ds[0].Block.Is(at) {
		t.Fatalf("surplus %+v", ds)
	}
	if again := ask("5"); again[0].TxHash != ds[0].TxHash {
		t.Errorf("named %s, then %s", ds[0].TxHash, again[0].TxHash)
	}
	if ds := ask("8"); len(ds) != 0 {
		t.Errorf("surplus though all is expected: %+v", ds)
	}
	if ds := ask("9"); len(ds) != 0 {
		t.Errorf("surplus though less is there than expected: %+v", ds)
	}
}

func cancelled(t *testing.T, h Harness) {
	from := head(t, h)
	h.Mine(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err1 := h.Driver.Head(ctx)
	_, err2 := h.Driver.Block(ctx, 0)
	_, err3 := h.Driver.Scan(ctx, from, from.Height+1, (&Book{}).Ours)
	if err1 == nil || err2 == nil || err3 == nil {
		t.Errorf("cancelled: %v, %v, %v", err1, err2, err3)
	}
	if _, err := h.Driver.Head(t.Context()); err != nil {
		t.Errorf("after a cancelled call: %v", err)
	}
}

func ownersError(t *testing.T, h Harness) {
	from := head(t, h)
	h.Mine(t, Transfer{Address: h.Addresses[0], Units: 1})
	want := errors.New("no answer")
	_, err := h.Driver.Scan(t.Context(), from, from.Height+1, func(context.Context, []string) (map[string]string, error) { return nil, want })
	if !errors.Is(err, want) {
		t.Errorf("scan: %v, want %v", err, want)
	}
}

// watch is a whole story: a watcher meets deposits of every kind and two forks.
func watch(t *testing.T, h Harness) {
	if h.Sparse {
		t.Skip("what this network shows does not fork")
	}
	a, b := h.Addresses[0], h.Addresses[1]
	book := h.book()
	w := NewWatcher(h.Driver, book, 3*h.each())
	hidden := func(t Transfer) []Transfer {
		if _, ok := h.Driver.(chain.Prober); ok {
			t.Hidden = true
		}
		return []Transfer{t}
	}
	Settle(t, w)
	h.Mine(t, Transfer{Address: a, Units: 11}, Transfer{Address: a, Token: h.Token, Units: 12})
	Settle(t, w)
	h.Mine(t, Transfer{Address: b, Units: 13})
	tear(t, w, book)
	h.Fork(t, 1, Transfer{Address: b, Units: 14})
	Settle(t, w)
	h.Mine(t, hidden(Transfer{Address: b, Units: 15})...)
	Settle(t, w)
	h.Fork(t, 2, append(hidden(Transfer{Address: a, Units: 16}), Transfer{Address: b, Token: h.Token, Units: 17})...)
	Settle(t, w)
	for range 4 {
		h.Mine(t)
		Settle(t, w)
	}
	final(t, book, "11", "12", "14", "16", "17")
}

// tear has the watcher die between the findings and the position.
func tear(t *testing.T, w *chain.Watcher, book *Book) {
	t.Helper()
	died := errors.New("died")
	book.Fail = func(call string, _ bool) error {
		if call == "Move" {
			return died
		}
		return nil
	}
	for more := true; more; {
		var err error
		if more, err = w.Step(t.Context()); err != nil && !errors.Is(err, died) {
			t.Fatal(err)
		}
	}
	if book.Fail = nil; len(book.Seen()) == 0 {
		t.Error("it died before it had found anything")
	}
}

func final(t *testing.T, book *Book, want ...string) {
	t.Helper()
	var got []string
	for _, d := range book.Final() {
		got = append(got, d.Units.String())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || len(book.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, want, book.Seen())
	}
}

// deep is a network that takes back what was final: nothing is credited any more, and
// nothing lost of what was.
func deep(t *testing.T, h Harness) {
	book := h.book()
	w := NewWatcher(h.Driver, book, 1)
	Settle(t, w)
	h.Mine(t, Transfer{Address: h.Addresses[0], Units: 31})
	h.Mine(t, Transfer{Address: h.Addresses[1], Token: h.Token, Units: 32})
	Settle(t, w)
	_, before, _ := book.Position(t.Context())
	h.Fork(t, 2, Transfer{Address: h.Addresses[0], Units: 33})
	for range 3 {
		if _, err := w.Step(t.Context()); !errors.Is(err, chain.ErrDeepFork) {
			t.Errorf("step: %v, want %v", err, chain.ErrDeepFork)
		}
	}
	if _, after, _ := book.Position(t.Context()); !after.Is(before) {
		t.Errorf("final moved from %v to %v", before, after)
	}
	final(t, book, "31", "32")
}

// NewWatcher returns a watcher that scans and probes much at once and logs nothing.
func NewWatcher(d chain.Driver, b chain.Book, confirmations uint64) *chain.Watcher {
	return &chain.Watcher{
		Driver: d, Book: b, Confirmations: confirmations, Batch: 100, Probes: 256,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	}
}

// Settle takes steps until there is no more to do. No step may fail.
func Settle(t testing.TB, w *chain.Watcher) {
	t.Helper()
	for range 10_000 {
		more, err := w.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
	t.Fatal("the watcher does not come to rest")
}
