package chain_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/fake"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Whatever the forks, the errors of the node and the crashes between one step of
// the book and the next: what is final stays final, and once the chain settles
// the final deposits are those on the chain, each once, to the unit.
func FuzzWatcher(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		confirmations := 1 + r.IntN(7)
		s := &story{r: r, chain: fake.New("ethereum"), book: &chaintest.Book{Addresses: addresses}, final: map[chaintest.Name]pay.Deposit{}}
		mine(s.chain, confirmations)
		w := chaintest.NewWatcher(s.chain, s.book, uint64(confirmations))
		w.Batch, w.Probes = 1+r.Uint64N(5), 1+r.IntN(len(addresses))
		finality := []pay.Finality{pay.Deep, pay.Finalized}[r.IntN(2)]
		s.chain.Rule = func(head uint64) uint64 { // by fits and starts, and never what a fork replaces
			return head - min(head, uint64(confirmations-1)+s.r.Uint64N(4))
		}
		w.Finality = finality
		chaintest.Settle(t, w)
		s.faults(0.1 * r.Float64())
		for range 150 {
			switch n := r.IntN(10); {
			case n == 0 && confirmations > 1:
				s.fork(1 + r.IntN(confirmations-1))
			case n < 5:
				s.chain.Mine(s.content())
			default:
				s.chain.Mine(fake.Content{})
			}
			if r.IntN(15) == 0 { // a restart: nothing but the book is kept
				w = chaintest.NewWatcher(s.chain, s.book, uint64(confirmations))
				w.Finality = finality
				w.Batch, w.Probes = 1+r.Uint64N(5), 1+r.IntN(len(addresses))
			}
			for range r.IntN(4) {
				_, err := w.Step(t.Context())
				if err != nil && !errors.Is(err, errFault) {
					t.Fatal(err)
				}
				s.check(t)
			}
		}
		s.chain.Break(fake.Faults{})
		s.book.Fail = nil
		for range len(addresses) + 2*confirmations { // every address is probed, and what that finds grows deep
			chaintest.Settle(t, w)
			s.chain.Mine(fake.Content{})
		}
		chaintest.Settle(t, w)
		s.check(t)
		s.settled(t)
	})
}

var (
	addresses = []string{"a", "b", "c"} // c gets no native coin but what is hidden, and is never swept of it
	errFault  = errors.New("fault")
)

type story struct {
	r     *rand.Rand
	chain *fake.Chain
	book  *chaintest.Book
	n     int
	lost  []pay.Deposit // what forks dropped, and may come again
	final map[chaintest.Name]pay.Deposit
}

func (s *story) faults(rate float64) {
	fault := func() error {
		if s.r.Float64() < rate {
			return errFault
		}
		return nil
	}
	s.chain.Break(fake.Faults{Fail: func(string) error { return fault() }, Lag: s.r.Uint64N(3)})
	s.book.Fail = func(string, bool) error { return fault() }
}

func (s *story) content() (in fake.Content) {
	for range 1 + s.r.IntN(3) {
		s.n++
		units, _ := money.ParseUnits(fmt.Sprint(1 + s.r.IntN(1000)))
		to := append(slices.Clone(addresses), "stranger")[s.r.IntN(4)]
		switch n := s.r.IntN(8); {
		case n == 0:
			in.Hidden = map[string]money.Units{"c": units}
		case n == 1:
			in.Sweeps = append(in.Sweeps, pay.Sweep{TxHash: fmt.Sprint("sweep", s.n), Address: to, Token: "t", Units: units, To: "merchant"})
		case n == 2 && len(s.lost) > 0: // a transaction that a fork dropped is mined again
			i := s.r.IntN(len(s.lost))
			in.Deposits = append(in.Deposits, s.lost[i])
			s.lost = slices.Delete(s.lost, i, i+1)
		default:
			d := pay.Deposit{TxHash: fmt.Sprint("tx", s.n), Index: s.r.IntN(3), Address: to, Units: units, Token: "t"}
			if to != "c" && s.r.IntN(2) == 0 {
				d.Token, d.Index = "", pay.IndexValue
			}
			in.Deposits = append(in.Deposits, d)
		}
	}
	return in
}

func (s *story) fork(depth int) {
	in := fake.Content{}
	if s.r.IntN(2) == 0 {
		in = s.content()
	}
	for _, c := range s.chain.Fork(depth, in) {
		s.lost = append(s.lost, c.Deposits...)
	}
}

// check holds the book to its promise: nothing final is ever removed or changed.
func (s *story) check(t *testing.T) {
	t.Helper()
	now := map[chaintest.Name]pay.Deposit{}
	for _, d := range s.book.Final() {
		now[chaintest.Name{TxHash: d.TxHash, Index: d.Index}] = d
	}
	for n, d := range s.final {
		if got, ok := now[n]; !ok || got != d {
			t.Fatalf("final deposit %v became %v", d, got)
		}
	}
	s.final = now
}

func (s *story) settled(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	_, final, _ := s.book.Position(ctx)
	on, hidden := s.chain.Contents(final.Height), money.Units{}
	want := map[chaintest.Name]pay.Deposit{}
	for _, d := range on.Deposits {
		if slices.Contains(addresses, d.Address) {
			want[chaintest.Name{TxHash: d.TxHash, Index: d.Index}] = d
		}
	}
	got := maps.Clone(s.final)
	for n, d := range got {
		if d.Index == pay.IndexSurplus {
			hidden = hidden.Add(d.Units)
			delete(got, n)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("final %v, the chain has %v", got, want)
	}
	if hidden.Cmp(on.Hidden["c"]) != 0 {
		t.Errorf("final surplus %s, hidden on the chain %s", hidden, on.Hidden["c"])
	}
	sweeps := 0
	for _, w := range on.Sweeps {
		if slices.Contains(addresses, w.Address) {
			sweeps++
		}
	}
	if n := len(s.book.FinalSweeps()); n != sweeps {
		t.Errorf("%d final sweeps, the chain has %d", n, sweeps)
	}
}
