package billing

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// JobVerify is the kind of the job that carries out a verification.
const JobVerify = "invoice.verify"

// maxHash is how long the name of a transaction can be on any network.
const maxHash = 128

// AskVerification asks for a search of the chain for payments of the session's
// invoice, and returns it as it stands. While one is under way it is that one.
func (b *Billing) AskVerification(ctx context.Context, s Session, r api.VerifyRequest, o Once) (answer []byte, err error) {
	var only pay.NetworkName
	v := pay.Verification{InvoiceID: s.Invoice.ID, State: pay.VerificationPending}
	if r.Network != nil {
		if only = pay.NetworkName(*r.Network); !b.Registry.Known(only) {
			return nil, pay.Errorf(pay.CodeNetworkUnsupported, "Network %.32q does not exist; there are %v", only, b.Registry.Names())
		}
	}
	if r.TxHash != nil {
		if v.TxHash = canonicalHash(*r.TxHash); v.TxHash == "" || len(v.TxHash) > maxHash || strings.ContainsFunc(v.TxHash, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return nil, pay.Errorf(pay.CodeInvalidRequest, "tx_hash must be the hash of a transaction, at most %d characters", maxHash)
		}
	}
	return b.once(ctx, b.Store.Write, s.Invoice.MerchantID, "invoice.verify "+s.Invoice.ID, o, func(tx *store.Tx) ([]byte, error) {
		if _, err := tx.InvoiceForUpdate(s.Invoice.ID); err != nil { // one at a time
			return nil, err
		}
		if last, ok, err := tx.LatestVerification(s.Invoice.ID); err != nil || ok && last.State.Live() {
			return view.JSON(view.Wrapped(verification(last, ok))), err
		}
		as, err := tx.AddressesOf(s.Invoice.ID)
		if err != nil {
			return nil, err
		}
		if len(as) == 0 {
			return nil, pay.Errorf(pay.CodeInvoiceState, "No address was given out for this invoice yet, so nothing can have been paid to it")
		}
		asked := v
		if asked.Networks = b.networksOf(s.Invoice, as, only); len(asked.Networks) == 0 {
			return nil, pay.Errorf(pay.CodeWrongNetwork, "No address of this invoice is on %s", only)
		}
		asked.ID, asked.CreatedAt, asked.UpdatedAt, asked.NextAt = tx.NewID(), tx.Now(), tx.Now(), tx.Now()
		tx.AddJob(JobVerify, asked.ID, tx.Now())
		return view.JSON(view.Wrapped(view.Verification(asked))), tx.SaveVerification(asked)
	})
}

// verification renders a verification, if there is one.
func verification(v pay.Verification, ok bool) any {
	if !ok {
		return nil
	}
	return view.Verification(v)
}

// canonicalHash is a transaction's hash as drivers write it: hexadecimal ones in lower
// case.
func canonicalHash(s string) string {
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		return strings.ToLower(s)
	}
	return s
}

// networksOf returns the networks that an invoice has addresses on: the one it is
// locked to first, or else that of its newest address. Only one of them if asked, or one
// on which an address is the same: it may have been paid there by mistake.
func (b *Billing) networksOf(i pay.Invoice, as []pay.Address, only pay.NetworkName) (ns []pay.NetworkName) {
	if n, ok := b.Registry.Network(only); ok && n.Environment == i.Environment && slices.ContainsFunc(as, func(a pay.Address) bool { return only.Shares(a.Network) }) {
		return []pay.NetworkName{only}
	}
	for _, a := range slices.Backward(as) {
		if !slices.Contains(ns, a.Network) && (only == "" || a.Network == only) {
			ns = append(ns, a.Network)
		}
	}
	slices.SortStableFunc(ns, func(m, n pay.NetworkName) int {
		return cmp.Compare(rank(n == i.LockedNetwork), rank(m == i.LockedNetwork))
	})
	return ns
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

// Verification returns the newest verification of the session's invoice. The error has
// CodeNotFound when nobody asked for one.
func (b *Billing) Verification(ctx context.Context, s Session) (v api.Verification, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		p, ok, err := tx.LatestVerification(s.Invoice.ID)
		if err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "No verification was asked for"))
		}
		v = view.Verification(p)
		return nil
	})
	return v, err
}

