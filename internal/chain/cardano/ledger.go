package cardano

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxUnspent = 500    // outputs of one address that are of use: the rest is for later
	maxListed  = 10_000 // that are looked through for them; each locks up about an ADA of whoever sent it
)

// Params are the rules of the network that a transaction must keep.
type Params struct {
	FeePerByte uint64 // lovelace
	FeeBase    uint64 // lovelace of any transaction
	MaxTx      int    // bytes of a transaction
	MaxValue   int    // bytes of an output's value
	PerByte    uint64 // lovelace that an output must hold for each of its bytes
}

// number is an integer that the API writes with or without quotes.
type number uint64

// UnmarshalJSON reads either.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(raw), `"`), 10, 64)
	*n = number(v)
	return err
}

// Params asks for the rules as they are now.
func (d *Driver) Params(ctx context.Context) (p Params, err error) {
	nodes, err := d.ready()
	if err != nil {
		return p, err
	}
	return p, nodes.Try(ctx, func(n *endpoint) error {
		var a struct {
			FeePerByte number `json:"min_fee_a"`
			FeeBase    number `json:"min_fee_b"`
			MaxTx      number `json:"max_tx_size"`
			MaxValue   number `json:"max_val_size"`
			PerByte    number `json:"coins_per_utxo_size"`
		}
		found, err := n.get(ctx, "/epochs/latest/parameters", &a)
		if err != nil {
			return err
		}
		// A thousand times what they have been for years is a mistake, or worse.
		if !found || a.FeePerByte > 50_000 || a.FeeBase > 200_000_000 || a.PerByte > 5_000_000 || a.MaxTx < 1000 || a.MaxTx > maxTx || a.MaxValue < 100 || a.MaxValue > maxTx {
			return fmt.Errorf("%s: the parameters of the network are missing or out of range", n.Name)
		}
		p = Params{uint64(a.FeePerByte), uint64(a.FeeBase), int(a.MaxTx), int(a.MaxValue), uint64(a.PerByte)}
		return nil
	}, nil)
}

// Tip returns the slot of the newest block.
func (d *Driver) Tip(ctx context.Context) (slot uint64, err error) {
	head, err := d.Head(ctx)
	if err != nil {
		return 0, err
	}
	_, slot, err = d.at(ctx, head.Height)
	return slot, err
}

// Unspent is an output that nothing has spent.
type Unspent struct {
	Ref
	Value  Value
	Script bool // it holds one, for which whoever spends it pays
}

// Unspent returns what lies at an address and is of use, the newest first, so that junk sent
// before does not hide it. It is by one node's word: one that lies about it makes a
// transaction that no ledger takes, and nothing worse.
func (d *Driver) Unspent(ctx context.Context, address string, of func(Unspent) bool) (all []Unspent, err error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	return all, nodes.Try(ctx, func(n *endpoint) error {
		all = nil
		seen := map[Ref]bool{} // what is new moves the rest on to the next page
		return walk(ctx, n, "/addresses/"+address+"/utxos?order=desc", maxListed, func(raw json.RawMessage) (more bool, err error) {
			u, whole, err := parseUnspent(raw, d.taken)
			if err != nil {
				return false, fmt.Errorf("%s: what lies at %s: %w", n.Name, address, err)
			}
			if whole && !seen[u.Ref] && of(u) {
				all = append(all, u)
			}
			seen[u.Ref] = true
			return len(all) < maxUnspent, nil
		})
	}, nil)
}

