package server_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/testkit"
)

// shelf is a provider whose offers are those of a test.
type shelf struct {
	*catalog.Catalog
	mu      sync.Mutex
	offers  map[string][]pay.Offer // by retailer and product; none for what there is not
	err     error                  // what every question is answered with
	zips    []string               // that it was asked for
	here    atomic.Int64           // questions that wait for an answer
	most    atomic.Int64           // of them there ever were
	crowd   chan struct{}          // when not nil, questions wait until it is closed
	waiting chan struct{}          // gets one for each that waits
}

// Offers implements retail.Provider.
func (s *shelf) Offers(ctx context.Context, retailer, id, zip string) ([]pay.Offer, error) {
	n := s.here.Add(1)
	defer s.here.Add(-1)
	for was := s.most.Load(); n > was && !s.most.CompareAndSwap(was, n); was = s.most.Load() {
	}
	if s.crowd != nil {
		s.waiting <- struct{}{}
		select {
		case <-s.crowd:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", retail.ErrUnavailable, ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zips = append(s.zips, zip)
	os, ok := s.offers[retailer+"/"+id]
	switch {
	case s.err != nil:
		return nil, s.err
	case !ok:
		return nil, fmt.Errorf("%s: %w", id, retail.ErrNotFound)
	}
	return os, nil
}

func (s *shelf) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func newShelf() *shelf {
	good := func(id string, price, shipping money.USD) pay.Offer {
		return pay.Offer{ID: id, Price: price, Shipping: shipping, Prime: true, Condition: pay.New, DeliveryDays: 10, Available: true}
	}
	with := func(o pay.Offer, change func(*pay.Offer)) pay.Offer { change(&o); return o }
	none := good("bad", money.Cent, 0)
	return &shelf{Catalog: catalog.New(), offers: map[string][]pay.Offer{
		"amazon/same":   {good("dear", 30_00*money.Cent, 0), good("best", 9_99*money.Cent, 0)},
		"amazon/dearer": {good("x", 12_50*money.Cent, 2_00*money.Cent), good("y", 12_00*money.Cent, 3_00*money.Cent)},
		"ebay/cheaper":  {good("x", 1*money.Cent, 0)},
		"amazon/empty":  {},
		"amazon/bad": {
			with(none, func(o *pay.Offer) { o.Available = false }), with(none, func(o *pay.Offer) { o.Condition = "Used - Good" }),
			with(none, func(o *pay.Offer) { o.Prime = false }), with(none, func(o *pay.Offer) { o.International = true }),
			with(none, func(o *pay.Offer) { o.DeliveryDays = 11 }), with(none, func(o *pay.Offer) { o.Price = 0 }),
		},
	}}
}

// A cart is compared with what is offered now, and added up at what that costs. It
// stays as it is.
func TestCartChecks(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		s := newShelf()
		d, _ := newCartDesk(t, url, func(o *app.Options) {
			o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: s}
			o.Terms.FeeRate = 250
		})
		check := func() answer { return d.ask("POST "+cartPath+"/validate", "{"+ann+"}", d.key) }
		totals := func(more string) answer { return d.ask("GET "+cartPath+"/totals"+annIs+more, "", d.key) }
		nothing := func(zip string) string {
			return `{"success":true,"data":{"subtotal":0,"shipping":0,"tax":0,"fees":{"fixed":0,"percentage":0,"percentageAmount":0,"total":0},"total":0,"itemCount":0,"zipCode":` + zip + `}}`
		}
		exactly(t, check(), 200, `{"success":true,"valid":true,"items":[],"summary":{"totalItems":0,"availableItems":0,"unavailableItems":0,"priceChangedItems":0}}`)
		exactly(t, totals(""), 200, nothing("null"))
		exactly(t, totals("&zip_code=94105-1234"), 200, nothing(`"94105-1234"`))

		item := func(retailer, product string, quantity int) string {
			return d.add(ann, fmt.Sprintf(`"productId":%q,"retailer":%q,"title":"T","price":9.99,"quantity":%d`, product, retailer, quantity))
		}
		same, dearer, cheaper := item("amazon", "same", 2), item("amazon", "dearer", 1), item("ebay", "cheaper", 3)
		row := func(id, current string, available, changed bool) string {
			return fmt.Sprintf(`{"itemId":%q,"available":%t,"currentPrice":%s,"savedPrice":9.99,"priceChanged":%t}`, id, available, current, changed)
		}
		rows := row(same, "9.99", true, false) + "," + row(dearer, "12.5", true, true) + "," + row(cheaper, "0.01", true, true)
		exactly(t, check(), 200, `{"success":true,"valid":true,"items":[`+rows+`],"summary":{"totalItems":3,"availableItems":3,"unavailableItems":0,"priceChangedItems":2}}`)
		// 2 × 9.99 + 12.50 + 3 × 0.01 = 32.51, of which 2.5 % are 0.82; shipping is 1.00 and what the offer asks.
		sum := func(zip string) string {
			return `{"success":true,"data":{"subtotal":32.51,"shipping":3,"tax":0,"fees":{"fixed":3,"percentage":2.5,"percentageAmount":0.82,"total":3.82},"total":39.33,"itemCount":3,"zipCode":` + zip + `}}`
		}
		exactly(t, totals(""), 200, sum("null"))
		s.zips = nil
		exactly(t, totals("&zip_code=94105"), 200, sum(`"94105"`))
		if fmt.Sprint(s.zips) != "[94105 94105 94105]" {
			t.Errorf("the provider was asked for %q", s.zips)
		}

		// What cannot be ordered is told, and not added up.
		unknown, empty, bad := item("target", "same", 1), item("amazon", "empty", 1), item("amazon", "bad", 1)
		rows += "," + row(unknown, "9.99", false, false) + "," + row(empty, "9.99", false, false) + "," + row(bad, "9.99", false, false)
		exactly(t, check(), 200, `{"success":true,"valid":false,"items":[`+rows+`],"summary":{"totalItems":6,"availableItems":3,"unavailableItems":3,"priceChangedItems":2}}`)
		exactly(t, totals(""), 200, sum("null"))
		for _, id := range []string{same, dearer, cheaper} {
			d.ask("DELETE "+itemsPath+"/"+id+annIs, "", d.key)
		}
		exactly(t, totals(""), 200, nothing("null"))
		d.ask("DELETE "+cartPath+annIs, "", d.key)
		item("amazon", "dearer", 2)
		before := d.ask("GET "+cartPath+annIs, "", d.key)
		check()
		totals("")
		exactly(t, d.ask("GET "+cartPath+annIs, "", d.key), 200, before.body)
		d.holds(0, 0)
	})
}

