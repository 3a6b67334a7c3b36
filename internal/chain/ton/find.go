package ton

import (
	"context"
	"errors"
	"math/big"
	"slices"

	"github.com/pepay/pepay/internal/chain"
)

// historyPages is how much of an account's history is read.
const historyPages = 20

// Find implements chain.Finder. The first node that knows the transaction answers.
func (d *Driver) Find(ctx context.Context, hash string) (p chain.Place, ok bool, err error) {
	hash, valid := parseHash(hash)
	if !valid {
		return p, false, nil
	}
	nodes, err := d.ready()
	if err != nil {
		return p, false, err
	}
	var errs []error
	for _, n := range nodes.Ready() {
		var answer Transactions
		if err := n.get(ctx, "/transactions", &answer, "hash", hash, "limit", "1"); err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		for _, t := range answer.Transactions {
			if h, err := hexHash(t.Hash); err == nil && h == hash {
				return chain.Place{Mined: true, Height: uint64(t.McSeqno), Failed: t.Description.Bounce != nil}, true, nil
			}
		}
		errs = append(errs, nil)
	}
	if slices.Contains(errs, nil) {
		return p, false, nil
	}
	return p, false, errors.Join(errs...)
}

// Mentions implements chain.Finder: it reads the histories of the addresses and of their jetton
// wallets.
func (d *Driver) Mentions(ctx context.Context, addresses []string, from, to uint64) (heights []uint64, err error) {
	nodes, err := d.ready()
	if err != nil || len(addresses) == 0 {
		return nil, err
	}
	var accounts []Address
	for _, text := range addresses {
		a, err := Parse(text, false)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
		for _, t := range d.Tokens {
			j, err := d.jetton(ctx, t.Address)
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, j.Wallet(a))
		}
	}
	err = nodes.Try(ctx, func(n *Node) error {
		heights = nil
		for part := range slices.Chunk(accounts, 50) {
			if err := n.History(ctx, historyPages, func(t Tx) bool {
				if h := uint64(t.McSeqno); h <= to && h >= from {
					heights = append(heights, h)
				}
				return uint64(t.McSeqno) >= from
			}, part...); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	slices.Sort(heights)
	return slices.Compact(heights), err
}

// Due returns how much native coin was paid to an address and has not left it: the sum that
// scans found, less what they found to have left. The account itself may hold a little more,
// which the relayer brought, or less, which the network took for keeping it.
func (n *Node) Due(ctx context.Context, a Address) (*big.Int, error) {
	due := new(big.Int)
	err := n.History(ctx, historyPages, func(t Tx) bool {
		if units, _ := t.paid(); units != nil {
			due.Add(due, units)
		}
		for _, m := range t.Out {
			if units, _ := m.spent(); units != nil {
				due.Sub(due, units)
			}
		}
		return true
	}, a)
	return due, err
}
