package billing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Jobs that deposits promise.
const (
	JobPrice  = "payment.price" // value the final payments of an invoice that no quote covers
	JobSettle = "settle"        // move what is final on a network to the merchants
)

// crediting bounds how many invoices are credited at the same time; their units
// share commits.
const crediting = 16

// Book is the chain.Book of one network: what its watcher sees becomes payments.
// Each invoice is a unit of its own, and the network's position moves last, so a
// crash repeats work and loses none.
type Book struct {
	*Billing
	Network pay.Network
}

var _ chain.Book = (*Book)(nil)

// Ours implements chain.Book. Addresses that were given out on another network and are
// the merchant's on this one, too, are ours as well.
func (b *Book) Ours(ctx context.Context, accounts []string) (ours map[string]string, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if ours, err = tx.Ours(b.Network.Name, accounts); err != nil || b.Wallets[b.Network.Name.Family()].Accounts == nil {
			return err
		}
		return tx.OurAccounts(b.Network.Name, accounts, ours)
	})
	return ours, err
}

// deposited records deposits while at holds, each invoice's in a unit of its own. Those
// that probes brought to light come with these.
func (b *Book) deposited(ctx context.Context, ds []pay.Deposit, probes []pay.Probe, at fence) error {
	byInvoice, err := b.assign(ctx, ds)
	if err != nil {
		return fmt.Errorf("assign deposits: %w", err)
	}
	for _, p := range probes {
		for _, as := range byInvoice {
			for n := range as {
				if as[n].Address == p.Address {
					as[n].held = p.Expected
				}
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(crediting)
	for id, as := range byInvoice {
		g.Go(func() error { return b.see(ctx, id, as, at) })
	}
	return g.Wait()
}

// arrival is a deposit and what is known of it before its unit begins.
type arrival struct {
	pay.Deposit
	token pay.Token
	to    pay.Address
	rate  money.Rate  // the market's, when no quote covers the deposit; not positive when unknown
	dust  bool        // it is known to be worth less than a cent
	held  money.Units // of a surplus: what the address was known to hold when it was found
}

// assign sorts deposits by the invoice they are for, and asks for the prices that
// no quote gives. Deposits of tokens we do not serve are dropped.
func (b *Book) assign(ctx context.Context, ds []pay.Deposit) (map[string][]arrival, error) {
	byInvoice, rates := map[string][]arrival{}, map[int64]money.Rate{}
	for _, d := range ds {
		t, ok := b.Registry.TokenAt(d.Network, d.Token)
		if !ok || d.Units.IsZero() {
			continue
		}
		a, q, covered := arrival{Deposit: d, token: t}, pay.Quote{}, false
		if err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
			if a.to, ok, err = b.addressAt(tx, d.Address); err == nil && ok {
				q, covered, err = b.quoteFor(tx, d, t)
			}
			return err
		}); err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if _, asked := rates[t.ID]; !covered && !asked {
			rates[t.ID], _, _ = b.price(ctx, t)
		}
		a.rate = rates[t.ID]
		p := pay.Payment{Deposit: d}
		if covered {
			p = p.ValuedBy(q)
		} else if a.rate.Positive() {
			p = p.ValuedAt(t, a.rate)
		}
		a.dust = p.Priced() && money.Share(p.QuoteDue, p.Units, p.QuoteUnits) < money.Cent
		byInvoice[a.to.InvoiceID] = append(byInvoice[a.to.InvoiceID], a)
	}
	return byInvoice, nil
}

// addressAt returns the deposit address of that name, and false when it is not ours, or
// was given out on a network of another environment: real money is never mixed with that
// of a test.
func (b *Book) addressAt(tx *store.Tx, address string) (a pay.Address, ok bool, err error) {
	if a, ok, err = tx.AddressAt(b.Network.Name, address); err != nil || !ok || a.Network == b.Network.Name {
		return a, ok, err
	}
	i, err := tx.Invoice(a.InvoiceID)
	return a, i.Environment == b.Network.Environment, err
}

// quoteFor returns the quote that values a deposit of a token, and false when none
// covers it: it was mined too late, or is of another token.
func (b *Billing) quoteFor(tx *store.Tx, d pay.Deposit, t pay.Token) (pay.Quote, bool, error) {
	q, ok, err := tx.QuoteFor(d, d.Block.Time.Add(clockSkew), d.Block.Time.Add(-pay.QuoteGrace))
	return q, ok && q.TokenID == t.ID, err
}

// clockSkew is how far a block's time may run behind ours: blocks are stamped when
// they are begun, in whole seconds.
const clockSkew = 15 * time.Second

// manyPayments is how many payments an invoice may have before dust is no more recorded:
// strangers can send any number of it, and each credit reads all payments of its invoice.
const manyPayments = 500

// see records deposits for one invoice, while at holds.
func (b *Book) see(ctx context.Context, invoice string, as []arrival, at fence) error {
	full := false
	err := b.reckon(ctx, invoice, func(tx *store.Tx, i pay.Invoice, ps []pay.Payment) ([]pay.Payment, error) {
		if err := at(tx); err != nil {
			return nil, err
		}
		were, known := len(ps), map[name]int{}
		for n, p := range ps {
			known[nameOf(p.Deposit)] = n
		}
		for _, a := range as {
			n, ok := known[nameOf(a.Deposit)]
			if !ok && a.dust && len(ps) >= manyPayments {
				continue
			}
			if a.Index == pay.IndexSweep { // what is unseen may have been found since
				sweeps, err := tx.SweepsAt(a.Network, a.Address, "", false)
				if err != nil {
					return nil, err
				}
				if a.Units = pay.Unseen(a.Deposit, sweeps, ps); a.Units.IsZero() {
					continue
				}
			}
			if twice, err := b.countedElse(tx, a, ps, ok); err != nil || twice {
				if err != nil {
					return nil, err
				}
				continue
			}
			if !ok {
				n = len(ps)
				known[nameOf(a.Deposit)] = n
				ps = append(ps, pay.Payment{
					Deposit: a.Deposit, ID: tx.NewID(), InvoiceID: i.ID, MerchantID: i.MerchantID, Environment: i.Environment,
					TokenID: a.token.ID, AskedID: a.to.TokenID, Receiver: a.to.Receiver, SeenAt: tx.Now(),
				})
				if a.to.Network != a.Network {
					ps[n].Expected = a.to.Network
				}
			}
			p := &ps[n]
			if p.Sight == pay.Final {
				continue
			}
			p.Deposit, p.Sight = a.Deposit, pay.Seen
			q, ok, err := b.quoteFor(tx, a.Deposit, a.token)
			switch {
			case err != nil:
				return nil, err
			case ok:
				*p = p.ValuedBy(q)
			case a.rate.Positive() && !p.Priced():
				*p = p.ValuedAt(a.token, a.rate)
			}
		}
		full = were < manyPayments && len(ps) >= manyPayments
		return ps, nil
	})
	if err == nil && full {
		b.Log.WarnContext(ctx, "an invoice has very many payments: from now on those worth less than a cent are not recorded", "invoice", invoice, "payments", manyPayments)
	}
	return err
}

// name is what names a deposit for ever.
type name struct {
	network pay.NetworkName
	tx      string
	index   int
}

func nameOf(d pay.Deposit) name { return name{d.Network, d.TxHash, d.Index} }

// countedElse reports whether a deposit that was not known is part of what is recorded
// under another name: a transfer of native coin as a surplus of the balance that shows
// it, or a surplus as a transfer that was recorded after the balance was compared.
func (b *Book) countedElse(tx *store.Tx, a arrival, ps []pay.Payment, known bool) (bool, error) {
	switch {
	case known:
	case a.Index == pay.IndexValue:
		return slices.ContainsFunc(ps, func(p pay.Payment) bool {
			return p.Inferred() && p.Network == a.Network && p.Address == a.Address && p.Block.Height >= a.Block.Height && (p.Sight == pay.Seen || p.Sight == pay.Final)
		}), nil
	case a.Index == pay.IndexSurplus:
		held, err := b.held(tx, a.Network, a.Address)
		return held.Cmp(a.held) != 0, err
	}
	return false, nil
}

// reckon changes the payments of an invoice and credits what follows from it.
func (b *Billing) reckon(ctx context.Context, invoice string, change func(*store.Tx, pay.Invoice, []pay.Payment) ([]pay.Payment, error)) error {
	err := b.Store.Write(ctx, func(tx *store.Tx) error {
		i, err := tx.InvoiceForUpdate(invoice)
		if err != nil {
			return err
		}
		_, err = b.reckonIn(tx, i, func(ps []pay.Payment) ([]pay.Payment, error) { return change(tx, i, ps) })
		return err
	})
	if err != nil {
		return fmt.Errorf("credit invoice %s: %w", invoice, err)
	}
	return nil
}

// reckonIn is reckon for an invoice that the unit holds.
func (b *Billing) reckonIn(tx *store.Tx, i pay.Invoice, change func([]pay.Payment) ([]pay.Payment, error)) (after pay.Invoice, err error) {
	were, err := tx.PaymentsOf(i.ID)
	if err != nil {
		return i, err
	}
	changed, err := change(slices.Clone(were))
	if err != nil {
		return i, err
	}
	befores := make(map[string]pay.Payment, len(were))
	for _, p := range were {
		befores[p.ID] = p
	}
	after, ps := pay.Reckon(i, changed, tx.Now())
	for _, p := range ps {
		before := befores[p.ID]
		if err := b.announcePayment(tx, after, before, b.promise(tx, before, p)); err != nil {
			return i, err
		}
	}
	return after, b.announceInvoice(tx, i, after)
}

// promise adds the jobs that a payment's new state calls for.
func (b *Billing) promise(tx *store.Tx, before, p pay.Payment) pay.Payment {
	if p.Sight != pay.Final || p.Simulated() {
		return p
	}
	if !p.Priced() && before.Sight != pay.Final { // once: promised again it would be tried again at once
		tx.AddJob(JobPrice, p.InvoiceID, tx.Now())
	}
	if p.Settlement.Status == "" && !p.Stray() {
		p.Settlement = pay.Settlement{Status: pay.SettlementPending, At: tx.Now()}
		tx.AddJob(JobSettle, string(p.Network), tx.Now())
	}
	return p
}
