package cardano

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

const (
	maxPurse  = 20  // of the fee payer's outputs that pay for one transaction
	maxInputs = 100 // of one transaction: the watcher asks a node for the origin of each
)

// plan is a transaction that is being put together: what it takes from deposit addresses
// goes whole to their receivers, and the fee payer pays for the rest.
type plan struct {
	params cardano.Params
	purse  []cardano.Unspent // of the fee payer, the largest first
	payer  string
	ttl    uint64
	parts  []part
	left   map[pay.SweepItem]string
}

// part is what is taken from one address.
type part struct {
	items    []pay.SweepItem
	key      cardano.Key
	receiver string
	unspent  []cardano.Unspent
}

// shortage is that the fee payer holds too little.
type shortage struct{ need uint64 }

func (s shortage) Error() string {
	return fmt.Sprintf("the fee payer needs %d lovelace", s.need)
}

// byAddress groups items, in their order.
func byAddress(items []pay.SweepItem) (groups [][]pay.SweepItem) {
	for _, i := range items {
		at := slices.IndexFunc(groups, func(g []pay.SweepItem) bool { return g[0].Address == i.Address })
		if at < 0 {
			at, groups = len(groups), append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// take adds as much of what lies at an address as there is room for. Items that it cannot
// move are left; full reports that there is no room for more.
func (m *Mover) take(ctx context.Context, p *plan, items []pay.SweepItem) (full bool, err error) {
	leave := func(reason string) (bool, error) {
		for _, i := range items {
			p.left[i] = reason
		}
		return false, nil
	}
	first := items[0]
	index, err := strconv.ParseUint(first.Salt, 10, 31)
	if err != nil {
		return leave("its index is not known")
	}
	key, err := m.Key(uint32(index))
	if err != nil {
		return false, fmt.Errorf("the key of the address with index %d: %w", index, err)
	}
	if m.net().Enterprise(key.Public()) != first.Address {
		return leave("the keys of this deployment are not those of the address")
	}
	if receiver, err := m.net().Canonical(first.Receiver); err != nil || receiver != first.Receiver {
		return leave("the merchant's address is not one of this network that can be paid")
	}
	rest, err := m.Driver.Unspent(ctx, first.Address, func(u cardano.Unspent) bool { return !u.Script })
	if err != nil {
		return false, fmt.Errorf("%w: %s: %w", settle.ErrUnread, first.Address, err)
	}
	slices.SortStableFunc(rest, plainest)
	wanted := part{key: key, receiver: first.Receiver}
	for _, i := range items {
		holds := func(u cardano.Unspent) bool { return i.Token == "" || u.Value.Assets[i.Token] > 0 }
		at := slices.IndexFunc(rest, holds)
		if at < 0 && !slices.ContainsFunc(wanted.unspent, holds) {
			p.left[i] = "nothing of it lies at the address that can be moved; it may be on its way already"
			continue
		}
		if wanted.items = append(wanted.items, i); at >= 0 { // what is asked for goes before what only lies beside it
			wanted.unspent = append(wanted.unspent, rest[at])
			rest = slices.Delete(rest, at, at+1)
		}
	}
	if len(wanted.items) == 0 {
		return false, nil
	}
	p.parts = append(p.parts, part{items: wanted.items, key: key, receiver: wanted.receiver})
	last := &p.parts[len(p.parts)-1]
	for _, u := range append(wanted.unspent, rest...) {
		last.unspent = append(last.unspent, u)
		fits, long, err := p.fits()
		if err != nil {
			return false, err
		}
		if !fits {
			last.unspent = last.unspent[:len(last.unspent)-1]
		}
		if full = long; full {
			break
		}
	}
	last.items = slices.DeleteFunc(last.items, func(i pay.SweepItem) bool {
		return !slices.ContainsFunc(last.unspent, func(u cardano.Unspent) bool { return i.Token == "" || u.Value.Assets[i.Token] > 0 })
	})
	if len(last.items) > 0 {
		return full, nil
	}
	if p.parts = p.parts[:len(p.parts)-1]; len(p.parts) == 0 {
		return leave("what lies at the address is too much for one transaction")
	}
	return full, nil
}

// outputs returns one output for each receiver, in the order of the parts; ok is false when
// one holds more than the ledger can count.
func (p *plan) outputs() (all []cardano.Output, ok bool) {
	for _, part := range p.parts {
		at := slices.IndexFunc(all, func(o cardano.Output) bool { return o.Address == part.receiver })
		if at < 0 {
			at, all = len(all), append(all, cardano.Output{Address: part.receiver})
		}
		for _, u := range part.unspent {
			if all[at].Value, ok = all[at].Value.Add(u.Value); !ok {
				return nil, false
			}
		}
	}
	return all, true
}

// fits reports whether the transaction is one that the ledger takes, as to its size, and that
// is read back soon. When it is too long there is no room for anything else; when an output would hold too much there
// is, for what holds less.
func (p *plan) fits() (fits, long bool, err error) {
	outputs, ok := p.outputs()
	for _, o := range outputs {
		holds, err := o.Value.Fits(p.params.MaxValue)
		if err != nil {
			return false, false, err
		}
		ok = ok && holds
	}
	if !ok {
		return false, false, nil
	}
	d := p.shape(outputs, min(len(p.purse), maxPurse))
	size, err := d.Size(len(p.parts) + 1)
	long = size > p.params.MaxTx || len(d.Inputs) > maxInputs
	return !long, long, err
}

// shape is the transaction without its fee: as long as it will be, or longer.
func (p *plan) shape(outputs []cardano.Output, purse int) cardano.Draft {
	d := cardano.Draft{TTL: p.ttl, Fee: 1 << 31, Outputs: append(slices.Clone(outputs), cardano.Output{Address: p.payer, Value: cardano.Value{Lovelace: sum(p.purse[:purse])}})}
	for _, u := range p.purse[:purse] {
		d.Inputs = append(d.Inputs, u.Ref)
	}
	for _, part := range p.parts {
		for _, u := range part.unspent {
			d.Inputs = append(d.Inputs, u.Ref)
		}
	}
	return d
}

// leaveDust takes out what is less for its receiver than the ledger lets an output hold.
// What comes with tokens is not left: there the fee payer adds what is missing.
func (p *plan) leaveDust() error {
	outputs, _ := p.outputs() // what was added fits
	for _, o := range outputs {
		least, err := o.Least(p.params.PerByte)
		if err != nil {
			return err
		}
		if len(o.Value.Assets) > 0 || o.Value.Lovelace >= least {
			continue
		}
		p.parts = slices.DeleteFunc(p.parts, func(part part) bool {
			if part.receiver != o.Address {
				return false
			}
			for _, i := range part.items {
				p.left[i] = fmt.Sprintf("%d lovelace are less than the %d that the network lets an address receive; they wait for more", o.Value.Lovelace, least)
			}
			return true
		})
	}
	return nil
}

// draft completes the transaction with its fee and what is left for the fee payer. The error
// is a shortage when that holds too little.
func (p *plan) draft() (cardano.Draft, error) {
	outputs, _ := p.outputs()
	var added uint64
	for i, o := range outputs {
		least, err := o.Least(p.params.PerByte)
		if err != nil {
			return cardano.Draft{}, err
		}
		if o.Value.Lovelace < least {
			added += least - o.Value.Lovelace
			outputs[i].Value.Lovelace = least
		}
	}
	change, err := cardano.Output{Address: p.payer}.Least(p.params.PerByte)
	if err != nil {
		return cardano.Draft{}, err
	}
	var need uint64
	for n := range min(len(p.purse), maxPurse) + 1 {
		d := p.shape(outputs, n)
		size, err := d.Size(len(p.parts) + 1)
		if err != nil {
			return d, err
		}
		d.Fee = p.params.FeePerByte*uint64(size) + p.params.FeeBase
		need = d.Fee + added + change
		last := &d.Outputs[len(d.Outputs)-1].Value
		if last.Lovelace >= need {
			last.Lovelace -= d.Fee + added
			return d, nil
		}
	}
	return cardano.Draft{}, shortage{need}
}

// keys are those that must sign beside the fee payer's, each once.
func (p *plan) keys() (keys []cardano.Key) {
	for _, part := range p.parts {
		keys = append(keys, part.key)
	}
	return keys
}

func (p *plan) items() (items []pay.SweepItem) {
	for _, part := range p.parts {
		items = append(items, part.items...)
	}
	return items
}

// plainest is the order in which outputs are taken: those with the fewest assets first, as
// anybody can send more of them, and of these the ones with the most ADA.
func plainest(a, b cardano.Unspent) int {
	return cmp.Or(cmp.Compare(len(a.Value.Assets), len(b.Value.Assets)), cmp.Compare(b.Value.Lovelace, a.Value.Lovelace))
}

func sum(all []cardano.Unspent) (lovelace uint64) {
	for _, u := range all {
		lovelace += u.Value.Lovelace
	}
	return lovelace
}
