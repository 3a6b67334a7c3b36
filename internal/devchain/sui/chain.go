// Package sui simulates a small Sui network in memory, for development and tests. It keeps
// coins as objects with versions, and balances without objects; it executes the signed
// transactions that empty an address; it makes checkpoints and epochs; and it answers over
// gRPC as a full node does. What the real network would refuse of such transactions, it refuses.
package sui

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
)

// The coins of the network besides SUI: a dollar of 6 decimals, and one that only looks
// like it.
const (
	Dollar     = "0xda7adda7adda7adda7adda7adda7adda7adda7adda7adda7adda7adda7ad0001::usdc::USDC"
	FakeDollar = "0xfa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e0002::usdc::USDC"
)

// GasPrice is the reference price of a unit of gas.
const GasPrice = 500

// forkable is how many of the newest checkpoints Fork can take back.
const forkable = 16

// Options say how a Chain is made. The same Options make the same chain, if Now is nil.
type Options struct {
	Seed string
	Now  func() time.Time // of checkpoints; nil for four a second since 2023
}

// Chain is the network. Its methods may be called from many goroutines at once.
type Chain struct {
	o Options

	mu      sync.Mutex
	state   state
	epoch   uint64
	total   uint64
	made    uint64 // names that were made up
	blocks  []block
	before  []state         // as of the newest checkpoints' parents
	txs     map[string]*tx  // executed, by digest
	pending []*tx           // executed, in no checkpoint yet
	denied  map[holder]bool // may not send or be sent a coin
	form    byte            // of the lists of transactions, if not the usual
}

// block is a checkpoint.
type block struct {
	sui.Summary
	raw, contents []byte
	digest        sui.Digest
	txs           []*tx
}

// tx is an executed transaction.
type tx struct {
	digest   sui.Digest
	sender   sui.Address
	failure  string // "" for success
	gas      gas
	changes  map[holder]*big.Int
	height   uint64 // of its checkpoint
	included bool
}

type holder struct {
	address sui.Address
	coin    string
}

// object is a coin.
type object struct {
	sui.ObjectRef
	owner sui.Address
	coin  string
	units uint64
	by    sui.Digest // the transaction that used it last
}

// state is who has what: in objects, and without.
type state struct {
	objects map[sui.Address]object
	held    map[holder]uint64
}

func (s state) clone() state { return state{maps.Clone(s.objects), maps.Clone(s.held)} }

// sums is what everybody has in all.
func (s state) sums() map[holder]*big.Int {
	all := map[holder]*big.Int{}
	add := func(h holder, n uint64) {
		if all[h] == nil {
			all[h] = new(big.Int)
		}
		all[h].Add(all[h], new(big.Int).SetUint64(n))
	}
	for _, o := range s.objects {
		add(holder{o.owner, o.coin}, o.units)
	}
	for h, n := range s.held {
		add(h, n)
	}
	return all
}

// New returns a network that holds its first checkpoint, and a wallet with much of every coin.
func New(o Options) *Chain {
	c := &Chain{o: o, state: state{map[sui.Address]object{}, map[holder]uint64{}}, txs: map[string]*tx{}, denied: map[holder]bool{}}
	for _, coin := range []string{sui.Native, Dollar, FakeDollar} {
		c.state.held[holder{c.Wallet(), coin}] = 1e18
	}
	c.Mine()
	return c
}

// ID is the chain's identifier.
func (c *Chain) ID() string { return c.blocks[0].digest.String() }

// Wallet is the address that Pay pays from.
func (c *Chain) Wallet() sui.Address {
	return sui.AddressOf(ed25519.NewKeyFromSeed(c.name("wallet", 0)).Public().(ed25519.PublicKey))
}

func (c *Chain) name(of string, n uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(c.o.Seed+"/"+of+"/"), n))
	return sum[:]
}

// fresh makes up a name that was not used yet.
func (c *Chain) fresh(of string) (d [32]byte) {
	c.made++
	copy(d[:], c.name(of, c.made))
	return d
}

// Transfer is a payment for the wallet to make.
type Transfer struct {
	To     sui.Address
	Coin   string // full coin type
	Units  uint64
	Direct bool // to the address's balance, without an object
}

// Pay makes all the transfers in one transaction, which the next checkpoint will hold, and
// returns its digest.
func (c *Chain) Pay(ts ...Transfer) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pay(ts...)
}

func (c *Chain) pay(ts ...Transfer) string {
	before, t := c.state.sums(), &tx{digest: c.fresh("tx"), sender: c.Wallet(), gas: gas{computation: 1000 * GasPrice}}
	for _, p := range ts {
		c.state.held[holder{c.Wallet(), p.Coin}] -= p.Units
		if p.Direct {
			c.state.held[holder{p.To, p.Coin}] += p.Units
			continue
		}
		ref := sui.ObjectRef{ID: c.fresh("object"), Version: 1, Digest: c.fresh("version")}
		c.state.objects[ref.ID] = object{ref, p.To, p.Coin, p.Units, t.digest}
	}
	c.state.held[holder{c.Wallet(), sui.Native}] -= t.gas.computation
	c.executed(t, before)
	return t.digest.String()
}

