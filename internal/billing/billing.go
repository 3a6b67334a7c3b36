// Package billing is what a merchant, a payor and a blockchain can do to an
// invoice. Each use case asks the outside world first and then does its work in
// units of the store.
package billing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Billing carries out the use cases.
type Billing struct {
	Store    *store.Store
	Auth     *auth.Auth
	Registry *pay.Registry
	Rates    *rates.Board
	Wallets  map[pay.Family]Wallets // those of all families, whether served or not
	// Contract reports whether the contract at an Ethereum address takes a signature of a
	// digest for its own (EIP-1271). It may be nil.
	Contract func(ctx context.Context, address string, digest [32]byte, signature []byte) (bool, error)
	Chains   map[pay.NetworkName]chain.Driver // to read a network again; set before requests are served
	BaseURL  string                           // where payors reach the payment page, without a slash at the end
	// PayoutDelay is how long a change of payout address waits.
	PayoutDelay time.Duration
	Signup      bool // whether a wallet that nobody knows may make itself a merchant of devnet
	MaxKeys     int  // how many active API keys a merchant may have of each scope
	Log         *slog.Logger
	uses        uses
	searches    searches
}

// Wallets knows the addresses of a family of networks. Deposit addresses are made by
// Deposit or by Index; without either they are taken from the network's pool, which the
// holder of the keys fills.
type Wallets struct {
	// Canonical returns an address in its canonical form, or an error that says what is
	// wrong with it.
	Canonical func(address string) (string, error)
	// Deposit returns the address whose only exit is the receiver.
	Deposit func(receiver string, salt [32]byte) (string, error)
	// Index returns the address whose key has that place among those of the deployment.
	Index func(index uint32) (string, error)
	// Accounts returns where the ledger keeps the tokens of an address, on networks where
	// that is not the address itself; it may be nil.
	Accounts func(address string) ([]string, error)
	// URI returns what opens a wallet with a payment of so many units of a token to an address,
	// which is also what its QR code says. Where it is nil or returns "" the address must do.
	URI func(n pay.Network, t pay.Token, address string, units money.Units) string
	// Links returns pages that open well-known wallets with the same payment; it may be nil.
	Links func(n pay.Network, t pay.Token, address string, units money.Units) []pay.Link
	// Ours are addresses of contracts that keep what is sent to them.
	Ours []string
}

// Once names a request that must be carried out once however often it arrives.
type Once struct {
	Key  string // the Idempotency-Key header; "" for a request that may be carried out again
	Hash string // of the request's body
}

// once carries out a request in a unit of write, or returns what the same request was
// answered before. One that is repeated may well be refused the second time, its work being
// done: then too the first answer counts.
func (b *Billing) once(ctx context.Context, write func(context.Context, func(*store.Tx) error) error, merchant int64, operation string, o Once, do func(*store.Tx) ([]byte, error)) (answer []byte, err error) {
	err = write(ctx, func(tx *store.Tx) error {
		if answer, err = do(tx); err != nil {
			return err
		}
		if o.Key != "" {
			tx.Answer(merchant, operation, o.Key, o.Hash, b.Auth.Seal(answer, purposeOf(merchant, operation, o)))
		}
		return nil
	})
	if _, known := errors.AsType[*pay.Error](err); o.Key == "" || !known && !errors.Is(err, store.ErrAnswered) {
		return answer, err
	}
	answer, seen, e := b.Replayed(ctx, merchant, operation, o)
	if e != nil || !seen {
		return nil, orElse(e, err)
	}
	return answer, nil
}

// Replayed returns what a request was answered before, and false when it was not: for use
// cases that ask the outside world first, which need not be asked again. The error has
// CodeIdempotencyConflict when the key was used with another body.
func (b *Billing) Replayed(ctx context.Context, merchant int64, operation string, o Once) (answer []byte, seen bool, err error) {
	var sealed []byte
	var was string
	if o.Key == "" {
		return nil, false, nil
	}
	if err := b.Store.Look(ctx, func(tx *store.Tx) (err error) {
		sealed, was, seen, err = tx.Answered(merchant, operation, o.Key)
		return err
	}); err != nil || !seen {
		return nil, false, err
	}
	if was != o.Hash {
		return nil, true, pay.Errorf(pay.CodeIdempotencyConflict, "This Idempotency-Key was used with another request body; use a new key for a new request")
	}
	answer, err = b.Auth.Open(sealed, purposeOf(merchant, operation, o))
	return answer, true, err
}

