// Package cardano is a network of Cardano in memory, for development and tests. It speaks
// the HTTP API of Blockfrost, as far as Pepay uses it, and keeps the ledger's rules for
// transactions of keys: what the real network would refuse, it refuses. There is no stake
// and there are no scripts; blocks come when told.
package cardano

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/pepay/pepay/internal/chain/cardano"
)

// Magic is the number of the network.
const Magic = 42

// Asset is a token that exists, and what its issuer says of it.
type Asset struct {
	Unit     string // in canonical form
	Ticker   string
	Decimals int
	Silent   bool // nobody has said anything of it
}

// Dollar is the play dollar of development. Its policy is nobody's.
var Dollar = Asset{Unit: hex.EncodeToString([]byte("pepay development policy")) + "00000000" + hex.EncodeToString([]byte("DUSDC")), Ticker: "DUSDC", Decimals: 6}

// Other is a second one, with other decimals, of which nobody has said anything but that.
var Other = Asset{Unit: hex.EncodeToString([]byte("pepay development policy")) + "00000001" + hex.EncodeToString([]byte("OTHER")), Ticker: "OTHER", Decimals: 2}

// Options say what a Chain is like.
type Options struct {
	Start  time.Time        // of the first block
	Now    func() time.Time // the clock that blocks follow; nil for one that Step moves
	Step   time.Duration    // between two blocks where there is no clock, 0 for 20 seconds
	Params cardano.Params   // the zero value is what the real network has
	Assets []Asset          // that exist; the payer has 10^15 of each
}

// mainnet are the parameters of the real network, as they have been since 2022.
var mainnet = cardano.Params{FeePerByte: 44, FeeBase: 155381, MaxTx: 16384, MaxValue: 5000, PerByte: 4310}

// Chain is a network. Its methods may be called from many goroutines at once.
type Chain struct {
	o     Options
	payer cardano.Key
	mux   *http.ServeMux

	mu      sync.Mutex
	blocks  []*block
	pending []*entry
	txs     map[string]*entry
	outs    map[cardano.Ref]*out
	at      map[string][]cardano.Ref // by address, oldest first
	skipped time.Duration
	serial  uint64
}

type block struct {
	height, slot uint64
	hash, parent string
	txs          []*entry
}

// entry is a transaction that was accepted.
type entry struct {
	*cardano.Tx
	raw   []byte
	block *block // nil while it waits
	ruled bool   // it must keep the rules
}

// out is an output and who took it.
type out struct {
	cardano.Output
	by    *entry
	taken *entry
}

// New returns a network with one block, which gives the payer a billion ADA.
func New(o Options) (*Chain, error) {
	if o.Params == (cardano.Params{}) {
		o.Params = mainnet
	}
	if o.Step <= 0 {
		o.Step = 20 * time.Second
	}
	payer, err := cardano.AccountKey([]byte("pepay development payer"), 0)
	if err != nil {
		return nil, err
	}
	c := &Chain{o: o, payer: payer.Payment(0), txs: map[string]*entry{}, outs: map[cardano.Ref]*out{}, at: map[string][]cardano.Ref{}}
	c.mux = c.routes()
	wealth := cardano.Value{Lovelace: 1_000_000_000_000_000, Assets: map[string]uint64{}}
	for _, a := range o.Assets {
		wealth.Assets[a.Unit] = 1_000_000_000_000_000
	}
	if _, err := c.Fund(c.Payer(), wealth); err != nil {
		return nil, err
	}
	c.mine()
	return c, nil
}

// Payer is the address of the account that plays the payor. Its key is public and worthless.
func (c *Chain) Payer() string { return cardano.Testnet.Enterprise(c.payer.Public()) }

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

// Mine makes a block of what waits.
func (c *Chain) Mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
}

func (c *Chain) mine() {
	b := &block{height: uint64(len(c.blocks))}
	if b.height > 0 {
		last := c.blocks[b.height-1]
		b.parent = last.hash
		b.slot = last.slot + max(1, uint64((c.o.Step+c.skipped)/time.Second))
		if c.o.Now != nil {
			b.slot = max(last.slot+1, uint64(max(0, c.o.Now().Sub(c.o.Start)+c.skipped)/time.Second))
		} else {
			c.skipped = 0
		}
	}
	content := fmt.Sprint(b.height, b.slot, b.parent, c.next())
	for _, e := range c.pending {
		if e.ruled && (e.TTL != 0 && e.TTL <= b.slot || !c.whole(e)) {
			c.undo(e)
			continue
		}
		e.block = b
		b.txs, content = append(b.txs, e), content+e.Hash.String()
	}
	c.pending = nil
	b.hash = hexHash([]byte(content))
	c.blocks = append(c.blocks, b)
}

// whole reports whether what a transaction spends is still there.
func (c *Chain) whole(e *entry) bool {
	return !slices.ContainsFunc(e.Spends(), func(r cardano.Ref) bool { return c.outs[r] == nil })
}

