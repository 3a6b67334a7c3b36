package billing

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// JobExpire is the kind of the job that ends an invoice when its time is up.
const JobExpire = "invoice.expire"

// Open opens an invoice, once for each idempotency key, and returns the answer of
// the contract: the same bytes however often the request arrives.
func (b *Billing) Open(ctx context.Context, c Caller, r api.CreateInvoiceRequest, o Once) (answer []byte, err error) {
	draft, life, err := b.draft(r, c.Merchant)
	if err != nil {
		return nil, err
	}
	return b.once(ctx, b.Store.Write, c.Merchant.ID, "invoice.create", o, func(tx *store.Tx) ([]byte, error) {
		i := draft
		i.Environment = c.Environment
		return view.JSON(b.OpenIn(tx, &i, life)), nil
	})
}

// OpenIn opens an invoice that was drafted, inside a unit, and returns what its payor
// needs. The invoice gets its id and its times.
func (b *Billing) OpenIn(tx *store.Tx, i *pay.Invoice, life time.Duration) api.CreatedInvoice {
	i.ID, i.CreatedAt, i.ExpiresAt = tx.NewID(), tx.Now(), tx.Now().Add(life)
	token, signature := b.Auth.NewSession(tx.Now())
	i.SessionHash = auth.Hash(token)
	tx.AddInvoice(*i)
	e := pay.EventOf(*i, pay.InvoiceCreated, view.JSON(view.Invoice(*i)), []byte("{}"))
	e.Turns = i.Turns(pay.Invoice{})
	tx.AppendEvent(e)
	tx.AddJob(JobExpire, i.ID, i.ExpiresAt)
	return api.CreatedInvoice{
		InvoiceID: i.ID, ExpiresAt: i.ExpiresAt.Unix(), SessionToken: token, Signature: signature,
		PaymentURL:            b.BaseURL + "/pay?" + url.Values{"session": {token}, "signature": {signature}}.Encode(),
		PaymentSessionHeaders: api.PaymentSessionHeaders{SessionToken: token, Signature: signature},
	}
}

// Invoice returns one of the merchant's invoices with its payments.
func (b *Billing) Invoice(ctx context.Context, c Caller, id string) (i pay.Invoice, ps []pay.Payment, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if i, err = owned(tx.Invoice(id))(c); err != nil {
			return err
		}
		ps, err = payments(tx, id)
		return err
	})
	return i, ps, err
}

// payments returns an invoice's payments in the chain's order, and how deep they are.
func payments(tx *store.Tx, invoice string) ([]pay.Payment, error) {
	ps, err := tx.PaymentsOf(invoice)
	for n := range ps {
		p := &ps[n]
		if p.Sight != pay.Seen || err != nil {
			continue
		}
		var scanned pay.Block
		if scanned, _, _, err = tx.Position(p.Network); scanned.Height >= p.Block.Height {
			p.Depth = scanned.Height - p.Block.Height + 1
		}
	}
	return ps, err
}

// owned hides invoices of other merchants: to the caller there are none.
func owned(i pay.Invoice, err error) func(Caller) (pay.Invoice, error) {
	return func(c Caller) (pay.Invoice, error) {
		if err == nil && i.MerchantID != c.Merchant.ID {
			err = pay.Errorf(pay.CodeInvoiceNotFound, "Invoice not found")
		}
		return i, err
	}
}

// Page is a page of a list: the ids its cursors name, and its size.
type Page struct {
	After  string // starting_after: what is older than this one
	Before string // ending_before: what is newer than this one
	Limit  int
}

// Listed is an invoice in a list, with the payments asked for.
type Listed struct {
	pay.Invoice
	Payments []pay.Payment
}

// Invoices returns a page of the merchant's invoices, newest first, and whether
// there is more in the direction of the cursor.
func (b *Billing) Invoices(ctx context.Context, c Caller, f store.InvoiceFilter, p Page, expand bool) (page []Listed, more bool, err error) {
	if f.PayerAddr, err = b.payer(f.PayerAddr); err != nil {
		return nil, false, err
	}
	f.MerchantID, f.Limit = c.Merchant.ID, p.Limit+1
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		for id, to := range map[string]*pay.Invoice{p.After: &f.Older, p.Before: &f.Newer} {
			if id == "" {
				continue
			}
			if *to, err = owned(tx.Invoice(id))(c); err != nil {
				return pay.Errorf(pay.CodeValidation, "The cursor names no invoice of yours")
			}
		}
		is, err := tx.Invoices(f)
		if more = len(is) > p.Limit; more && p.Before != "" {
			is = is[1:] // newest first: the one too many is the farthest from the cursor
		} else if more {
			is = is[:p.Limit]
		}
		page = make([]Listed, len(is))
		for n := range is {
			if page[n].Invoice = is[n]; expand && err == nil {
				page[n].Payments, err = payments(tx, is[n].ID)
			}
		}
		return err
	})
	return page, more, err
}

