package solana

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/chain"
)

// How much of what happened to an account is looked at: so many transactions at a time, and
// so many times.
const (
	pageSize = 1000
	maxPages = 5
)

// ParseID checks the name of a transaction, its first signature.
func ParseID(s string) (string, error) {
	if b, ok := auth.Base58(s); !ok || len(b) != 64 {
		return "", errors.New("must be a signature of Solana: 64 bytes in base58")
	}
	return s, nil
}

// Find implements chain.Finder. The first node that knows the transaction answers.
func (d *Driver) Find(ctx context.Context, hash string) (p chain.Place, ok bool, err error) {
	if _, err := ParseID(hash); err != nil {
		return p, false, nil
	}
	nodes, err := d.ready()
	if err != nil {
		return p, false, err
	}
	var errs []error
	answered := false
	for _, n := range nodes.Ready() {
		s, err := n.status(ctx, hash)
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		if s != nil {
			return chain.Place{Mined: s.ConfirmationStatus == "finalized", Height: s.Slot, Failed: string(s.Err) != "null"}, true, nil
		}
		answered = true
	}
	if !answered {
		return p, false, errors.Join(errs...)
	}
	return p, false, nil
}

// Mentions implements chain.Finder: it asks what happened to the addresses, and to their
// token accounts.
func (d *Driver) Mentions(ctx context.Context, addresses []string, from, to uint64) (heights []uint64, err error) {
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	mints, err := d.Mints(ctx)
	if err != nil {
		return nil, err
	}
	accounts := slices.Clone(addresses)
	for _, a := range addresses {
		owner, err := ParseKey(a)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", a, err)
		}
		accounts = append(accounts, Reference(a)) // of a payment that a node keeps under no account of ours
		for address, m := range mints {
			mint, _ := ParseKey(address) // it was read
			accounts = append(accounts, TokenAccount(owner, m.Program, mint).String())
		}
	}
	err = nodes.Try(ctx, func(n *endpoint) error {
		heights = nil
		for _, a := range accounts {
			if err := n.history(ctx, a, from, to, &heights); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	slices.Sort(heights)
	return slices.Compact(heights), err
}

// history adds the slots of the newest transactions that name an account, from one to
// another.
func (n *endpoint) history(ctx context.Context, account string, from, to uint64, heights *[]uint64) error {
	o := finalized("limit", pageSize)
	for range maxPages {
		var page []struct {
			Signature string
			Slot      uint64
		}
		if _, err := n.ask(ctx, &page, "getSignaturesForAddress", account, o); err != nil {
			return err
		}
		for _, s := range page {
			if s.Slot < from {
				return nil
			}
			if s.Slot <= to {
				*heights = append(*heights, s.Slot)
			}
		}
		if len(page) < pageSize {
			return nil
		}
		o["before"] = page[len(page)-1].Signature
	}
	return nil
}