func purposeOf(merchant int64, operation string, o Once) string {
	return fmt.Sprintf("answer %d %s %s", merchant, operation, o.Key)
}

// Write runs do in a unit of its own, once for each idempotency key, and returns its
// answer as JSON: the same bytes however often the request arrives.
func (b *Billing) Write(ctx context.Context, merchant int64, operation string, o Once, do func(*store.Tx) (any, error)) ([]byte, error) {
	return b.once(ctx, b.Store.Write, merchant, operation, o, rendered(do))
}

// WriteAlone is Write for units that hold a row which several others want at the same
// time: it shares its commit with none that could hold another of them.
func (b *Billing) WriteAlone(ctx context.Context, merchant int64, operation string, o Once, do func(*store.Tx) (any, error)) ([]byte, error) {
	return b.once(ctx, b.Store.WriteAlone, merchant, operation, o, rendered(do))
}

func rendered(do func(*store.Tx) (any, error)) func(*store.Tx) ([]byte, error) {
	return func(tx *store.Tx) ([]byte, error) {
		v, err := do(tx)
		if err != nil {
			return nil, err
		}
		return view.JSON(v), nil
	}
}

// defaultRetry is when to ask again for a price when nobody can say.
const defaultRetry = 10 * time.Second

// price asks for a token's price. None is not an error: ok is false, and retry
// says when to ask again.
func (b *Billing) price(ctx context.Context, t pay.Token) (rate money.Rate, retry time.Duration, ok bool) {
	p, err := b.Rates.Price(ctx, t.Price)
	if e, ok := errors.AsType[*rates.Unavailable](err); ok {
		return rate, e.Retry, false
	} else if err != nil {
		return rate, defaultRetry, false
	}
	return p.Rate, 0, true
}

// announceInvoice appends what happened to an invoice, unless nothing did.
func (b *Billing) announceInvoice(tx *store.Tx, before, after pay.Invoice) error {
	was, is := view.Invoice(before), view.Invoice(after)
	if bytes.Equal(view.JSON(was), view.JSON(is)) {
		return nil
	}
	e := pay.EventOf(after, pay.InvoiceUpdated, view.JSON(is), view.Changed(was, is))
	e.Turns = after.Turns(before)
	tx.AppendEvent(e)
	promiseOrder(tx, after)
	if before.Status.Open() && !after.Status.Open() {
		if err := settleAll(tx, after); err != nil {
			return err
		}
	}
	return tx.SaveInvoice(after)
}

// settleAll promises the settlement of what an invoice was paid, now that it wants
// no more money: while it did, its addresses were left alone.
func settleAll(tx *store.Tx, i pay.Invoice) error {
	ps, err := tx.PaymentsOf(i.ID)
	for _, p := range ps {
		if p.Settlement.Status == pay.SettlementPending {
			tx.AddJob(JobSettle, string(p.Network), tx.Now())
		}
	}
	return err
}

// announcePayment saves a payment of an invoice and appends what happened to it,
// unless nothing did that a merchant can see.
func (b *Billing) announcePayment(tx *store.Tx, i pay.Invoice, before, after pay.Payment) error {
	if before == after {
		return nil
	}
	was, is := view.Payment(before, b.Registry), view.Payment(after, b.Registry)
	e := pay.EventOf(i, pay.PaymentUpdated, view.JSON(is), view.Changed(was, is))
	e.WalletAddress, e.WalletNetwork, e.Turns = after.From, after.Network, after.Turns(before)
	switch {
	case before.ID == "":
		e.Type, e.Previous = pay.PaymentCreated, []byte("{}")
		tx.AppendEvent(e)
	case string(e.Previous) != "{}":
		tx.AppendEvent(e)
	}
	if after.Settlement.Status != before.Settlement.Status {
		promiseOrder(tx, i)
	}
	return tx.SavePayment(after)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
