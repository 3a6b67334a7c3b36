package cardano

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/pepay/pepay/internal/chain/cardano"
)

// Submit takes a signed transaction into what waits, or says which rule it breaks.
func (c *Chain) Submit(raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.submit(raw)
}

func (c *Chain) submit(raw []byte) error {
	t, err := cardano.DecodeTx(raw)
	if err != nil {
		return err
	}
	if c.txs[t.Hash.String()] != nil {
		return errors.New("the transaction is known already")
	}
	if err := c.check(t); err != nil {
		return err
	}
	c.do(&entry{Tx: t, raw: raw, ruled: true})
	return nil
}

// check holds a transaction to the ledger's rules, as of the next block.
func (c *Chain) check(t *cardano.Tx) error {
	p := c.o.Params
	slot := c.blocks[len(c.blocks)-1].slot + 1
	least := p.FeePerByte*uint64(t.Size) + p.FeeBase
	switch {
	case !t.Valid:
		return errors.New("no scripts here")
	case t.Size > p.MaxTx:
		return fmt.Errorf("MaxTxSizeUTxO: %d bytes of %d", t.Size, p.MaxTx)
	case t.Fee < least:
		return fmt.Errorf("FeeTooSmallUTxO: %d of %d", t.Fee, least)
	case t.TTL != 0 && t.TTL <= slot:
		return fmt.Errorf("OutsideValidityIntervalUTxO: %d at %d", t.TTL, slot)
	case len(t.Spends()) == 0:
		return errors.New("InputSetEmptyUTxO")
	case !t.Verify():
		return errors.New("InvalidWitnessesUTXOW")
	}
	signed := map[string]bool{}
	for _, w := range t.Witnesses {
		signed[cardano.Testnet.Enterprise(w.Key)] = true
	}
	in, made := cardano.Value{}, cardano.Value{Lovelace: t.Fee}
	seen, ok := map[cardano.Ref]bool{}, false
	for _, r := range t.Spends() {
		o := c.outs[r]
		if o == nil || o.taken != nil || seen[r] {
			return fmt.Errorf("BadInputsUTxO: %s#%d", r.Hash, r.Index)
		}
		if seen[r] = true; !signed[o.Address] {
			return fmt.Errorf("MissingVKeyWitnessesUTXOW: for %s", o.Address)
		}
		if in, ok = in.Add(o.Value); !ok {
			return errors.New("too much")
		}
	}
	for _, m := range t.Makes() {
		if _, err := cardano.Testnet.Canonical(m.Address); err != nil {
			return fmt.Errorf("WrongNetwork: the address %s %w", m.Address, err)
		}
		least, err := m.Least(p.PerByte)
		fits, fitsErr := m.Value.Fits(p.MaxValue)
		if err := errors.Join(err, fitsErr); err != nil {
			return err
		}
		if m.Value.Lovelace < least {
			return fmt.Errorf("BabbageOutputTooSmallUTxO: %d of %d", m.Value.Lovelace, least)
		}
		if !fits {
			return fmt.Errorf("OutputTooBigUTxO: more than %d bytes, or too many assets", p.MaxValue)
		}
		for unit, n := range m.Value.Assets {
			if n == 0 {
				return fmt.Errorf("none of %s", unit)
			}
		}
		if made, ok = made.Add(m.Value); !ok {
			return errors.New("too much")
		}
	}
	if in.Lovelace != made.Lovelace || len(in.Assets)+len(made.Assets) > 0 && !reflect.DeepEqual(in.Assets, made.Assets) {
		return fmt.Errorf("ValueNotConservedUTxO: %+v to %+v", in, made)
	}
	return nil
}