// Fund is Pay of one coin, and a checkpoint with it.
func (c *Chain) Fund(to sui.Address, coin string, units uint64) {
	c.Pay(Transfer{To: to, Coin: coin, Units: units})
	c.Mine()
}

// Move makes a transaction by which an address sends all it has of a coin to another, as if
// it had signed; somebody else pays for it. The next checkpoint will hold it.
func (c *Chain) Move(from, to sui.Address, coin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, t := c.state.sums(), &tx{digest: c.fresh("tx"), sender: from, gas: gas{computation: 1000 * GasPrice}}
	for _, o := range c.coins(holder{from, coin}) {
		o.owner = to
		c.state.objects[o.ID] = o
	}
	c.state.held[holder{to, coin}] += c.state.held[holder{from, coin}]
	delete(c.state.held, holder{from, coin})
	c.executed(t, before)
}

// Height is that of the newest checkpoint.
func (c *Chain) Height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.blocks) - 1)
}

// executed writes down a transaction that has changed the state.
func (c *Chain) executed(t *tx, before map[holder]*big.Int) {
	t.changes = c.state.sums()
	for h, n := range before {
		if t.changes[h] == nil {
			t.changes[h] = new(big.Int)
		}
		t.changes[h].Sub(t.changes[h], n)
	}
	maps.DeleteFunc(t.changes, func(_ holder, n *big.Int) bool { return n.Sign() == 0 })
	c.txs[t.digest.String()], c.pending = t, append(c.pending, t)
}

// Holds returns what an address has of a coin.
func (c *Chain) Holds(a sui.Address, coin string) *big.Int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.state.sums()[holder{a, coin}]; n != nil {
		return n
	}
	return new(big.Int)
}

// Deny puts an address on the deny list of a regulated coin: it can send none, and be sent
// none.
func (c *Chain) Deny(a sui.Address, coin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied[holder{a, coin}] = true
}

// Upgrade makes the network list the transactions of checkpoints in a form that nobody knows yet.
func (c *Chain) Upgrade() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.form = 9
}

// Mine makes a checkpoint of what was executed since the last one.
func (c *Chain) Mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
}

func (c *Chain) mine() {
	b := block{txs: c.pending, Summary: sui.Summary{Epoch: c.epoch, Height: uint64(len(c.blocks)), Total: c.total + uint64(len(c.pending))}}
	b.Time = time.UnixMilli(1_690_000_000_000).Add(250 * time.Millisecond * time.Duration(b.Height)).UTC() //nolint:gosec // small
	if c.o.Now != nil {
		b.Time = c.o.Now().UTC()
	}
	if b.Height > 0 {
		b.Previous = c.blocks[b.Height-1].digest
	}
	var digests []sui.Digest
	for _, t := range b.txs {
		t.height, t.included = b.Height, true
		digests = append(digests, t.digest)
	}
	b.contents = sui.ContentsBytes(digests)
	b.contents[0] += c.form
	b.Contents = sui.ContentsDigest(b.contents)
	b.raw = append(b.Bytes(), c.name("checkpoint", c.made)...) // of its own, whatever it replaces
	c.made++
	b.digest = sui.SummaryDigest(b.raw)
	c.blocks, c.total, c.pending = append(c.blocks, b), b.Total, nil
	c.before = append(c.before, c.state.clone())
	if len(c.before) > forkable+1 {
		c.before = c.before[1:]
	}
}

// Fork replaces the newest checkpoints by as many others and one more, the first of which
// holds the given payments. Sui does not do this; a node at fault may. It takes back at most 16.
func (c *Chain) Fork(depth int, ts ...Transfer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if depth < 1 || depth >= len(c.before) {
		return fmt.Errorf("cannot take back %d checkpoints", depth)
	}
	keep := len(c.blocks) - depth
	for _, b := range c.blocks[keep:] {
		for _, t := range b.txs {
			delete(c.txs, t.digest.String())
		}
	}
	for _, t := range c.pending {
		delete(c.txs, t.digest.String())
	}
	c.pending, c.blocks = nil, c.blocks[:keep:keep]
	c.before = c.before[:len(c.before)-depth]
	c.state, c.total = c.before[len(c.before)-1].clone(), c.blocks[keep-1].Total
	for i := range depth + 1 {
		if i == 0 && len(ts) > 0 {
			for _, t := range ts {
				c.pay(t)
			}
		}
		c.mine()
	}
	return nil
}

// NextEpoch ends the epoch: transactions that were to be executed in it never will be.
func (c *Chain) NextEpoch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	c.epoch++
	c.mine()
}

// Run makes checkpoints until the context ends.
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

// Server returns a server of the network that speaks HTTP/2 in clear, as gRPC needs; its
// address is the caller's to set.
func (c *Chain) Server() *http.Server {
	s := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	return s
}
