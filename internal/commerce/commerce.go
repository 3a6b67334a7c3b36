// Package commerce is what a merchant can do with products, carts and orders. Each use
// case asks the outside world first and then does its work in units of the store.
package commerce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/store"
)

// Commerce carries out the use cases.
type Commerce struct {
	Store     *store.Store
	Billing   *billing.Billing
	Providers map[pay.Environment]retail.Provider // who sells in an environment
	Terms     pay.Terms
	// Hint reads what a provider sends of itself: the requests, and the orders by id, that
	// there may be news of. It may be nil.
	Hint func(body []byte) (requests, orders []string)
	// RefundWallets are the accounts that refunds are paid from, in the environments that
	// have one; set before requests are served.
	RefundWallets map[pay.Environment]string
	Log           *slog.Logger
}

// provider returns who sells in the caller's environment. The error has
// CodeCommerceDown when nobody does.
func (c *Commerce) provider(e pay.Environment) (retail.Provider, error) {
	p, ok := c.Providers[e]
	if !ok {
		return nil, pay.Errorf(pay.CodeCommerceDown, "Commerce is not set up for %s in this deployment; ask your operator", e)
	}
	return p, nil
}

// asked turns the error of a provider into what a caller is told: missing is the error
// for what the provider does not know.
func asked(err, missing error) error {
	switch {
	case errors.Is(err, retail.ErrNotFound):
		return missing
	case errors.Is(err, retail.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return pay.Errorf(pay.CodeProviderDown, "The retail provider does not answer at the moment; try again shortly")
	}
	return err
}

var errNoProduct = pay.Errorf(pay.CodeProductNotFound, "Product not found")

// errNobody is what a request gets that does not say who the customer is.
var errNobody = pay.Errorf(pay.CodeCustomerMissing, "Say who the customer is: customer_id, or wallet_address with wallet_network")

// Customer reads who a request is for. customer_id wins; a wallet beside it is only
// remembered.
func (c *Commerce) Customer(in api.Customer) (who pay.Customer, err error) {
	for _, f := range []struct {
		from *string
		to   *string
	}{{in.CustomerID, &who.ID}, {in.WalletAddress, &who.Wallet}, {in.WalletNetwork, (*string)(&who.Network)}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if utf8.RuneCountInString(who.ID) > pay.MaxText || !utf8.ValidString(who.ID) || strings.ContainsRune(who.ID, 0) {
		return who, pay.Errorf(pay.CodeValidation, "customer_id must be UTF-8 of at most %d characters", pay.MaxText)
	}
	switch {
	case who.Wallet == "" && who.Network == "" && who.ID == "", (who.Wallet == "") != (who.Network == ""):
		return who, errNobody
	case who.Wallet == "":
		return who, nil
	case !c.Billing.Registry.Known(who.Network):
		return who, pay.Errorf(pay.CodeWalletNetwork, "wallet_network must be one of %v", c.Billing.Registry.Names())
	}
	if who.Wallet, err = c.wallet(who.Network, who.Wallet); err != nil {
		return who, pay.Errorf(pay.CodeWalletAddress, "wallet_address %v", err)
	}
	return who, nil
}

// wallet returns an address of a network in its canonical form.
func (c *Commerce) wallet(n pay.NetworkName, address string) (string, error) {
	if n.Family() == pay.EVM {
		return c.Billing.Wallets[pay.EVM].Canonical(address)
	}
	if len(address) < minWallet || len(address) > maxWallet || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("is not an address of %s", n.Title())
	}
	return address, nil
}

// The shortest and the longest address of a network that is not EVM: those of Solana
// have 32 to 44 characters, a Byron address of Cardano over a hundred.
const (
	minWallet = 32
	maxWallet = 128
)

// write carries out a request in a unit, once for each idempotency key in an environment,
// and returns its answer as JSON.
func (c *Commerce) write(ctx context.Context, by billing.Caller, operation string, o billing.Once, do func(*store.Tx) (any, error)) ([]byte, error) {
	return c.Billing.Write(ctx, by.Merchant.ID, operationOf(by, operation), o, do)
}

// operationOf names an operation among those of a merchant: what a key of one environment
// asks for is another request than the same in the other.
func operationOf(by billing.Caller, operation string) string {
	return "commerce." + operation + " " + string(by.Environment)
}

// asking bounds how many questions one request puts to a provider at a time.
const asking = 8
