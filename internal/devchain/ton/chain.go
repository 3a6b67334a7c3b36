// Package ton is a small TON network in memory, for development and tests: wallets of version 5,
// jettons, shards and a masterchain, spoken to over the HTTP API of a TON index. It executes
// what it is sent as the real network would, for flat fees, and can be made to change its past.
package ton

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// The jettons of the network. Both are called USDT, and have 6 decimals. USDT is where the real
// one is, and describes itself elsewhere; Other describes itself on the chain.
var (
	USDT  = must(ton.Parse("EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs", false)).String()
	Other = ton.Address(sha256.Sum256([]byte("another jetton"))).String()
)

const (
	coin    = 1_000_000_000
	keep    = 100 // blocks whose state is kept, to go back to
	storage = 7   // nanotons that keeping an account costs between two transactions
	shardLo = "4000000000000000"
	shardHi = "C000000000000000"
)

// Chain is the network. Its methods may be used concurrently.
type Chain struct {
	mu       sync.Mutex
	now      func() time.Time
	salt     uint64 // changes with each fork
	lt       uint64
	accounts map[ton.Address]account
	frozen   map[ton.Address]bool // owners whose jetton wallets take nothing
	tops     map[string]uint32
	rounds   []round // from seqno 1
	waiting  []message
	jettons  map[ton.Address]ton.Jetton
}

// round is a block of the masterchain and the blocks of shards that it made final.
type round struct {
	blocks   []ton.Block // its own first
	txs      []ton.Tx
	tops     map[string]uint32
	accounts map[ton.Address]account // after it, for the newest; nil for others
	lt       uint64
}

// account is a state; it is replaced, not changed.
type account struct {
	balance *big.Int
	wallet  *ton.Wallet // what its contract is, if it has one
	seqno   uint32
	jetton  *ton.Jetton
	owner   ton.Address
	units   *big.Int
}

