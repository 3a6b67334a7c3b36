package billing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Session is a payor's access to one invoice.
type Session struct {
	Invoice  pay.Invoice
	Merchant pay.Merchant
}

// BySession returns what a session pair opens. The error has CodeSessionInvalid
// when the pair is missing or was not made by us, CodeInvoiceNotFound when its
// invoice is no more.
func (b *Billing) BySession(ctx context.Context, token, signature string) (s Session, err error) {
	if !b.Auth.Session(token, signature) {
		return s, pay.Errorf(pay.CodeSessionInvalid, "Missing or invalid x-session-token and x-signature")
	}
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		if s.Invoice, err = tx.InvoiceBySession(auth.Hash(token)); err != nil {
			return err
		}
		s.Merchant, _, err = tx.Merchant(s.Invoice.MerchantID)
		return err
	})
	return s, err
}

// SessionDetails returns what the payor is told of the invoice.
func (b *Billing) SessionDetails(ctx context.Context, s Session) (v api.SessionDetails, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		locked := pay.Address{}
		if s.Invoice.LockedTokenID != 0 {
			if locked, _, err = tx.AddressFor(s.Invoice.ID, s.Invoice.LockedTokenID); err != nil {
				return err
			}
		}
		v = view.SessionDetails(s.Invoice, s.Merchant, locked.Address, tx.Now())
		return nil
	})
	return v, err
}

// TokenFilter selects tokens for a payor.
type TokenFilter struct {
	Network     pay.NetworkName // "" for all
	Unmonitored bool            // also those whose price is not watched
	Available   bool            // only those that can be paid with right now
}

// Tokens returns the tokens an invoice can be paid in: of its environment, taken by
// the merchant, and only the locked one once it is underpaid.
func (b *Billing) Tokens(ctx context.Context, s Session, f TokenFilter) (ts []pay.Token, err error) {
	var a pay.Acceptance
	if err := b.Store.Look(ctx, func(tx *store.Tx) error {
		a, err = tx.Acceptance(s.Invoice.MerchantID)
		return err
	}); err != nil {
		return nil, err
	}
	for _, t := range b.Registry.Tokens {
		if t.Environment == s.Invoice.Environment && (f.Network == "" || t.Network == f.Network) && a.Offers(s.Invoice, t.ID) &&
			(s.Invoice.Status == pay.Underpaid || s.Merchant.Settlement.Offers(t)) {
			ts = append(ts, t)
		}
	}
	if s.Merchant.Settlement == pay.StablesPreferred {
		slices.SortStableFunc(ts, func(a, b pay.Token) int { return cmp.Compare(rank(b.Stable), rank(a.Stable)) })
	}
	return ts, nil
}

// Routed tells for the families of tokens whether the proceeds of an invoice have somewhere to go.
func (b *Billing) Routed(ctx context.Context, s Session, ts []pay.Token) (routed map[pay.Family]bool, err error) {
	routed = map[pay.Family]bool{}
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		for _, t := range ts {
			f := t.Network.Family()
			if _, known := routed[f]; known {
				continue
			}
			to, err := b.receiver(tx, s.Invoice, f)
			if err != nil {
				return err
			}
			routed[f] = to != ""
		}
		return nil
	})
	return routed, err
}

// AvailableTokens renders Tokens with the prices that are known.
func (b *Billing) AvailableTokens(ctx context.Context, s Session, f TokenFilter) ([]api.AvailableToken, error) {
	ts, err := b.Tokens(ctx, s, f)
	if err != nil {
		return nil, err
	}
	routed, err := b.Routed(ctx, s, ts)
	if err != nil {
		return nil, err
	}
	vs := []api.AvailableToken{}
	for _, t := range ts {
		v := view.AvailableToken(t, routed[t.Network.Family()])
		if t.Environment == pay.Mainnet {
			verdict := b.Rates.Look(ctx, t.Price)
			if !f.Unmonitored && !verdict.Monitored() {
				continue
			}
			v = view.PricedToken(v, t, s.Invoice.Remaining(), verdict)
		}
		if !f.Available || v.AvailabilityStatus == "AVAILABLE" || v.AvailabilityStatus == "DEVNET" {
			vs = append(vs, v)
		}
	}
	return vs, nil
}

// Progress is how far the payments of an invoice have come, for the payment page.
type Progress struct {
	Session
	Payments []pay.Payment
	Address  pay.Address // where an underpaid invoice must be completed, or an unpaid one was last to be paid; zero for nowhere
	Now      time.Time
}

// Progress returns how far the payments of an invoice have come.
func (b *Billing) Progress(ctx context.Context, s Session) (g Progress, err error) {
	g = Progress{Session: s}
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		g.Now = tx.Now()
		if g.Invoice, err = tx.Invoice(s.Invoice.ID); err != nil {
			return err
		}
		if g.Payments, err = payments(tx, s.Invoice.ID); err != nil {
			return err
		}
		if g.Invoice.LockedTokenID != 0 {
			g.Address, _, err = tx.AddressFor(g.Invoice.ID, g.Invoice.LockedTokenID)
			return err
		}
		as, err := tx.AddressesOf(g.Invoice.ID)
		if len(as) > 0 {
			g.Address = as[len(as)-1]
		}
		return err
	})
	return g, err
}
