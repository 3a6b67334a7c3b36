package sui

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

const (
	maxCoins  = 200 // of deposits in one transaction, so that dust cannot make it too large
	maxGas    = 16  // coins that pay for one transaction
	coinsPage = 250 // coins in one answer; the largest come first
)

// holding is what an address holds of the coin of an item.
type holding struct {
	item  pay.SweepItem
	coin  string // full type
	to    sui.Address
	coins []coin
	held  uint64 // without an object
}

type coin struct {
	sui.ObjectRef
	units uint64
}

// holdings reads what there is to move of an address's items. Of one with nothing, the
// reason is left.
func (m *Mover) holdings(ctx context.Context, n *sui.Node, items []pay.SweepItem, left map[pay.SweepItem]string) (found []holding, err error) {
	room := maxCoins
	for _, i := range items {
		h := holding{item: i, coin: i.Token}
		if h.coin == "" {
			h.coin = sui.Native
		}
		if h.to, err = sui.ParseAddress(i.Receiver); err != nil {
			left[i] = "the receiver is not an address: " + err.Error()
			continue
		}
		if h.coins, err = coins(ctx, n, i.Address, h.coin); err != nil {
			return nil, err
		}
		h.coins = h.coins[:min(room, len(h.coins))]
		if h.held, _, err = balance(ctx, n, i.Address, h.coin); err != nil {
			return nil, err
		}
		if len(h.coins) == 0 && h.held == 0 {
			left[i] = "the address holds nothing that could be moved yet"
			continue
		}
		room -= len(h.coins)
		found = append(found, h)
	}
	return found, nil
}

// coins returns an owner's coins of a type, the largest of many.
func coins(ctx context.Context, n *sui.Node, owner, kind string) (cs []coin, err error) {
	m, err := n.Call(ctx, sui.ListOwnedObjects, sui.Fields{}.Text(1, owner).Uint(2, coinsPage).
		Mask(4, "object_id", "version", "digest", "owner", "balance").Text(5, "0x2::coin::Coin<"+kind+">"))
	if err != nil {
		return nil, err
	}
	err = m.Each(1, func(o sui.Message) error {
		holds, err := o.At(5)
		if err != nil || holds.Uint(1) != ownedByAddress {
			return err
		}
		c := coin{units: o.Uint(101)}
		if c.ID, err = sui.ParseAddress(o.Text(2)); err != nil {
			return fmt.Errorf("%s: the id of a coin: %w", n.Name, err)
		}
		if c.Digest, err = sui.ParseDigest(o.Text(4)); err != nil {
			return fmt.Errorf("%s: the digest of a coin: %w", n.Name, err)
		}
		c.Version = o.Uint(3)
		if c.units > 0 && !slices.Contains(cs, c) {
			cs = append(cs, c)
		}
		return nil
	})
	slices.SortStableFunc(cs, func(a, b coin) int { return new(big.Int).SetUint64(b.units).Cmp(new(big.Int).SetUint64(a.units)) })
	return cs, err
}

// ownedByAddress is the kind of owner whose signature alone moves an object.
const ownedByAddress = 1

// balance returns what an owner holds of a coin: without objects, and in all.
func balance(ctx context.Context, n *sui.Node, owner, kind string) (held, all uint64, err error) {
	m, err := n.Call(ctx, sui.GetBalance, sui.Fields{}.Text(1, owner).Text(2, kind))
	if err != nil {
		return 0, 0, err
	}
	b, err := m.At(1)
	return b.Uint(4), b.Uint(3), err
}

// gas is how the next transaction is paid for, and until when it is valid.
type gas struct {
	payment []sui.ObjectRef
	price   uint64
	expires sui.Expiration
}

// gas chooses coins of the sponsor, the largest first; or, if it has too little in coins,
// what it holds without.
func (m *Mover) gas(ctx context.Context, n *sui.Node, epoch uint64) (g gas, err error) {
	a, err := n.Call(ctx, sui.GetEpoch, sui.Fields{}.Mask(2, "epoch", "reference_gas_price"))
	if err != nil {
		return g, err
	}
	e, err := a.At(1)
	if err != nil {
		return g, err
	}
	if g.price, g.expires.Epoch = e.Uint(8), epoch; g.price == 0 {
		return g, fmt.Errorf("%s says that gas has no price", n.Name)
	}
	owner := m.sponsor().String()
	held, all, err := balance(ctx, n, owner, sui.Native)
	if err != nil {
		return g, err
	}
	m.looked(all)
	cs, err := coins(ctx, n, owner, sui.Native)
	if err != nil {
		return g, err
	}
	sum := uint64(0)
	for _, c := range cs[:min(maxGas, len(cs))] {
		if sum < m.budget() {
			g.payment, sum = append(g.payment, c.ObjectRef), sum+c.units
		}
	}
	if sum >= m.budget() {
		return g, nil
	}
	if held < m.budget() {
		return g, fmt.Errorf("%w: %s has %d MIST and needs %d in one piece; send it some", settle.ErrNoGas, owner, max(held, sum), m.budget())
	}
	// Without a coin that is used up, something else must tell this transaction from the next.
	head, err := n.Call(ctx, sui.GetServiceInfo, nil)
	if err != nil {
		return g, err
	}
	g.payment, g.expires.Nonce = nil, uint32(head.Uint(4)) //nolint:gosec // only to differ
	g.expires.Chain, err = sui.ParseDigest(m.Chain)
	return g, err
}

// Look implements settle.Mover.
func (m *Mover) Look(ctx context.Context) error {
	nodes, err := m.ready()
	if err != nil {
		return err
	}
	return nodes.Try(ctx, func(n *sui.Node) error {
		_, all, err := balance(ctx, n, m.sponsor().String(), sui.Native)
		if err == nil {
			m.looked(all)
		}
		return err
	}, nil)
}

func (m *Mover) looked(have uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.have = new(big.Int).SetUint64(have)
}

// Holds implements settle.Mover, in MIST.
func (m *Mover) Holds() (units *big.Int, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.have, m.have != nil
}

// Shortage implements settle.Mover.
func (m *Mover) Shortage() string {
	have, known := m.Holds()
	if need := new(big.Int).SetUint64(m.budget()); known && have.Cmp(need) < 0 {
		return fmt.Sprintf("%s has %s MIST and needs %s for the next transaction; send it some SUI", m.sponsor(), have, need)
	}
	return ""
}
