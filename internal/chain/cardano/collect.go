package cardano

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// mine asks which of the addresses that something went to, or whose keys have signed, are
// ours.
func (d *Driver) mine(ctx context.Context, blocks []*block, ours chain.Ours) (map[string]string, error) {
	addresses := map[string]bool{}
	for _, b := range blocks {
		for _, t := range b.txs {
			for _, m := range t.Makes() {
				addresses[m.Address] = true
			}
			for _, a := range d.signers(t) {
				addresses[a] = true
			}
		}
	}
	delete(addresses, "")
	if len(addresses) == 0 {
		return nil, nil
	}
	ask := make([]string, 0, len(addresses))
	for a := range addresses {
		ask = append(ask, a)
	}
	slices.Sort(ask)
	mine, err := ours(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("ask which of %d addresses are ours: %w", len(ask), err)
	}
	return mine, nil
}

// signers returns the addresses that the signatures let a transaction spend from, of those
// that a key alone holds.
func (d *Driver) signers(t *Tx) (addresses []string) {
	for _, w := range t.Witnesses {
		addresses = append(addresses, NetOf(d.Magic).Enterprise(w.Key))
	}
	return addresses
}

// An output's ADA and each of its assets have a number of their own within the transaction,
// which depends on nothing but the output: its index, and the asset's rank within it. Those
// of sweeps are above all of these.
const (
	perOutput  = 1 << 16
	firstSweep = 1 << 32
)

// amount is a part of an output that counts.
type amount struct {
	token string
	rank  int
	units *big.Int
}

// amounts returns what counts of a value. The ADA beside a token that is taken is what the
// ledger demands of every output: nobody has paid it.
func (d *Driver) amounts(v Value) (all []amount) {
	for i, unit := range v.Units() {
		if d.taken[unit] && v.Assets[unit] > 0 {
			all = append(all, amount{unit, i + 1, new(big.Int).SetUint64(v.Assets[unit])})
		}
	}
	if len(all) == 0 && v.Lovelace > 0 {
		all = []amount{{units: new(big.Int).SetUint64(v.Lovelace)}}
	}
	return all
}

// collect adds what a transaction did to addresses of ours: what it took from them less what
// it gave back is a sweep; what more it gave is deposits.
func (d *Driver) collect(ctx context.Context, n *endpoint, found *chain.Found, at pay.Block, t *Tx, mine map[string]string, known map[Hash]*Tx) error {
	spent, err := d.spent(ctx, n, t, mine, known)
	if err != nil {
		return err
	}
	for _, m := range t.Makes() {
		if mine[m.Address] == "" {
			continue
		}
		for _, a := range d.amounts(m.Value) {
			for _, s := range spent {
				if s.Address == m.Address && s.Token == a.token {
					back := a.units
					if s.units.Cmp(back) < 0 {
						back = s.units
					}
					s.units, a.units = new(big.Int).Sub(s.units, back), new(big.Int).Sub(a.units, back)
				}
			}
			if a.units.Sign() > 0 {
				found.Deposits = append(found.Deposits, pay.Deposit{
					Network: d.Network, TxHash: t.Hash.String(), Index: m.Index*perOutput + a.rank, Block: at,
					Address: m.Address, Token: a.token, Units: money.NewUnits(a.units),
				})
			}
		}
	}
	for _, s := range spent {
		if s.units.Sign() > 0 {
			s.Network, s.TxHash, s.Block, s.Units, s.To = d.Network, t.Hash.String(), at, money.NewUnits(s.units), d.receiver(t, s.Sweep, mine)
			found.Sweeps = append(found.Sweeps, s.Sweep)
		}
	}
	return nil
}

// receiver is where a sweep went: to the first address not of ours that got any of it.
// A settlement of ours has its receiver before what is left of the fees.
func (d *Driver) receiver(t *Tx, s pay.Sweep, mine map[string]string) (to string) {
	for _, m := range t.Makes() {
		has := s.Token == "" || m.Value.Assets[s.Token] > 0 // ADA may lie beside tokens that were swept too
		if mine[m.Address] == "" && m.Address != "" && (has || to == "") {
			if to = m.Address; has {
				return to
			}
		}
	}
	return to
}

// taking is a sweep whose units are still being counted.
type taking struct {
	pay.Sweep
	units *big.Int
}

// spent returns what a transaction took from addresses of ours, one for each of them and
// token. What its inputs hold is read from the transactions that made them.
func (d *Driver) spent(ctx context.Context, n *endpoint, t *Tx, mine map[string]string, known map[Hash]*Tx) (all []*taking, err error) {
	if !slices.ContainsFunc(d.signers(t), func(a string) bool { return mine[a] != "" }) {
		return nil, nil
	}
	if err := n.origins(ctx, t, known); err != nil {
		return nil, err
	}
	for i, in := range t.Spends() {
		o, ok := known[in.Hash].output(in.Index)
		if !ok {
			return nil, fmt.Errorf("%s: %s spends output %d of %s, which has none", n.Name, t.Hash, in.Index, in.Hash)
		}
		if mine[o.Address] == "" {
			continue
		}
		for _, a := range d.amounts(o.Value) {
			at := slices.IndexFunc(all, func(s *taking) bool { return s.Address == o.Address && s.Token == a.token })
			if at < 0 {
				at, all = len(all), append(all, &taking{pay.Sweep{Index: firstSweep + i*perOutput + a.rank, Address: o.Address, Token: a.token}, new(big.Int)})
			}
			all[at].units = new(big.Int).Add(all[at].units, a.units)
		}
	}
	return all, nil
}