// payer returns a payer's address as it is stored: those of EVM networks, however
// they are written, in their canonical form.
func (b *Billing) payer(address string) (string, error) {
	if !strings.HasPrefix(address, "0x") {
		return address, nil
	}
	canonical, err := b.Canonical(address)
	if err != nil {
		return "", pay.Errorf(pay.CodeValidation, "payer_wallet_address %v", err)
	}
	return canonical, nil
}

// InvoiceTotals sums up the merchant's invoices by state.
func (b *Billing) InvoiceTotals(ctx context.Context, c Caller, f store.InvoiceFilter) (ts []pay.InvoiceTotal, err error) {
	if f.PayerAddr, err = b.payer(f.PayerAddr); err != nil {
		return nil, err
	}
	f.MerchantID = c.Merchant.ID
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		ts, err = tx.InvoiceTotals(f)
		return err
	})
	return ts, err
}

// Cancel ends an unpaid invoice of the merchant and returns it as the contract shows it.
func (b *Billing) Cancel(ctx context.Context, c Caller, id string, o Once) ([]byte, error) {
	return b.Write(ctx, c.Merchant.ID, "invoice.cancel "+id, o, func(tx *store.Tx) (any, error) {
		before, err := owned(tx.InvoiceForUpdate(id))(c)
		if err != nil {
			return nil, err
		}
		after, err := b.CancelIn(tx, before)
		return view.Invoice(after), err
	})
}

// CancelIn ends an unpaid invoice that the unit holds. The error has CodeInvoiceState
// when it is not unpaid, or a payment for it has been seen.
func (b *Billing) CancelIn(tx *store.Tx, before pay.Invoice) (after pay.Invoice, err error) {
	ps, err := tx.PaymentsOf(before.ID)
	if err != nil {
		return before, err
	}
	if after, err = before.Cancel(ps); err != nil {
		return before, err
	}
	return after, b.announceInvoice(tx, before, after)
}

// scanGrace is how long an expiry waits for a watcher that has not yet read the
// chain up to it: a payment mined in time must be found in time.
const scanGrace = 10 * time.Minute

// Expire ends an invoice whose time is up. While a payment made in time is on its
// way, or the chain has not been read up to the expiry, it says when to look again.
func (b *Billing) Expire(ctx context.Context, id string) (again time.Time, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		again = time.Time{}
		before, err := tx.InvoiceForUpdate(id)
		if err != nil || !before.Status.Open() {
			return err
		}
		wait, err := b.mayBePaid(tx, before)
		if err != nil {
			return err
		}
		if after := before.Expire(tx.Now()); after.Status == pay.Expired && !wait {
			return b.announceInvoice(tx, before, after)
		}
		again = before.ExpiresAt
		if late := tx.Now().Sub(again); late >= 0 { // what takes long may take longer
			again = tx.Now().Add(min(max(late/10, time.Second), time.Minute))
		}
		return nil
	})
	return again, err
}

// mayBePaid reports whether a payment for an invoice was made in time and is not
// decided yet, or could have been made and not be seen yet.
func (b *Billing) mayBePaid(tx *store.Tx, i pay.Invoice) (bool, error) {
	ps, err := tx.PaymentsOf(i.ID)
	if err != nil {
		return false, err
	}
	for _, p := range ps {
		if p.Status == pay.PaymentPending && !p.Block.Time.After(i.ExpiresAt) {
			return true, nil
		}
	}
	as, err := tx.AddressesOf(i.ID)
	for _, a := range as {
		scanned, _, known, err := tx.Position(a.Network)
		if err != nil {
			return false, err
		}
		if known && !scanned.Time.After(i.ExpiresAt) && tx.Now().Before(i.ExpiresAt.Add(scanGrace)) {
			return true, nil
		}
	}
	return false, err
}
