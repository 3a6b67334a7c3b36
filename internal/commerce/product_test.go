package commerce_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
)

// ill is the catalog with something wrong.
type ill struct {
	*catalog.Catalog
	err     error // what every question is answered with
	slow    bool  // no answer at all
	balance money.USD
	asked   int
}

func (p *ill) trouble(ctx context.Context) error {
	p.asked++
	if p.slow {
		<-ctx.Done()
		return fmt.Errorf("ask: %w", ctx.Err())
	}
	return p.err
}

func (p *ill) Search(ctx context.Context, q retail.Query) (r retail.Results, err error) {
	if err := p.trouble(ctx); err != nil {
		return r, err
	}
	return p.Catalog.Search(ctx, q)
}

func (p *ill) Product(ctx context.Context, retailer, id string) (v pay.Product, err error) {
	if err := p.trouble(ctx); err != nil {
		return v, err
	}
	return p.Catalog.Product(ctx, retailer, id)
}

func (p *ill) Offers(ctx context.Context, retailer, id, zip string) ([]pay.Offer, error) {
	if err := p.trouble(ctx); err != nil {
		return nil, err
	}
	return p.Catalog.Offers(ctx, retailer, id, zip)
}

func (p *ill) Balance(ctx context.Context) (money.USD, error) {
	return p.balance, p.trouble(ctx)
}

func selling(p retail.Provider) *commerce.Commerce {
	return &commerce.Commerce{Providers: map[pay.Environment]retail.Provider{pay.Devnet: p}, Terms: pay.DefaultTerms()}
}

// questions are all that a provider is asked about products.
func questions(c *commerce.Commerce, e pay.Environment) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"search": func(ctx context.Context) error {
			_, err := c.Search(ctx, e, retail.Query{Text: "kettle", Page: 1, Limit: 1})
			return err
		},
		"product": func(ctx context.Context) error { _, err := c.Product(ctx, e, "amazon", "B08N5WRWNW"); return err },
		"offers":  func(ctx context.Context) error { _, err := c.Offers(ctx, e, "amazon", "B08N5WRWNW", ""); return err },
		"balance": func(ctx context.Context) error { _, _, err := c.Balance(ctx, e); return err },
		"open":    func(ctx context.Context) error { return c.Open(ctx, e) },
	}
}

// What becomes of each question when the provider fails in each way.
func TestProviderFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("cannot read an answer: secret-token")
	for name, c := range map[string]struct {
		provider *ill
		is       func(error) bool
	}{
		"well":      {&ill{balance: 50_00 * money.Cent}, func(err error) bool { return err == nil }},
		"down":      {&ill{err: fmt.Errorf("%w: 502", retail.ErrUnavailable)}, func(err error) bool { return pay.CodeOf(err) == pay.CodeProviderDown }},
		"slow":      {&ill{slow: true}, func(err error) bool { return pay.CodeOf(err) == pay.CodeProviderDown }},
		"malformed": {&ill{err: broken}, func(err error) bool { return errors.Is(err, broken) && pay.CodeOf(err) == pay.CodeInternal }},
	} {
		synctest.Test(t, func(t *testing.T) {
			c.provider.Catalog = catalog.New()
			for what, ask := range questions(selling(c.provider), pay.Devnet) {
				start := time.Now()
				if err := ask(t.Context()); !c.is(err) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
				if took := time.Since(start); took >= 10*time.Second {
					t.Errorf("%s, %s took %s", name, what, took)
				}
			}
		})
	}
	for what, ask := range questions(selling(catalog.New()), pay.Mainnet) {
		if err := ask(t.Context()); pay.CodeOf(err) != pay.CodeCommerceDown {
			t.Errorf("%s where nobody sells: %v", what, err)
		}
	}
}

// New orders are taken while the account holds enough for them.
func TestOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		balance, least money.USD
		open           bool
	}{
		{50_00 * money.Cent, 50_00 * money.Cent, true},
		{50_00*money.Cent - 1, 50_00 * money.Cent, false},
		{0, 50_00 * money.Cent, false},
		{0, 0, true},
		{9_999_00 * money.Cent, 50_00 * money.Cent, true},
		{-1, 0, false},
	} {
		shop := selling(&ill{Catalog: catalog.New(), balance: c.balance})
		shop.Terms.MinimumBalance = c.least
		err := shop.Open(t.Context(), pay.Devnet)
		if c.open != (err == nil) || err != nil && pay.CodeOf(err) != pay.CodeCommerceDown {
			t.Errorf("%+v: %v", c, err)
		}
		if b, enough, err := shop.Balance(t.Context(), pay.Devnet); err != nil || b != c.balance || enough != c.open {
			t.Errorf("%+v: %s, %t, %v", c, b, enough, err)
		}
	}
}

// Ids that can be nobody's are of no product, and reach no provider.
func TestStrangeProducts(t *testing.T) {
	t.Parallel()
	p := &ill{Catalog: catalog.New()}
	c := selling(p)
	for _, id := range []string{"", "..", "a/b", "a?b", "a b", "ä", "\x00", "\xff", "B08N5WRWNW\n", strings.Repeat("1", 65)} {
		_, err := c.Product(t.Context(), pay.Devnet, "amazon", id)
		_, oerr := c.Offers(t.Context(), pay.Devnet, "amazon", id, "")
		if pay.CodeOf(err) != pay.CodeProductNotFound || pay.CodeOf(oerr) != pay.CodeProductNotFound {
			t.Errorf("%q: %v, %v", id, err, oerr)
		}
	}
	if p.asked != 0 {
		t.Errorf("the provider was asked %d times", p.asked)
	}
	if _, err := c.Product(t.Context(), pay.Devnet, "walmart", "B08N5WRWNW"); pay.CodeOf(err) != pay.CodeProductNotFound {
		t.Errorf("another retailer's: %v", err)
	}
}