// Wait lets time pass, in which no block is made.
func (c *Chain) Wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped += d
}

// Fork takes back the newest blocks, and all that waits, and makes one block more than those
// were, of which the first holds what then is put in.
func (c *Chain) Fork(depth int, then func() error) error {
	c.mu.Lock()
	for _, e := range slices.Backward(c.pending) {
		c.undo(e)
	}
	c.pending = nil
	depth = min(depth, len(c.blocks)-1)
	for _, b := range slices.Backward(c.blocks[len(c.blocks)-depth:]) {
		for _, e := range slices.Backward(b.txs) {
			c.undo(e)
		}
	}
	c.blocks = c.blocks[:len(c.blocks)-depth]
	c.mu.Unlock()
	if then != nil {
		if err := then(); err != nil {
			return err
		}
	}
	for range depth + 1 {
		c.Mine()
	}
	return nil
}

func (c *Chain) do(e *entry) {
	c.txs[e.Hash.String()] = e
	for _, r := range e.Spends() {
		if o := c.outs[r]; o != nil {
			o.taken = e
		}
	}
	for _, m := range e.Makes() {
		r := cardano.Ref{Hash: e.Hash, Index: uint64(m.Index)}
		c.outs[r] = &out{Output: m.Output, by: e}
		c.at[m.Address] = append(c.at[m.Address], r)
	}
	c.pending = append(c.pending, e)
}

func (c *Chain) undo(e *entry) {
	delete(c.txs, e.Hash.String())
	for _, m := range e.Makes() {
		r := cardano.Ref{Hash: e.Hash, Index: uint64(m.Index)}
		delete(c.outs, r)
		c.at[m.Address] = slices.DeleteFunc(c.at[m.Address], func(o cardano.Ref) bool { return o == r })
	}
	for _, r := range e.Spends() {
		if o := c.outs[r]; o != nil {
			o.taken = nil
		}
	}
}

func (c *Chain) next() uint64 {
	c.serial++
	return c.serial
}

func hexHash(b []byte) string {
	h := blake2b.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Fund makes an amount out of nothing, in the next block. It returns the transaction's hash.
func (c *Chain) Fund(address string, v cardano.Value) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash, raw, err := cardano.Draft{Outputs: []cardano.Output{{Address: address, Value: v}}, TTL: 1<<40 + c.next()}.Sign()
	if err != nil {
		return "", err
	}
	return hash.String(), c.include(raw)
}

// Include puts a transaction into the next block whatever the rules say of it.
func (c *Chain) Include(raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.include(raw)
}

func (c *Chain) include(raw []byte) error {
	t, err := cardano.DecodeTx(raw)
	if err == nil {
		c.do(&entry{Tx: t, raw: raw})
	}
	return err
}

// Pay has the payer pay an amount of a token, or lovelace for "", to an address: with the
// least ADA that must lie beside a token. It returns the transaction's hash.
func (c *Chain) Pay(address, unit string, units uint64) (string, error) {
	o := cardano.Output{Address: address, Value: cardano.Value{Lovelace: units}}
	if unit != "" {
		o.Value = cardano.Value{Assets: map[string]uint64{unit: units}}
		least, err := o.Least(c.o.Params.PerByte)
		if err != nil {
			return "", err
		}
		o.Value.Lovelace = least
	}
	return c.PayAll(o)
}

// PayAll has the payer make several outputs in one transaction.
func (c *Chain) PayAll(outputs ...cardano.Output) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const fee = 1_000_000
	var need, have cardano.Value
	need.Lovelace = fee
	for _, o := range outputs {
		need, _ = need.Add(o.Value)
	}
	d := cardano.Draft{Fee: fee, TTL: c.blocks[len(c.blocks)-1].slot + 1<<32 + c.next()}
	change, enough := have, false
	for _, r := range c.at[c.Payer()] {
		if enough {
			break
		}
		if o := c.outs[r]; o.taken == nil {
			d.Inputs = append(d.Inputs, r)
			have, _ = have.Add(o.Value)
			change, enough = have.Sub(need)
		}
	}
	if !enough {
		return "", fmt.Errorf("the payer holds too little: %+v", have)
	}
	d.Outputs = append(slices.Clone(outputs), cardano.Output{Address: c.Payer(), Value: change})
	hash, raw, err := d.Sign(c.payer)
	if err != nil {
		return "", err
	}
	return hash.String(), c.submit(raw)
}

// Balance returns what lies at an address, by the newest block.
func (c *Chain) Balance(address string) (sum cardano.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.at[address] {
		if o := c.outs[r]; o.here() {
			sum, _ = sum.Add(o.Value)
		}
	}
	return sum
}

// here reports whether an output is unspent by the newest block.
func (o *out) here() bool { return o.by.block != nil && (o.taken == nil || o.taken.block == nil) }
