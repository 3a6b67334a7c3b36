package solana

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
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

// wireHeader and wireBlock are what nodes answer.
type wireHeader struct {
	Blockhash         string
	PreviousBlockhash string
	ParentSlot        *uint64
	BlockTime         *int64
	BlockHeight       *uint64
}

type wireBlock struct {
	wireHeader
	Transactions []wireTx
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

// body asks a node for the block of a slot.
func (n *endpoint) body(ctx context.Context, slot uint64, mints map[string]bool) (block, error) {
	var w wireBlock
	some, err := n.ask(ctx, &w, "getBlock", slot, wanted("accounts"))
	if err == nil && !some {
		err = refusal{noBlock[0], "null"}
	}
	if err != nil {
		return block{}, err
	}
	b, err := w.parse(slot, mints)
	if err != nil {
		err = fmt.Errorf("%s: block %d: %w", n.Name, slot, err)
	}
	return b, err
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

// parse reads what a block did to lamports, and to tokens of the mints.
func (w wireBlock) parse(slot uint64, mints map[string]bool) (b block, err error) {
	if b.header, err = w.wireHeader.parse(slot); err != nil {
		return b, err
	}
	if w.Transactions == nil {
		return b, errors.New("it comes without transactions")
	}
	b.count = len(w.Transactions)
	seen := make(map[string]bool, b.count)
	for _, x := range w.Transactions {
		if len(x.Transaction.Signatures) == 0 || x.Meta == nil || x.Meta.Err == nil {
			return b, errIncomplete
		}
		id := x.Transaction.Signatures[0]
		if seen[id] {
			return b, fmt.Errorf("transaction %q is in it twice", node.Short(id))
		}
		seen[id] = true
		if string(x.Meta.Err) != "null" {
			continue
		}
		t := tx{id: id}
		if t.changes, err = x.changes(mints); err != nil {
			return b, err
		}
		// What only pays its fee, as votes do, and most transactions are votes, has moved nothing.
		if slices.ContainsFunc(t.changes, func(c change) bool { return c.up || c.mint != "" }) {
			b.txs = append(b.txs, t)
		}
	}
	return b, nil
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
