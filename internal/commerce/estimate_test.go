package commerce_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail/catalog"
)

// offering is the catalog with something wrong about its offers.
type offering struct {
	*catalog.Catalog
	offers func(ctx context.Context) error
}

func (p offering) Offers(ctx context.Context, _, _, _ string) ([]pay.Offer, error) {
	return nil, p.offers(ctx)
}

// An estimate ends, whatever a provider does while it is asked for offers: in time, and
// without the end of the process that serves everybody else.
func TestEstimateEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offers func(context.Context) error
		code   pay.Code
		says   string
	}{
		"no answer": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, pay.CodeProviderDown, ""},
		"a panic":   {func(context.Context) error { panic("index out of range") }, pay.CodeInternal, "index out of range"},
	} {
		synctest.Test(t, func(t *testing.T) {
			who, product, quantity := "cust_1", "B0B844T634", api.Number("1")
			start := time.Now()
			_, err := selling(offering{catalog.New(), c.offers}).Estimate(t.Context(), billing.Caller{Environment: pay.Devnet}, api.EstimateRequest{
				Customer: api.Customer{CustomerID: &who}, Items: []api.EstimateItem{{ProductID: &product, Quantity: &quantity}},
			}, billing.Once{})
			if took := time.Since(start); err == nil || pay.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || took > 28*time.Second {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		})
	}
}
