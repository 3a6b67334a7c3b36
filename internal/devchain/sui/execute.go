package sui

import (
	"errors"
	"math"
	"slices"

	"github.com/pepay/pepay/internal/chain/sui"
)

// gas is what a transaction costs, in MIST.
type gas struct{ computation, storage, rebate, kept uint64 }

// What the real network charges, roughly.
const (
	objectStorage = 988_000 // for a coin, of which 1% is not given back
	minBudget     = 1000 * GasPrice
	maxBudget     = 50_000_000_000
)

// errRefused is of a transaction that never is executed: it has no effect, and costs nothing.
type errRefused string

func (e errRefused) Error() string { return string(e) }

// check refuses a transaction that validators would not sign.
func (c *Chain) check(t sui.Transaction) error {
	if t.Expires.Epoch < c.epoch {
		return errRefused("Transaction Expired")
	}
	if t.Expires.Chain != (sui.Digest{}) && (t.Expires.Chain != c.blocks[0].digest || t.Expires.Epoch > c.epoch+1) {
		return errRefused("Invalid expiration")
	}
	if t.Price < GasPrice || t.Budget < minBudget || t.Budget > maxBudget {
		return errRefused("Gas price or budget out of range")
	}
	used := map[sui.Address]bool{}
	own := func(ref sui.ObjectRef, owner sui.Address) (object, error) {
		o, ok := c.state.objects[ref.ID]
		switch {
		case !ok:
			return o, errRefused("Could not find the referenced object")
		case o.ObjectRef != ref:
			return o, errRefused("Object is not available for consumption: its version has changed")
		case o.owner != owner:
			return o, errRefused("Object is owned by another account")
		case used[ref.ID]:
			return o, errRefused("Mutable object used more than once")
		case c.denied[holder{owner, o.coin}]:
			return o, errRefused("Address is denied for coin " + o.coin)
		}
		used[ref.ID] = true
		return o, nil
	}
	takes := map[holder]uint64{}
	for _, in := range t.Inputs {
		if in.Object != nil {
			if _, err := own(*in.Object, t.Sender); err != nil {
				return err
			}
		}
		if in.Withdraw != nil {
			h := holder{t.Sender, in.Withdraw.Coin}
			if c.denied[h] {
				return errRefused("Address is denied for coin " + h.coin)
			}
			if takes[h] += in.Withdraw.Units; takes[h] > c.state.held[h] || in.Withdraw.Units == 0 {
				return errRefused("Insufficient funds for a withdrawal")
			}
		}
	}
	var paid uint64
	for _, ref := range t.Payment {
		o, err := own(ref, t.Payer)
		if err != nil {
			return err
		}
		if o.coin != sui.Native {
			return errRefused("Gas object is not SUI")
		}
		paid += o.units
	}
	if len(t.Payment) == 0 {
		if t.Expires.Chain == (sui.Digest{}) {
			return errRefused("Transactions without gas payment must be valid during an epoch")
		}
		h := holder{t.Payer, sui.Native}
		paid = c.state.held[h] - min(takes[h], c.state.held[h])
	}
	if paid < t.Budget {
		return errRefused("Balance of gas object is lower than the needed amount")
	}
	return nil
}

// coin is a coin while a transaction works on it.
type coin struct {
	object
	gone bool
}

// execute runs a checked transaction on a copy of the state, which becomes the state.
func (c *Chain) execute(t sui.Transaction, digest sui.Digest) *tx {
	before, s := c.state.sums(), c.state.clone()
	out := &tx{digest: digest, sender: t.Sender}
	version := uint64(0)
	for _, o := range s.objects {
		version = max(version, o.Version+1)
	}
	objects, done := c.commands(t, digest, s)
	out.gas = gas{computation: 1000 * t.Price, storage: uint64(objects) * objectStorage}
	for _, in := range t.Inputs {
		if in.Object != nil {
			out.gas.rebate += objectStorage
		}
	}
	out.gas.kept, out.gas.rebate = out.gas.rebate/100, out.gas.rebate-out.gas.rebate/100
	if done == nil && out.gas.computation+out.gas.storage > t.Budget {
		done = errors.New("InsufficientGas")
	}
	if done != nil { // only gas is taken, and versions move on
		out.failure, s = done.Error(), c.state.clone()
		out.gas = gas{computation: 1000 * t.Price}
	}
	c.charge(t, s, out.gas)
	for _, ref := range slices.Concat(t.Payment, inputs(t)) {
		if o, ok := s.objects[ref.ID]; ok {
			o.Version, o.Digest, o.by = version, c.fresh("version"), digest
			s.objects[ref.ID] = o
		}
	}
	c.state = s
	c.executed(out, before)
	return out
}

