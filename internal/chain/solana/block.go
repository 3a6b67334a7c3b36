package solana

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// header is what a block says of itself and of the one before it.
type header struct {
	pay.Block
	number     uint64 // of the block, not counting slots without one
	parent     string
	parentSlot uint64
}

// block is what a block did to accounts.
type block struct {
	header
	count int // transactions, of which those that moved nothing are left out
	txs   []tx
	held  int // changes
}

// tx is a transaction that succeeded.
type tx struct {
	id      string
	changes []change
}

// change is what a transaction, all in all, did to what an account holds.
type change struct {
	place   int // of the account among the transaction's
	account string
	owner   string // of the account: itself, unless it holds tokens
	mint    string // "" for lamports
	program string // of the mint
	up      bool
	units   uint64
}

// wireHeader and wireTx are what nodes answer.
type wireHeader struct {
	Blockhash         string
	PreviousBlockhash string
	ParentSlot        *uint64
	BlockTime         *int64
	BlockHeight       *uint64
}

type wireTx struct {
	Transaction struct {
		AccountKeys []struct{ Pubkey string }
		Signatures  []string
	}
	Meta *struct {
		Err               json.RawMessage
		PreBalances       []uint64
		PostBalances      []uint64
		PreTokenBalances  []wireTokens
		PostTokenBalances []wireTokens
	}
}

type wireTokens struct {
	AccountIndex  *int
	Mint          string
	Owner         string
	ProgramID     string
	UITokenAmount struct{ Amount string }
}

const (
	maxID = 88 // characters of a transaction's name
	// maxBlockTxs is more transactions than fit into the 32,768 pieces that a block can be sent in.
	maxBlockTxs = 1 << 18
)

// anyVersion is the highest version that a transaction can have: its number has seven bits.
const anyVersion = 127

// wanted is how blocks are asked for. All versions of transactions are: they differ in what
// is signed, not in the accounts and balances that are read here, and a node that may not
// show one withholds its whole block.
func wanted(details string) options {
	return finalized("encoding", "json", "transactionDetails", details, "maxSupportedTransactionVersion", anyVersion, "rewards", false)
}

// header asks a node for the header of the block of a slot.
func (n *endpoint) header(ctx context.Context, slot uint64) (header, error) {
	var w wireHeader
	some, err := n.ask(ctx, &w, "getBlock", slot, wanted("none"))
	if err == nil && !some {
		err = refusal{noBlock[0], "null"}
	}
	if err != nil {
		return header{}, err
	}
	h, err := w.parse(slot)
	if err != nil {
		err = fmt.Errorf("%s: block %d: %w", n.Name, slot, err)
	}
	return h, err
}

// body asks a node for the block of a slot, of which it holds so many changes at most.
func (n *endpoint) body(ctx context.Context, slot uint64, mints map[string]bool, most int) (b block, err error) {
	if err := n.check(ctx); err != nil {
		return b, err
	}
	some, err := n.call(ctx, maxPiece, "getBlock", []any{slot, wanted("accounts")}, func(d *json.Decoder) (some bool, err error) {
		b, some, err = readBlock(d, slot, mints, most)
		return some, err
	})
	if err == nil && !some {
		err = refusal{noBlock[0], "null"}
	}
	if err != nil {
		return block{}, fmt.Errorf("block %d: %w", slot, err)
	}
	return b, nil
}

func (w wireHeader) parse(slot uint64) (h header, err error) {
	if w.ParentSlot == nil || w.BlockTime == nil || w.BlockHeight == nil || *w.BlockTime < 0 {
		return h, errors.New("it does not say when it was made, or after which")
	}
	if *w.ParentSlot >= slot && slot > 0 {
		return h, fmt.Errorf("it follows block %d", *w.ParentSlot)
	}
	for _, hash := range []string{w.Blockhash, w.PreviousBlockhash} {
		if _, err := ParseKey(hash); err != nil {
			return h, errors.New("its hash, or the one before, is not a hash")
		}
	}
	return header{pay.Block{Height: slot, Hash: w.Blockhash, Time: time.Unix(*w.BlockTime, 0).UTC()}, *w.BlockHeight, w.PreviousBlockhash, *w.ParentSlot}, nil
}

var errIncomplete = errors.New("a transaction is incomplete")

