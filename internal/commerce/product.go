package commerce

import (
	"context"
	"regexp"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// patience is how long a provider may take to tell us something: those who ask us wait
// for ten seconds.
const patience = 8 * time.Second

// tell asks the provider of an environment something. missing is the error for what it
// does not know.
func tell[T any](ctx context.Context, c *Commerce, e pay.Environment, missing error, what func(context.Context, retail.Provider) (T, error)) (v T, err error) {
	p, err := c.provider(e)
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if v, err = what(ctx, p); err != nil {
		return v, asked(err, missing)
	}
	return v, nil
}

// Balance returns what the account holds that pays for orders in an environment, and
// whether that is enough for new ones. The error has CodeCommerceDown when nobody sells
// there, and CodeProviderDown when the provider does not answer.
func (c *Commerce) Balance(ctx context.Context, e pay.Environment) (balance money.USD, enough bool, err error) {
	balance, err = tell(ctx, c, e, nil, func(ctx context.Context, p retail.Provider) (money.USD, error) { return p.Balance(ctx) })
	return balance, c.Terms.Cover(balance), err
}

// Open returns an error unless new orders are taken in an environment: with
// CodeCommerceDown when nobody sells there or the account that pays for orders runs
// low, and with CodeProviderDown when the provider does not answer.
func (c *Commerce) Open(ctx context.Context, e pay.Environment) error {
	_, enough, err := c.Balance(ctx, e)
	if err == nil && !enough {
		err = pay.Errorf(pay.CodeCommerceDown, "No new orders are taken at the moment, because the account that pays for them runs low; try again later")
	}
	return err
}

// Sells returns an error with CodeCommerceDown when nobody sells in an environment.
func (c *Commerce) Sells(e pay.Environment) error {
	_, err := c.provider(e)
	return err
}

// Search finds products. The errors of the provider are those of Open.
func (c *Commerce) Search(ctx context.Context, e pay.Environment, q retail.Query) (retail.Results, error) {
	return tell(ctx, c, e, nil, func(ctx context.Context, p retail.Provider) (retail.Results, error) { return p.Search(ctx, q) })
}

// Product describes a product. The error has CodeProductNotFound when there is none.
func (c *Commerce) Product(ctx context.Context, e pay.Environment, retailer, id string) (pay.Product, error) {
	return tell(ctx, c, e, errNoProduct, func(ctx context.Context, p retail.Provider) (pay.Product, error) {
		if !productID.MatchString(id) {
			return pay.Product{}, retail.ErrNotFound
		}
		return p.Product(ctx, retailer, id)
	})
}

// Offers returns the offers for a product, the best first; zip may be "". The error has
// CodeProductNotFound when there is no such product.
func (c *Commerce) Offers(ctx context.Context, e pay.Environment, retailer, id, zip string) ([]pay.Offer, error) {
	os, err := tell(ctx, c, e, errNoProduct, func(ctx context.Context, p retail.Provider) ([]pay.Offer, error) {
		if !productID.MatchString(id) {
			return nil, retail.ErrNotFound
		}
		return p.Offers(ctx, retailer, id, zip)
	})
	return pay.ByValue(os), err
}

// productID is what an id of a retailer may look like. Others are of no product, and
// are not sent on.
var productID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
