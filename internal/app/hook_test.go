package app_test

import (
	"bytes"
	"context"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/testkit"
)

// polled is the catalog, and how often it was asked about a request.
type polled struct {
	*catalog.Catalog
	times atomic.Int64
}

func (p *polled) Poll(ctx context.Context, request string) (retail.Progress, error) {
	p.times.Add(1)
	return p.Catalog.Poll(ctx, request)
}

// What a provider tells of itself makes us ask it at once, and nothing more: a message
// that is forged, repeated or about nothing changes nothing.
func TestRetailHook(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		var ahead atomic.Int64
		p := &polled{Catalog: catalog.New()}
		a := testkit.StartApp(t, url, func(o *app.Options) {
			o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: p}
			o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		s := a.Shopper("cust_1")
		bought := s.Buy(testkit.Dripper, "")
		a.App.Commerce.Hint = func(body []byte) (requests, orders []string) {
			switch string(body) {
			case `{"request":1}`:
				return []string{"catalog:" + bought.OrderID, "another's"}, nil
			case `{"order":1}`:
				return nil, []string{bought.OrderID, "550e8400-e29b-41d4-a716-446655440000", "x"}
			}
			return nil, nil
		}
		hook := a.URL + "/hooks/retail/" + a.Billing.Auth.RetailHook()
		address := a.Allocate(testkit.Headers{"x-session-token", bought.Session, "x-signature", bought.Signature}, testkit.Dollar)
		a.Pay(contracts.TestDollar, address.TempAddress, big.NewInt(13_990_000))
		a.MineSlowly("the order is placed", func() bool { return s.See(bought.OrderID).Status == "placed" })
		before := p.times.Load()
		ahead.Store(int64(10 * time.Hour)) // the next look but one is half an hour away
		testkit.Eventually(t, "the look that was due", func() bool { return p.times.Load() > before })
		for _, body := range []string{`{"request":1}`, `{"order":1}`, `{"order":1}`} {
			before = p.times.Load()
			if status, b := testkit.Do(t, "POST", hook, body, nil); status != 200 || string(b) != `{"status":"ok"}` {
				t.Errorf("%d %s", status, b)
			}
			testkit.Eventually(t, "a look at once", func() bool { return p.times.Load() > before })
		}
		if status, _ := testkit.Do(t, "POST", hook, `{"other":1}`, nil); status != 200 {
			t.Errorf("about nothing: %d", status)
		}
		for _, secret := range []string{"x", a.Billing.Auth.RetailHook() + "0"} {
			if status, b := testkit.Do(t, "POST", a.URL+"/hooks/retail/"+secret, `{"order":1}`, nil); status != 404 || bytes.Contains(b, []byte(secret)) {
				t.Errorf("another secret: %d %s", status, b)
			}
		}
		if o := s.See(bought.OrderID); o.Status != "placed" {
			t.Errorf("the order is %s", o.Status)
		}
	})
}