// parseUnspent reads an output. It is not whole when it holds something of no concern to us
// that cannot be read: then it can only lie where it is, and the others are of use all the
// same. That its ADA or one of our tokens cannot be read is a fault of the node.
func parseUnspent(raw []byte, ours map[string]bool) (u Unspent, whole bool, err error) {
	var a struct {
		Hash   string  `json:"tx_hash"`
		Index  uint64  `json:"output_index"`
		Script *string `json:"reference_script_hash"`
		Amount []struct {
			Unit     string `json:"unit"`
			Quantity string `json:"quantity"`
		} `json:"amount"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return u, false, err
	}
	hash, err := hex.DecodeString(a.Hash)
	if err != nil || len(hash) != len(u.Hash) {
		return u, false, errors.New("a hash is none")
	}
	copy(u.Hash[:], hash)
	u.Index, u.Script, whole = a.Index, a.Script != nil, true
	for _, part := range a.Amount {
		v, ok := parseAmount(part.Unit, part.Quantity)
		if ok {
			u.Value, ok = u.Value.Add(v)
		}
		if !ok && (part.Unit == lovelace || ours[part.Unit]) {
			return u, false, fmt.Errorf("%.20q of %.130q is nothing that the ledger can count", part.Quantity, part.Unit)
		}
		whole = whole && ok
	}
	return u, whole, nil
}

const lovelace = "lovelace" // the unit of ADA

// parseAmount reads a part of an output: 64 bits of an asset, and what there can be of ADA.
func parseAmount(unit, quantity string) (v Value, ok bool) {
	n, err := strconv.ParseUint(quantity, 10, 64)
	if err != nil {
		return v, false
	}
	if unit == lovelace {
		return Value{Lovelace: n}, n <= math.MaxInt64
	}
	c, err := CanonicalToken(unit)
	return Value{Assets: map[string]uint64{unit: n}}, err == nil && c == unit && n > 0
}

// Submit hands a signed transaction to every node, and returns what those said that did not
// take it: which says nothing of what becomes of it.
func (d *Driver) Submit(ctx context.Context, raw []byte) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes.Nodes {
		if err := n.Check(ctx, n.ofNetwork); err != nil {
			errs = append(errs, err)
		} else if _, err := n.Do(ctx, http.MethodPost, "/tx/submit", "application/cbor", raw); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", n.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Outcome is what the chain made of a transaction so far.
type Outcome struct {
	Mined bool   // it is in a block
	Final bool   // which is as deep as asked
	Dead  string // why it can never be in one any more, "" while it can
}

// Outcome asks what became of a signed transaction. It is dead only by blocks that are
// final: one after its last slot, or one with another transaction that spent the same. Of
// several nodes two must say that it is final, or dead.
func (d *Driver) Outcome(ctx context.Context, raw []byte, confirmations uint64) (o Outcome, err error) {
	t, err := DecodeTx(raw)
	if err != nil {
		return o, err
	}
	head, err := d.Head(ctx) // a pool that answers is ready
	if err != nil {
		return o, err
	}
	have := 0
	for _, n := range d.nodes.Ready() {
		height, found, err := d.where(ctx, n, t.Hash)
		if err != nil {
			d.nodes.Blame(ctx, n, err)
		} else if o.Mined = o.Mined || found; found && head.Height+1 >= height+max(confirmations, 1) {
			have++
		}
	}
	enough := min(2, len(d.Nodes))
	o.Final = have >= enough
	if o.Mined || head.Height+1 < max(confirmations, 1) {
		return o, nil
	}
	final, slot, err := d.at(ctx, head.Height+1-max(confirmations, 1))
	if err != nil {
		return o, err
	}
	reason, check := "its time ran out", func(n *endpoint) (bool, error) { return true, nil }
	if t.TTL == 0 || slot < t.TTL {
		reason, check = "another transaction spent what it was to spend", func(n *endpoint) (bool, error) { return d.taker(ctx, n, t, final.Height) }
	}
	say := 0
	for _, n := range d.nodes.Ready() {
		dead, err := check(n)
		if err == nil && dead {
			dead, err = n.lacks(ctx, t.Hash, final.Hash)
		}
		if err != nil {
			d.nodes.Blame(ctx, n, err)
		} else if dead {
			say++
		}
	}
	if say >= enough {
		o.Dead = reason
	}
	return o, nil
}

// where returns the height of a transaction that a node has in a block of the chain that
// all follow.
func (d *Driver) where(ctx context.Context, n *endpoint, hash Hash) (height uint64, found bool, err error) {
	p, found, err := n.place(ctx, hash.String())
	if err != nil || !found {
		return 0, false, err
	}
	b, err := d.Block(ctx, p.Height)
	if err != nil || b.Hash != p.Block {
		return 0, false, err
	}
	return p.Height, true, nil
}

// lacks reports whether a node that has a block knows nothing of a transaction.
func (n *endpoint) lacks(ctx context.Context, tx Hash, block string) (bool, error) {
	_, has, err := n.header(ctx, block)
	if err != nil || !has {
		return false, err
	}
	_, found, err := n.place(ctx, tx.String())
	return !found, err
}

// maxAsked bounds the inputs of a transaction that are looked at for another taker. The
// others show when its time has run out.
const maxAsked = 10

// taker reports whether another transaction spent one of the inputs, in a block up to a
// height.
func (d *Driver) taker(ctx context.Context, n *endpoint, t *Tx, final uint64) (bool, error) {
	for _, in := range t.body.Inputs[:min(len(t.body.Inputs), maxAsked)] {
		var a struct {
			Outputs []struct {
				Index uint64 `json:"output_index"`
				Taker string `json:"consumed_by_tx"`
			} `json:"outputs"`
		}
		if _, err := n.get(ctx, "/txs/"+in.Hash.String()+"/utxos", &a); err != nil {
			return false, err
		}
		for _, o := range a.Outputs {
			if o.Index != in.Index || !hashText.MatchString(o.Taker) || o.Taker == t.Hash.String() {
				continue
			}
			var hash Hash
			_, _ = hex.Decode(hash[:], []byte(o.Taker)) // its form was checked
			other, err := n.tx(ctx, hash)
			if err != nil {
				return false, err
			}
			height, found, err := d.where(ctx, n, hash)
			if err != nil {
				return false, err
			}
			if found && height <= final && slices.Contains(other.Spends(), in) {
				return true, nil
			}
		}
	}
	return false, nil
}
