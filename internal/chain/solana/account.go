package solana

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxAccounts is how many accounts nodes give at a time.
const maxAccounts = 100

// Life is for how many blocks, whatever time they take, a transaction may name the hash of
// a block.
const Life = 150

// Account is what the chain keeps at an address.
type Account struct {
	Lamports uint64
	Owner    string // the program that it is one of
	Data     []byte
}

// UnmarshalJSON reads what nodes answer when asked for base64.
func (a *Account) UnmarshalJSON(b []byte) error {
	var v struct {
		Lamports *uint64
		Owner    string
		Data     [2]string
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	data, err := base64.StdEncoding.DecodeString(v.Data[0])
	if err != nil || v.Lamports == nil || v.Data[1] != "base64" {
		return errors.New("not an account in base64")
	}
	*a = Account{*v.Lamports, v.Owner, data}
	return nil
}

// Accounts reads accounts as they are at the newest final block; those that do not exist are
// not in what it returns. What one node says is believed: it is for making transactions,
// which fail when it is wrong.
func (d *Driver) Accounts(ctx context.Context, keys ...Key) (map[Key]Account, error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	all := map[Key]Account{}
	for part := range slices.Chunk(keys, maxAccounts) {
		var v struct{ Value []*Account }
		names := make([]string, len(part))
		for i, k := range part {
			names[i] = k.String()
		}
		if err := nodes.Try(ctx, func(n *endpoint) error {
			v.Value = nil
			_, err := n.ask(ctx, &v, "getMultipleAccounts", names, finalized("encoding", "base64"))
			if err == nil && len(v.Value) != len(part) {
				err = fmt.Errorf("%s: %d accounts for %d", n.Name, len(v.Value), len(part))
			}
			return err
		}, nil); err != nil {
			return nil, fmt.Errorf("read accounts: %w", err)
		}
		for i, a := range v.Value {
			if a != nil {
				all[part[i]] = *a
			}
		}
	}
	return all, nil
}

// Mints reads the tokens, by their addresses.
func (d *Driver) Mints(ctx context.Context) (map[string]Mint, error) {
	if _, err := d.ready(); err != nil {
		return nil, err
	}
	var keys []Key
	for _, address := range slices.Sorted(maps.Keys(d.mints)) {
		k, err := ParseKey(address)
		if err != nil {
			return nil, fmt.Errorf("token %q: %w", address, err)
		}
		keys = append(keys, k)
	}
	accounts, err := d.Accounts(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := map[string]Mint{}
	for k, a := range accounts {
		if all[k.String()], err = ParseMint(a); err != nil {
			return nil, fmt.Errorf("%s is not a token: %w", k, err)
		}
	}
	return all, nil
}

// Rents returns the least lamports that accounts of these sizes must hold.
func (d *Driver) Rents(ctx context.Context, sizes ...int) ([]uint64, error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	rents := make([]uint64, len(sizes))
	return rents, nodes.Try(ctx, func(n *endpoint) error {
		for i, size := range sizes {
			if _, err := n.ask(ctx, &rents[i], "getMinimumBalanceForRentExemption", size, finalized()); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}

// Recent returns the hash of a final block for a transaction to name, and the last height,
// counted in blocks, at which that transaction can land. Two nodes must know the block.
func (d *Driver) Recent(ctx context.Context) (hash Key, last uint64, err error) {
	head, err := d.Head(ctx)
	if err != nil {
		return hash, 0, err
	}
	err = d.nodes.Try(ctx, func(n *endpoint) error {
		h, err := n.header(ctx, head.Height)
		switch {
		case err != nil:
			return err
		case h.Hash != head.Hash:
			return fmt.Errorf("%s: block %d is not %s", n.Name, head.Height, head.Hash)
		}
		last = h.number + Life
		hash, err = ParseKey(h.Hash)
		return err
	}, func(_ *endpoint, err error) bool { return isNoBlock(err) })
	return hash, last, err
}

// Outcome is what a node says became of a transaction.
type Outcome struct {
	Known  bool
	Final  bool
	Failed bool
	Over   bool // no block can take it that was not final before the node was asked for it
}

// Outcomes asks nodes for a transaction that names the hash of a block, until two have
// answered. They are enough when they are two, or as many as there are. It cannot be over
// before a height, counted in blocks; after it, the nodes say whether the hash still serves:
// for how long one does is the network's to change.
func (d *Driver) Outcomes(ctx context.Context, id string, hash Key, height uint64) (all []Outcome, enough bool, err error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, false, err
	}
	var errs []error
	for _, n := range nodes.Ready() {
		o, err := n.outcome(ctx, id, hash, height)
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
		} else if all = append(all, o); len(all) == 2 {
			break
		}
	}
	if len(all) == 0 {
		return nil, false, errors.Join(errs...)
	}
	return all, len(all) >= min(2, len(d.Nodes)), nil
}

func (n *endpoint) outcome(ctx context.Context, id string, hash Key, height uint64) (o Outcome, err error) {
	var final uint64
	if some, err := n.ask(ctx, &final, "getBlockHeight", finalized()); err != nil || !some {
		return o, orNone(err, n, "height")
	}
	if final > height {
		var v struct{ Value *bool }
		if _, err := n.ask(ctx, &v, "isBlockhashValid", hash.String(), finalized()); err != nil || v.Value == nil {
			return o, orNone(err, n, "word on the age of a hash")
		}
		o.Over = !*v.Value
	}
	s, err := n.status(ctx, id)
	if err != nil || s == nil {
		return o, err
	}
	o.Known, o.Final, o.Failed = true, s.ConfirmationStatus == "finalized", string(s.Err) != "null"
	return o, nil
}

type status struct {
	Slot               uint64
	Err                json.RawMessage
	ConfirmationStatus string
}

// status asks a node for a transaction that may be long ago; nil when it knows none.
func (n *endpoint) status(ctx context.Context, id string) (*status, error) {
	var v struct{ Value []*status }
	_, err := n.ask(ctx, &v, "getSignatureStatuses", []string{id}, options{"searchTransactionHistory": true})
	if err != nil {
		return nil, err
	}
	if len(v.Value) != 1 || v.Value[0] != nil && (v.Value[0].Err == nil || v.Value[0].ConfirmationStatus == "") {
		return nil, fmt.Errorf("%s: not the status of a transaction", n.Name)
	}
	return v.Value[0], nil
}

// Broadcast hands a signed transaction to every node. It fails when none took it, which says
// nothing about whether it lands.
func (d *Driver) Broadcast(ctx context.Context, raw []byte) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes.Nodes {
		var id string
		if _, err := n.ask(ctx, &id, "sendTransaction", base64.StdEncoding.EncodeToString(raw), options{"encoding": "base64", "skipPreflight": true}); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) < len(nodes.Nodes) {
		return nil
	}
	return errors.Join(errs...)
}
