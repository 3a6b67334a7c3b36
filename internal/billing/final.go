package billing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Rewind implements chain.Book: what was seen above the final block is in doubt
// until the blocks have been read again. Nothing is announced yet; most of it will
// be there again.
func (b *Book) Rewind(ctx context.Context) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		_, final, _, err := tx.Position(b.Network.Name)
		if err != nil {
			return err
		}
		if err := tx.Doubt(b.Network.Name, final.Height); err != nil {
			return err
		}
		if err := tx.ForgetSweeps(b.Network.Name, final.Height); err != nil {
			return err
		}
		return tx.SavePosition(b.Network.Name, final, final)
	})
}

// Finalize implements chain.Book: payments in blocks up to final count now, and
// what was swept up to it has reached the merchants.
func (b *Book) Finalize(ctx context.Context, final pay.Block) error {
	at := b.while(func(scanned, was pay.Block) bool { return was.Height < final.Height && final.Height <= scanned.Height })
	if err := b.each(ctx, pay.Doubtful, final.Height, pay.Gone, at); err != nil {
		return err
	}
	if err := b.each(ctx, pay.Seen, final.Height, pay.Final, at); err != nil {
		return err
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := at(tx); err != nil {
			return err
		}
		sweeps, err := tx.FinalizeSweeps(b.Network.Name, final.Height)
		if err != nil {
			return err
		}
		done := map[[2]string]bool{}
		for _, s := range sweeps {
			if at := [2]string{s.Address, s.Token}; !done[at] {
				done[at] = true
				if err := b.settled(tx, s); err != nil {
					return err
				}
			}
		}
		scanned, _, _, err := tx.Position(b.Network.Name)
		if err != nil {
			return err
		}
		return tx.SavePosition(b.Network.Name, scanned, final)
	})
}

// settled records which payments to a swept address have reached the merchant.
func (b *Book) settled(tx *store.Tx, s pay.Sweep) error {
	a, ok, err := tx.AddressAt(s.Network, s.Address)
	if err != nil || !ok {
		return err
	}
	i, err := tx.InvoiceForUpdate(a.InvoiceID)
	if err != nil {
		return err
	}
	ps, err := tx.PaymentsAt(s.Network, s.Address, s.Token)
	if err != nil {
		return err
	}
	sweeps, err := tx.SweepsAt(s.Network, s.Address, s.Token, true)
	if err != nil {
		return err
	}
	if own := slices.DeleteFunc(slices.Clone(sweeps), func(s pay.Sweep) bool { return s.To != a.Receiver }); len(own) < len(sweeps) {
		b.Log.Error("what a deposit address held went elsewhere than to its merchant: a person must look", "network", s.Network, "address", s.Address, "tx", s.TxHash, "to", s.To)
		sweeps = own
	}
	were := map[string]pay.Payment{}
	for _, p := range ps {
		were[p.ID] = p
	}
	for _, p := range pay.Settle(ps, sweeps, tx.Now()) {
		if p, err = numbered(tx, p); err != nil {
			return err
		}
		if err := b.announcePayment(tx, i, were[p.ID], p); err != nil {
			return err
		}
	}
	return nil
}

// probeShare is how the time between two looks at an address's balance grows: a
// fiftieth of the time since it was last given out, at most maxProbe.
const (
	probeShare = 50
	maxProbe   = 6 * time.Hour
)

// Probes implements chain.Book. Young addresses come back with every block, old
// ones ever more rarely, none never: the work for a block does not grow with the
// number of addresses.
func (b *Book) Probes(ctx context.Context, limit int) (ps []pay.Probe, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		ps = nil
		as, err := tx.ProbeAddresses(b.Network.Name, limit)
		for _, a := range as {
			p := pay.Probe{Address: a.Address}
			if p.Expected, err = b.held(tx, a.Network, a.Address); err != nil {
				return err
			}
			last, err := tx.QuotedAt(a.Network, a.Address)
			if err != nil {
				return err
			}
			wait := min(max(tx.Now().Sub(last)/probeShare, b.Network.BlockTime/2), maxProbe)
			if err := tx.ProbeAgain(a, tx.Now().Add(wait)); err != nil {
				return err
			}
			ps = append(ps, p)
		}
		return err
	})
	return ps, err
}

// held is how much native coin an address has by what we have seen of it.
func (b *Book) held(tx *store.Tx, n pay.NetworkName, address string) (money.Units, error) {
	var sum money.Units
	ps, err := tx.PaymentsAt(n, address, "")
	if err != nil {
		return sum, err
	}
	for _, p := range ps {
		if p.Sight == pay.Seen || p.Sight == pay.Final {
			sum = sum.Add(p.Units)
		}
	}
	sweeps, err := tx.SweepsAt(n, address, "", false)
	for _, s := range sweeps {
		sum, _ = sum.Sub(s.Units) // never more than there was: see swept
	}
	return sum, err
}

// errNoPrice makes a pricing job try again.
var errNoPrice = errors.New("no price source could value a payment yet")

// Price values the final payments of an invoice that no quote covers and for which
// there was no price when they came. The error says that some still have none; the others
// are valued all the same.
func (b *Billing) Price(ctx context.Context, invoice string) error {
	var ps []pay.Payment
	if err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		ps, err = tx.PaymentsOf(invoice)
		return err
	}); err != nil {
		return err
	}
	rates, missing := map[int64]money.Rate{}, error(nil)
	for _, p := range ps {
		if _, asked := rates[p.TokenID]; asked || p.Priced() || p.Sight != pay.Final {
			continue
		}
		t, _ := b.Registry.Token(p.TokenID)
		rate, _, ok := b.price(ctx, t)
		if !ok {
			missing = errNoPrice
		}
		rates[p.TokenID] = rate
	}
	err := b.reckon(ctx, invoice, func(_ *store.Tx, _ pay.Invoice, ps []pay.Payment) ([]pay.Payment, error) {
		for n, p := range ps {
			if t, ok := b.Registry.Token(p.TokenID); ok && !p.Priced() && rates[t.ID].Positive() {
				ps[n] = p.ValuedAt(t, rates[t.ID])
			}
		}
		return ps, nil
	})
	return orElse(err, missing)
}