// message is on its way.
type message struct {
	ton.Message
	from    *ton.Address // nil from outside
	bounced bool
	hash    string
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func key(words string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(words))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Payer returns the key of the rich account that plays the payor. It is public and worthless.
func Payer() ed25519.PrivateKey { return key("pepay development payer on TON") }

// Relayer returns the key of the rich account that pays fees. It is public and worthless.
func Relayer() ed25519.PrivateKey { return key("pepay development relayer on TON") }

func walletOf(k ed25519.PrivateKey) ton.Wallet {
	return ton.FeeWallet(k.Public().(ed25519.PublicKey), true)
}

// New returns a network with its first blocks. Its time is that of now, and never goes back.
func New(now func() time.Time) *Chain {
	usdt, _ := ton.Known(USDT)
	other := ton.Jetton{Master: must(ton.Parse(Other, false)), Code: cell.BeginCell().MustStoreUInt(0xc0de, 16).EndCell()}
	c := &Chain{
		now: now, accounts: map[ton.Address]account{}, frozen: map[ton.Address]bool{}, tops: map[string]uint32{shardLo: 1, shardHi: 1},
		jettons: map[ton.Address]ton.Jetton{usdt.Master: usdt, other.Master: other},
	}
	for _, k := range []ed25519.PrivateKey{Payer(), Relayer()} {
		w := walletOf(k)
		c.accounts[w.Address()] = account{balance: big.NewInt(1_000_000 * coin), wallet: &w}
	}
	payer := walletOf(Payer()).Address()
	for _, j := range c.jettons {
		c.accounts[j.Wallet(payer)] = account{balance: big.NewInt(coin), jetton: &j, owner: payer, units: big.NewInt(1_000_000_000_000)}
	}
	for range 8 { // nobody looks at the beginning of the real one
		c.Mine()
	}
	return c
}

// Fund gives an account nanotons, out of nothing and without a transaction.
func (c *Chain) Fund(a ton.Address, nanotons int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state(a)
	s.balance = new(big.Int).Add(s.balance, big.NewInt(nanotons))
	c.accounts[a] = s
}

// Freeze makes an owner's jetton wallets refuse what comes, or not.
func (c *Chain) Freeze(owner ton.Address, frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen[owner] = frozen
}

// Pay makes the payor send units of the native coin, or of the jetton of a master, with the next
// block. The address may be in any form.
func (c *Chain) Pay(to, master string, units *big.Int) error {
	a, err := ton.Parse(to, true)
	if err != nil {
		return err
	}
	m := ton.Message{To: a, Value: units}
	if master != "" {
		j, ok := c.jettons[must(ton.Parse(master, true))]
		if !ok {
			return errors.New("no such jetton")
		}
		payer := walletOf(Payer()).Address()
		m = ton.Message{
			To: j.Wallet(payer), Value: big.NewInt(coin / 10), Bounce: true,
			Body: ton.Transfer{Units: units, To: a, Answer: payer, Forward: big.NewInt(1)}.Body(),
		}
	}
	return c.Ask(m)
}

// Ask makes the payor send any message, with the next block.
func (c *Chain) Ask(m ton.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := walletOf(Payer())
	m.Mode = ton.ModePaysFees | ton.ModeSkipErrors
	seqno := c.state(w.Address()).seqno
	for _, p := range c.waiting {
		if p.To == w.Address() {
			seqno++
		}
	}
	body := ton.Request{Wallet: w.ID, ValidUntil: 1<<32 - 1, Seqno: seqno, Messages: []ton.Message{m}}.Sign(Payer())
	c.waiting = append(c.waiting, message{Message: ton.Message{To: w.Address(), Value: new(big.Int), Body: body}})
	return nil
}

// Submit takes a message from outside for the next block, unless its wallet would refuse it now.
func (c *Chain) Submit(m *ton.Cell) error {
	to, init, body, err := ton.ParseExternal(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.accepts(c.deployed(c.state(to), to, init), to, body, c.time()); err != nil {
		return fmt.Errorf("external message was not accepted: %w", err)
	}
	msg := message{Message: ton.Message{To: to, Value: new(big.Int), Init: init, Body: body}}
	msg.hash = b64(m.Hash())
	if !slices.ContainsFunc(c.waiting, func(o message) bool { return o.hash == msg.hash }) {
		c.waiting = append(c.waiting, msg)
	}
	return nil
}

// Drop forgets what waits for the next block.
func (c *Chain) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = nil
}

// Run makes blocks until the context ends.
func (c *Chain) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.Mine()
		}
	}
}

// Fork takes back the newest depth blocks, at most 99, and makes one more of others instead.
// first, which may be nil, is called before the first of those is made.
func (c *Chain) Fork(depth int, first func()) {
	c.mu.Lock()
	depth = min(depth, keep-1, len(c.rounds)-1)
	c.rounds = c.rounds[:len(c.rounds)-depth]
	last := c.rounds[len(c.rounds)-1]
	c.accounts, c.tops, c.lt = maps.Clone(last.accounts), maps.Clone(last.tops), last.lt
	c.salt++
	c.mu.Unlock()
	if first != nil {
		first()
	}
	for range depth + 1 {
		c.Mine()
	}
}

// Head returns the height of the newest block.
func (c *Chain) Head() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.rounds))
}

// Balance returns what an account holds of the native coin, or of the jetton of a master.
func (c *Chain) Balance(a ton.Address, master string) *big.Int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if master == "" {
		return c.state(a).balance
	}
	j := c.jettons[must(ton.Parse(master, true))]
	return c.state(j.Wallet(a)).units
}

func (c *Chain) state(a ton.Address) account {
	s, ok := c.accounts[a]
	if !ok {
		s.balance = new(big.Int)
	}
	if s.units == nil {
		s.units = new(big.Int)
	}
	return s
}

// time is that of the next block.
func (c *Chain) time() uint64 {
	t := uint64(max(c.now().Unix(), 1)) //nolint:gosec // positive
	if n := len(c.rounds); n > 0 {
		t = max(t, uint64(c.rounds[n-1].blocks[0].GenUtime))
	}
	return t
}

// Jetton returns the jetton of a master.
func (c *Chain) Jetton(master string) ton.Jetton { return c.jettons[must(ton.Parse(master, true))] }