// A provider that does not answer to everything is a 503; a mistake of ours is not.
func TestCartChecksWithoutProvider(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		s := newShelf()
		d, _ := newCartDesk(t, url, func(o *app.Options) { o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: s} })
		_, live, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		d.add(ann, dripper)
		both := func(key, code string, status int) {
			t.Helper()
			h := testkit.Headers{"x-api-key", key}
			refused(t, d.ask("POST "+cartPath+"/validate", "{"+ann+"}", h), status, "B", code)
			refused(t, d.ask("GET "+cartPath+"/totals"+annIs, "", h), status, "B", code)
		}
		both(live, "COMMERCE_UNAVAILABLE", 503)
		s.fails(fmt.Errorf("ask: %w", retail.ErrUnavailable))
		both(d.Commerce, "PROVIDER_UNAVAILABLE", 503)
		s.fails(fmt.Errorf("ask: %w", context.DeadlineExceeded))
		both(d.Commerce, "PROVIDER_UNAVAILABLE", 503)
		s.fails(fmt.Errorf("a mistake"))
		both(d.Commerce, "INTERNAL_SERVER_ERROR", 500)
		s.fails(nil)
		if a := d.ask("POST "+cartPath+"/validate", "{"+ann+"}", d.key); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if got := d.inCart(annIs, d.key); got != "amazon/B0B844T634×1 " {
			t.Error(got)
		}
	})
}

// Eight questions are put to the provider at a time, not one and not fifty, and nobody
// who changes the cart waits for its answers.
func TestCartAsksEightAtATime(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		s := newShelf()
		s.crowd, s.waiting = make(chan struct{}), make(chan struct{}, pay.MaxCartItems)
		d, _ := newCartDesk(t, url, func(o *app.Options) { o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: s} })
		for n := range pay.MaxCartItems {
			d.add(ann, fmt.Sprintf(`"productId":"p%d","retailer":"amazon","title":"T","price":1`, n))
		}
		checked := make(chan answer)
		go func() { checked <- d.ask("POST "+cartPath+"/validate", "{"+ann+"}", d.key) }()
		for range 8 {
			<-s.waiting
		}
		d.add(ann, `"productId":"p0","retailer":"amazon","title":"T","price":1`)
		close(s.crowd)
		if a := <-checked; a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if n := s.most.Load(); n != 8 {
			t.Errorf("%d questions at a time", n)
		}
	})
}
