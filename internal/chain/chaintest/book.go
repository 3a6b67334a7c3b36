package chaintest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Name is what names a finding for ever.
type Name struct {
	TxHash string
	Index  int
}

// Book is a chain.Book in memory, strict about what it is told.
type Book struct {
	Addresses []string          // ours, probed in turn
	Accounts  map[string]string // that belong to addresses of ours, beside the addresses themselves
	// Fail is asked twice in each call, before and after its effect; what it returns
	// the call returns. It makes crashes. See asks once more, as "Move", when it has kept
	// the findings and not moved yet. Nil never fails.
	Fail func(call string, done bool) error

	mu             sync.Mutex
	scanned, final pay.Block
	open           map[Name]entry
	closed         map[Name]entry
	turn           int
	asked          int
}

type entry struct {
	deposit pay.Deposit
	sweep   pay.Sweep
	block   pay.Block
	doubt   bool
}

func (b *Book) do(call string, effect func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Fail != nil {
		if err := b.Fail(call, false); err != nil {
			return err
		}
	}
	if b.open == nil {
		b.open, b.closed = map[Name]entry{}, map[Name]entry{}
	}
	if err := effect(); err != nil {
		return err
	}
	if b.Fail != nil {
		return b.Fail(call, true)
	}
	return nil
}

// Position implements chain.Book.
func (b *Book) Position(context.Context) (scanned, final pay.Block, err error) {
	err = b.do("Position", func() error { scanned, final = b.scanned, b.final; return nil })
	return scanned, final, err
}

// Start implements chain.Book.
func (b *Book) Start(_ context.Context, at pay.Block) error {
	return b.do("Start", func() error {
		if b.final.Hash != "" {
			return errors.New("started twice")
		}
		b.scanned, b.final = at, at
		return nil
	})
}

// Ours implements chain.Book.
func (b *Book) Ours(_ context.Context, accounts []string) (mine map[string]string, err error) {
	err = b.do("Ours", func() error {
		b.asked++
		mine = map[string]string{}
		for _, a := range accounts {
			if owner, ok := b.Accounts[a]; ok {
				mine[a] = owner
			} else if slices.Contains(b.Addresses, a) {
				mine[a] = a
			}
		}
		return nil
	})
	return mine, err
}

// Asked returns how often Ours was asked.
func (b *Book) Asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// See implements chain.Book. It refuses findings outside the blocks that are new,
// save for surplus, which is found at the scanned block.
func (b *Book) See(_ context.Context, f chain.Found) error {
	return b.do("See", func() error {
		if !f.After.Is(b.scanned) {
			return fmt.Errorf("saw what comes after block %d %s, scanned %d %s", f.After.Height, f.After.Hash, b.scanned.Height, b.scanned.Hash)
		}
		if f.Last.Height < b.scanned.Height || f.Last.Height == b.scanned.Height && !f.Last.Is(b.scanned) {
			return fmt.Errorf("saw block %d after %d", f.Last.Height, b.scanned.Height)
		}
		for n, e := range b.open { // left by a See that died
			if e.block.Height > b.scanned.Height {
				e.doubt = true
				b.open[n] = e
			}
		}
		for _, d := range f.Deposits {
			if d.Block.Height > f.Last.Height || d.Block.Height < b.scanned.Height || d.Block.Height == b.scanned.Height && d.Index != pay.IndexSurplus {
				return fmt.Errorf("deposit %s in block %d, scanned %d to %d", d.TxHash, d.Block.Height, b.scanned.Height, f.Last.Height)
			}
			n := Name{d.TxHash, d.Index}
			if _, ok := b.closed[n]; ok {
				return fmt.Errorf("deposit %v is final and seen again", n)
			}
			b.open[n] = entry{deposit: d, block: d.Block}
		}
		for _, s := range f.Sweeps {
			b.open[Name{s.TxHash, s.Index}] = entry{sweep: s, block: s.Block}
		}
		if b.Fail != nil {
			if err := b.Fail("Move", false); err != nil {
				return err
			}
		}
		b.scanned = f.Last
		return nil
	})
}

// Probes implements chain.Book.
func (b *Book) Probes(_ context.Context, limit int) (ps []pay.Probe, err error) {
	err = b.do("Probes", func() error {
		for range min(limit, len(b.Addresses)) {
			a := b.Addresses[b.turn%len(b.Addresses)]
			b.turn++
			sum := new(big.Int)
			for _, entries := range []map[Name]entry{b.open, b.closed} {
				for _, e := range entries {
					if e.doubt {
						continue
					}
					if e.deposit.Address == a && e.deposit.Token == "" {
						sum.Add(sum, e.deposit.Units.Big())
					}
					if e.sweep.Address == a && e.sweep.Token == "" {
						sum.Sub(sum, e.sweep.Units.Big())
					}
				}
			}
			ps = append(ps, pay.Probe{Address: a, Expected: money.NewUnits(sum)})
		}
		return nil
	})
	return ps, err
}

// Rewind implements chain.Book.
func (b *Book) Rewind(context.Context) error {
	return b.do("Rewind", func() error {
		b.scanned = b.final
		for n, e := range b.open {
			e.doubt = true
			b.open[n] = e
		}
		return nil
	})
}

// Finalize implements chain.Book.
func (b *Book) Finalize(_ context.Context, at pay.Block) error {
	return b.do("Finalize", func() error {
		if at.Height <= b.final.Height || at.Height > b.scanned.Height {
			return fmt.Errorf("finalize %d, final %d, scanned %d", at.Height, b.final.Height, b.scanned.Height)
		}
		for n, e := range b.open {
			if e.block.Height > at.Height {
				continue
			}
			if !e.doubt {
				b.closed[n] = e
			}
			delete(b.open, n)
		}
		b.final = at
		return nil
	})
}

// Seen returns the deposits that are not final, in no order, without those in doubt.
func (b *Book) Seen() []pay.Deposit { return b.deposits(false) }

// Final returns the deposits that are final, in no order.
func (b *Book) Final() []pay.Deposit { return b.deposits(true) }

func (b *Book) deposits(final bool) (ds []pay.Deposit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := b.open
	if final {
		entries = b.closed
	}
	for _, e := range entries {
		if !e.doubt && e.deposit.TxHash != "" {
			ds = append(ds, e.deposit)
		}
	}
	return ds
}

// FinalSweeps returns the sweeps that are final, in no order.
func (b *Book) FinalSweeps() (ss []pay.Sweep) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.closed {
		if e.sweep.TxHash != "" {
			ss = append(ss, e.sweep)
		}
	}
	return ss
}
