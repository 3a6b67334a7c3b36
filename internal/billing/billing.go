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
	Wallets  Wallets
	BaseURL  string // where payors reach the payment page, without a slash at the end
	Signup   bool   // whether a wallet that nobody knows may make itself a merchant of devnet
	MaxKeys  int    // how many active API keys a merchant may have of each scope
	Log      *slog.Logger
	uses     uses
}

// Wallets knows the addresses of the networks.
type Wallets struct {
	// Canonical returns an address in its network's canonical form, or an error
	// that says what is wrong with it.
	Canonical func(address string) (string, error)
	// Deposit returns the address whose only exit is the receiver.
	Deposit func(receiver string, salt [32]byte) (string, error)
	// Contract reports whether the contract at an Ethereum address takes a signature
	// of a digest for its own (EIP-1271). It may be nil.
	Contract func(ctx context.Context, address string, digest [32]byte, signature []byte) (bool, error)
}

// Once names a request that must be carried out once however often it arrives.
type Once struct {
	Key  string // the Idempotency-Key header; "" when the client did not ask for it
	Hash string // of the request
}

// once runs do, or returns what it answered to the same request before. Without a
// key it just does.
func (b *Billing) once(tx *store.Tx, merchant int64, operation string, o Once, do func() ([]byte, error)) ([]byte, error) {
	if o.Key == "" {
		return do()
	}
	sealed, was, seen, err := tx.Once(merchant, operation, o.Key, o.Hash)
	purpose := fmt.Sprintf("answer %d %s %s", merchant, operation, o.Key)
	switch {
	case err != nil:
		return nil, err
	case seen && was != o.Hash:
		return nil, pay.Errorf(pay.CodeIdempotencyConflict, "This Idempotency-Key was used with another request body; use a new key for a new request")
	case seen:
		return b.Auth.Open(sealed, purpose)
	}
	answer, err := do()
	if err != nil {
		return nil, err
	}
	return answer, tx.Answer(merchant, operation, o.Key, b.Auth.Seal(answer, purpose))
}

// write runs do in a unit of its own, once for each idempotency key, and returns its
// answer as JSON: the same bytes however often the request arrives.
func (b *Billing) write(ctx context.Context, merchant int64, operation string, o Once, do func(*store.Tx) (any, error)) (answer []byte, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		answer, err = b.once(tx, merchant, operation, o, func() ([]byte, error) {
			v, err := do(tx)
			if err != nil {
				return nil, err
			}
			return view.JSON(v), nil
		})
		return err
	})
	return answer, err
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
	tx.AppendEvent(pay.Event{
		MerchantID: after.MerchantID, Type: pay.InvoiceUpdated, Environment: after.Environment, InvoiceID: after.ID, CustomerID: after.CustomerID,
		Object: view.JSON(is), Previous: view.Changed(was, is),
	})
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
	e := pay.Event{
		MerchantID: i.MerchantID, Type: pay.PaymentUpdated, Environment: i.Environment, InvoiceID: i.ID, CustomerID: i.CustomerID,
		Object: view.JSON(is), Previous: view.Changed(was, is),
	}
	switch {
	case before.ID == "":
		e.Type, e.Previous = pay.PaymentCreated, []byte("{}")
		tx.AppendEvent(e)
	case string(e.Previous) != "{}":
		tx.AppendEvent(e)
	}
	return tx.SavePayment(after)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