// verifyPause is how long to wait for another try, longer each time.
func verifyPause(attempt int) time.Duration { return time.Second << (2 * min(attempt, 4)) }

// Verify carries out a verification: it reads the chain again, outside any unit, and
// writes down what came of it. It says when to try again if the chain could not be
// read, or if a balance that shows transfers within contracts is still to be looked at.
func (b *Billing) Verify(ctx context.Context, id string) (again time.Time, err error) {
	v, native, err := b.beginVerification(ctx, id)
	if err != nil || !v.State.Live() {
		return again, err
	}
	s := b.searches.take(id)
	read, note, err := b.reread(ctx, v, s)
	further := false
	if err != nil && v.TxHash == "" { // it goes on from there; one that came further was no attempt in vain
		b.searches.keep(id, s.left)
		if further = s.further; further {
			v.Attempts--
		}
	}
	if ctx.Err() != nil && !further {
		return again, ctx.Err()
	}
	if err != nil {
		b.Log.WarnContext(ctx, "verification could not read the chain", "invoice", v.InvoiceID, "attempt", v.Attempts, "err", err)
	}
	failed := err
	err = b.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		ps, err := tx.PaymentsOf(v.InvoiceID)
		if err != nil {
			return err
		}
		after := v.Conclude(read, note, ps, tx.Now())
		wait := time.Duration(0)
		switch {
		case failed == nil && native && v.Attempts == 1 && (after.Outcome == pay.OutcomeNothing || after.Outcome == pay.OutcomeOtherAddress || after.Outcome == pay.OutcomeKnown && v.TxHash == ""):
			wait = b.probeTime(v) // for the watcher to compare the balances
		case failed != nil:
			wait = verifyPause(v.Attempts)
		}
		if again = (time.Time{}); wait > 0 || failed != nil {
			after = v
			after.State, after.UpdatedAt, after.NextAt = pay.VerificationPending, tx.Now(), tx.Now().Add(wait)
			again = after.NextAt
		}
		if failed != nil && !further {
			after.Message = "The network could not be read; it will be tried again."
		}
		if failed != nil && v.Attempts >= pay.MaxAttempts {
			after.State, after.NextAt, after.CompletedAt, again = pay.VerificationFailed, time.Time{}, tx.Now(), time.Time{}
			after.Message = "The network could not be read. Please ask for another verification later."
		}
		return tx.SaveVerification(after)
	})
	return again, err
}

// beginVerification counts an attempt, and asks the watchers to compare the balances of
// the invoice's addresses for native coins, if it has any.
func (b *Billing) beginVerification(ctx context.Context, id string) (v pay.Verification, native bool, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		native = false
		var ok bool
		if v, ok, err = tx.Verification(id); err != nil || !ok || !v.State.Live() {
			return err
		}
		v.State, v.UpdatedAt, v.NextAt, v.Message = pay.VerificationProcessing, tx.Now(), time.Time{}, ""
		if v.Attempts++; v.Attempts > pay.MaxAttempts { // this process, or an earlier one, died at each
			v.State, v.Attempts, v.CompletedAt, v.Message = pay.VerificationFailed, pay.MaxAttempts, tx.Now(), "The verification was interrupted too often. Please ask for another one."
		}
		as, err := tx.AddressesOf(v.InvoiceID)
		for _, a := range as {
			if t, ok := b.Registry.Token(a.TokenID); err == nil && ok && t.Type == pay.Native && slices.Contains(v.Networks, a.Network) {
				native = true
				err = tx.ProbeAgain(a, tx.Now())
			}
		}
		if err != nil {
			return err
		}
		return tx.SaveVerification(v)
	})
	return v, native, err
}

// probeTime is how long the watchers need to compare balances.
func (b *Billing) probeTime(v pay.Verification) (wait time.Duration) {
	wait = time.Second
	for _, name := range v.Networks {
		n, _ := b.Registry.Network(name)
		wait = max(wait, 2*n.BlockTime)
	}
	return wait
}
