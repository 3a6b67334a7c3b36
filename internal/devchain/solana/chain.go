// Package solana is a small Solana in memory, for development and tests: it speaks the
// JSON-RPC of a real node, checks and executes the signed transactions that a real one
// would, as far as payments need it, and makes blocks when told. All its keys are public.
package solana

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/solana"
)

// SlotTime is the usual time between two slots.
const SlotTime = 400 * time.Millisecond

// kept is for how many blocks what accounts held is remembered, and so how deep a fork may
// be.
const kept = 512

// Options say how to make a Chain.
type Options struct {
	Seed uint64           // decides which slots are skipped, and the hashes of blocks
	Lag  int              // how many blocks the newest final one is behind the head
	Now  func() time.Time // what blocks say they were made at; nil for a time that goes with the slots
}

// Chain is the network. Its methods may be called from many goroutines at once.
type Chain struct {
	o       Options
	genesis solana.Key

	mu      sync.Mutex
	blocks  []*block
	pending []solana.Transaction
	records map[string]*record // by the transaction's name
	slot    uint64             // of the head, and never less than of any block there was
	turn    uint64             // counts blocks and payments, for chance and for uniqueness
}

type block struct {
	slot, number uint64
	hash, parent solana.Key
	parentSlot   uint64
	time         time.Time
	txs          []*record
	accounts     state // after it; nil when it is too long ago
}

// state is what accounts there are. It does not change once a block has it.
type state map[solana.Key]solana.Account

// record is a transaction in a block.
type record struct {
	id        string
	tx        solana.Transaction
	failure   any // nil if it succeeded, else as nodes answer it
	fee       uint64
	pre, post []solana.Account // of the message's keys
	block     *block
}

// New returns a network of one block, on which the wallet is rich.
func New(o Options) *Chain {
	c := &Chain{o: o, records: map[string]*record{}}
	c.genesis = c.chance("genesis")
	c.blocks = []*block{{hash: c.genesis, time: c.now(0), accounts: genesis()}}
	return c
}

// chance is a number that follows from the seed and from how often it was asked for.
func (c *Chain) chance(of string) solana.Key {
	c.turn++
	return sha256.Sum256(fmt.Appendf(nil, "%s %d %d", of, c.o.Seed, c.turn))
}

func (c *Chain) now(slot uint64) time.Time {
	if c.o.Now != nil {
		return c.o.Now()
	}
	return time.Unix(1_700_000_000, 0).Add(time.Duration(slot) * SlotTime) //nolint:gosec // small
}

// Genesis names the network: the hash of its first block.
func (c *Chain) Genesis() string { return c.genesis.String() }

// Run makes a block every so often until the context ends.
func (c *Chain) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			c.Mine()
		}
	}
}

// Mine makes a block of what was sent. One slot in five before it is skipped.
func (c *Chain) Mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
}

func (c *Chain) mine() {
	last, chance := c.head(), c.chance("block")
	c.slot++
	for skip := chance[0]; skip < 51; skip = chance[1+c.slot%31] {
		c.slot++
	}
	b := &block{
		slot: c.slot, number: last.number + 1, hash: chance, parent: last.hash, parentSlot: last.slot, time: c.now(c.slot), accounts: last.accounts,
	}
	for _, t := range c.pending {
		if r, after, ok := c.execute(b.accounts, t); ok {
			r.block, c.records[r.id] = b, r
			b.txs, b.accounts = append(b.txs, r), after
		}
	}
	c.pending, c.blocks = nil, append(c.blocks, b)
	if n := len(c.blocks); n > kept {
		c.blocks[n-kept-1].accounts = nil
	}
}

func (c *Chain) head() *block { return c.blocks[len(c.blocks)-1] }

// final is the newest final block.
func (c *Chain) final() int { return max(0, len(c.blocks)-1-c.o.Lag) }

// Rewind takes back the newest blocks, final or not. Their transactions are lost, and may be
// sent again for as long as their blockhash is recent; slots are not used again.
func (c *Chain) Rewind(depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.blocks) - depth
	for _, b := range c.blocks[n:] {
		for _, r := range b.txs {
			delete(c.records, r.id)
		}
	}
	c.blocks, c.pending = c.blocks[:n], nil
}

// Fork replaces the newest blocks by one more, the first of which holds the payments.
func (c *Chain) Fork(depth int, ps ...Payment) error {
	c.Rewind(depth)
	for _, p := range ps {
		if _, err := c.Pay(p); err != nil {
			return err
		}
	}
	for range depth + 1 {
		c.Mine()
	}
	return nil
}

// Fund gives lamports to an account out of nothing, at once and without a trace.
func (c *Chain) Fund(to solana.Key, lamports uint64) {
	c.Change(to, func(a *solana.Account) { a.Lamports += lamports })
}

// Change does to an account what no transaction could, at once and without a trace.
func (c *Chain) Change(k solana.Key, f func(*solana.Account)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.head()
	b.accounts = maps.Clone(b.accounts)
	a, ok := b.accounts[k]
	if !ok {
		a.Owner = solana.System.String()
	}
	a.Data = slices.Clone(a.Data)
	f(&a)
	b.accounts[k] = a
}

// program is the one that a mint is of.
func (c *Chain) program(mint solana.Key) solana.Key {
	k, _ := solana.ParseKey(c.head().accounts[mint].Owner)
	return k
}

// Balance is what an address holds of a token, "" for SOL, at the head.
func (c *Chain) Balance(address, token string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	owner, _ := solana.ParseKey(address)
	if token == "" {
		return c.head().accounts[owner].Lamports
	}
	mint, _ := solana.ParseKey(token)
	h, _ := solana.ParseHolding(c.head().accounts[solana.TokenAccount(owner, c.program(mint), mint)])
	return h.Units
}

var (
	errBlockhash = errors.New("Blockhash not found")                         //nolint:staticcheck // as nodes say it
	errKnown     = errors.New("This transaction has already been processed") //nolint:staticcheck // the same
	errSignature = errors.New("Transaction signature verification failure")  //nolint:staticcheck // the same
)

// submit takes a signed transaction for the next block.
func (c *Chain) submit(t solana.Transaction) error {
	if !t.Verify() {
		return errSignature
	}
	if !c.recent(t.Message.Blockhash) {
		return errBlockhash
	}
	if c.records[t.ID()] != nil {
		return errKnown
	}
	if !slices.ContainsFunc(c.pending, func(p solana.Transaction) bool { return p.ID() == t.ID() }) {
		c.pending = append(c.pending, t)
	}
	return nil
}

// recent reports whether a transaction that names a block may land in the next one.
func (c *Chain) recent(hash solana.Key) bool {
	recent := c.blocks[max(0, len(c.blocks)-solana.Life):]
	return slices.ContainsFunc(recent, func(b *block) bool { return b.hash == hash })
}

func number(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// Head is the hash of the newest block, for a transaction to name.
func (c *Chain) Head() solana.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head().hash
}