func inputs(t sui.Transaction) (refs []sui.ObjectRef) {
	for _, in := range t.Inputs {
		if in.Object != nil {
			refs = append(refs, *in.Object)
		}
	}
	return refs
}

// commands runs the commands on a state, and returns how many coins they leave.
func (c *Chain) commands(t sui.Transaction, digest sui.Digest, s state) (objects int, failure error) {
	var ins, results []*coin
	for _, in := range t.Inputs {
		var v *coin
		if in.Object != nil {
			v = &coin{object: s.objects[in.Object.ID]}
		}
		ins = append(ins, v)
	}
	get := func(a sui.Argument) *coin {
		from := ins
		if a.Result {
			from = results
		}
		if int(a.N) >= len(from) || from[a.N] == nil || from[a.N].gone {
			return nil
		}
		return from[a.N]
	}
	for _, cmd := range t.Commands {
		var result *coin
		switch cmd.Kind {
		case sui.Redeem:
			if len(cmd.Coins) != 1 || cmd.Coins[0].Result || int(cmd.Coins[0].N) >= len(t.Inputs) {
				return 0, errors.New("CommandArgumentError")
			}
			w := t.Inputs[cmd.Coins[0].N].Withdraw
			if w == nil || w.Coin != cmd.Coin {
				return 0, errors.New("CommandArgumentError: TypeMismatch")
			}
			s.held[holder{t.Sender, w.Coin}] -= w.Units
			ref := sui.ObjectRef{ID: c.fresh("object"), Version: 1, Digest: c.fresh("version")}
			result = &coin{object: object{ref, t.Sender, w.Coin, w.Units, digest}}
		case sui.Merge:
			into := get(cmd.Into)
			for _, a := range cmd.Coins {
				from := get(a)
				if into == nil || from == nil || from == into || from.coin != into.coin || into.units > math.MaxUint64-from.units {
					return 0, errors.New("CommandArgumentError")
				}
				into.units, from.gone = into.units+from.units, true
				delete(s.objects, from.ID)
			}
			if into != nil && ownedBy(s, into.ID, t.Sender) {
				s.objects[into.ID] = into.object
			}
		case sui.Transfer:
			to, ok := receiver(t, cmd.Into)
			for _, a := range cmd.Coins {
				v := get(a)
				if v == nil || !ok {
					return 0, errors.New("CommandArgumentError")
				}
				if c.denied[holder{to, v.coin}] {
					return 0, errors.New("AddressDeniedForCoin")
				}
				v.owner, v.gone = to, true
				s.objects[v.ID] = v.object
				objects++
			}
		}
		results = append(results, result)
	}
	for _, v := range results {
		if v != nil && !v.gone {
			return 0, errors.New("UnusedValueWithoutDrop")
		}
	}
	return objects, nil
}

func ownedBy(s state, id, owner sui.Address) bool {
	o, ok := s.objects[id]
	return ok && o.owner == owner
}

func receiver(t sui.Transaction, a sui.Argument) (to sui.Address, ok bool) {
	if a.Result || int(a.N) >= len(t.Inputs) || len(t.Inputs[a.N].Pure) != len(to) {
		return to, false
	}
	copy(to[:], t.Inputs[a.N].Pure)
	return to, true
}

// charge takes the gas: from the first of the coins, into which the others are merged, or
// from what the payer holds without objects.
func (c *Chain) charge(t sui.Transaction, s state, g gas) {
	if len(t.Payment) == 0 {
		s.held[holder{t.Payer, sui.Native}] += g.rebate - g.computation - g.storage // wraps around, and back
		return
	}
	first := s.objects[t.Payment[0].ID]
	for _, ref := range t.Payment[1:] {
		first.units += s.objects[ref.ID].units
		delete(s.objects, ref.ID)
	}
	first.units += g.rebate - g.computation - g.storage
	s.objects[first.ID] = first
}