// readBlock reads what a block did to lamports, and to tokens of the mints, transaction by
// transaction. It fails when it has to hold more changes than there may be.
func readBlock(d *json.Decoder, slot uint64, mints map[string]bool, most int) (b block, some bool, err error) {
	var w wireHeader
	listed, seen, seed := false, map[uint64]bool{}, maphash.MakeSeed()
	some, err = each(d, '{', func(field string) (err error) {
		var into any = new(json.RawMessage)
		switch field {
		case "blockhash":
			into = &w.Blockhash
		case "previousBlockhash":
			into = &w.PreviousBlockhash
		case "parentSlot":
			into = &w.ParentSlot
		case "blockTime":
			into = &w.BlockTime
		case "blockHeight":
			into = &w.BlockHeight
		case "transactions":
			listed, err = each(d, '[', func(string) error {
				var x wireTx
				if err := d.Decode(&x); err != nil {
					return err
				}
				if len(x.Transaction.Signatures) == 0 || len(x.Transaction.Signatures[0]) > maxID {
					return errIncomplete
				}
				id := x.Transaction.Signatures[0]
				name := maphash.String(seed, id) // a name of its own would be much to hold
				if seen[name] {
					return fmt.Errorf("transaction %q is in it twice", id)
				}
				seen[name] = true
				if b.count++; b.count > maxBlockTxs || b.held > most {
					return fmt.Errorf("more than %d transactions, or %d changes", maxBlockTxs, most)
				}
				return b.add(id, x, mints)
			})
			return err
		}
		return d.Decode(into)
	})
	if err != nil || !some {
		return b, some, err
	}
	if !listed {
		return b, true, errors.New("it comes without transactions")
	}
	b.header, err = w.parse(slot)
	return b, true, err
}

// add adds what a transaction did.
func (b *block) add(id string, x wireTx, mints map[string]bool) error {
	if x.Meta == nil || x.Meta.Err == nil {
		return errIncomplete
	}
	if string(x.Meta.Err) != "null" {
		return nil
	}
	changes, err := x.changes(mints)
	// What only pays its fee, as votes do, and most transactions are votes, has moved nothing.
	if slices.ContainsFunc(changes, func(c change) bool { return c.up || c.mint != "" }) {
		b.txs, b.held = append(b.txs, tx{id, changes}), b.held+len(changes)
	}
	return err
}

func (x wireTx) changes(mints map[string]bool) (all []change, err error) {
	keys, m := x.Transaction.AccountKeys, x.Meta
	if len(m.PreBalances) != len(keys) || len(m.PostBalances) != len(keys) {
		return nil, errIncomplete
	}
	// An account may be closed and opened again for another mint or owner.
	type held struct {
		place                int
		mint, owner, program string
	}
	tokens, before, after := map[int]bool{}, map[held]uint64{}, map[held]uint64{}
	for _, side := range []struct {
		list []wireTokens
		into map[held]uint64
	}{{m.PreTokenBalances, before}, {m.PostTokenBalances, after}} {
		once := map[int]bool{}
		for _, v := range side.list {
			if v.AccountIndex == nil || *v.AccountIndex < 0 || *v.AccountIndex >= len(keys) || once[*v.AccountIndex] {
				return nil, errIncomplete
			}
			once[*v.AccountIndex], tokens[*v.AccountIndex] = true, true
			if !mints[v.Mint] {
				continue
			}
			units, err := strconv.ParseUint(v.UITokenAmount.Amount, 10, 64)
			if err != nil || v.Owner == "" || v.ProgramID != Token.String() && v.ProgramID != Token2022.String() {
				return nil, errIncomplete
			}
			h := held{*v.AccountIndex, v.Mint, v.Owner, v.ProgramID}
			side.into[h] = units
		}
	}
	for i, k := range keys {
		if c := (change{place: i, account: k.Pubkey, owner: k.Pubkey}); !tokens[i] && c.by(m.PreBalances[i], m.PostBalances[i]) {
			all = append(all, c)
		}
	}
	for h := range before {
		after[h] += 0 // what is gone is held no more
	}
	for h, post := range after {
		if c := (change{place: h.place, account: keys[h.place].Pubkey, owner: h.owner, mint: h.mint, program: h.program}); c.by(before[h], post) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.mint, b.mint), cmp.Compare(a.owner, b.owner))
	})
	return all, nil
}

// by sets how much there is more or less, and reports whether that is anything.
func (c *change) by(before, after uint64) bool {
	c.up, c.units = after > before, max(before, after)-min(before, after)
	return c.units > 0
}
