package zinc_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

func sane(t *testing.T, what string, limit int, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s: %q", what, s)
		}
	}
}

func safe(t *testing.T, links ...string) {
	t.Helper()
	for _, s := range links {
		if s != "" && !strings.HasPrefix(s, "https://") || len(s) > 2048 {
			t.Errorf("a link: %q", s)
		}
	}
}

func affordable(t *testing.T, prices ...money.USD) {
	t.Helper()
	for _, u := range prices {
		if u < 0 || u > pay.MaxAmount || u%money.Cent != 0 {
			t.Errorf("a price: %s", u)
		}
	}
}

func checkProduct(t *testing.T, p pay.Product) {
	t.Helper()
	sane(t, "line", 500, append(append(append([]string{p.Title, p.Brand}, p.Bullets...), p.Details...), p.Categories...)...)
	sane(t, "prose", 10_000, p.Description)
	safe(t, append([]string{p.Image, p.URL}, p.Images...)...)
	affordable(t, p.Price, p.OriginalPrice, p.ShipPrice)
	if p.Title == "" || p.Rating < 0 || p.Rating > 50 || min(p.Reviews, p.Questions, p.Sold, p.Offers) < 0 || len(p.Images) > 50 || p.Available && p.Price == 0 {
		t.Errorf("%+v", p)
	}
}

func FuzzProduct(f *testing.F) {
	f.Add([]byte(dripper))
	f.Add([]byte(`{"product_id":"B0B844T634","title":"x","price":1e3,"stars":5.0001,"images":["https://\u0000"]}`))
	f.Add([]byte(`{"results":[` + dripper + `,7],"showing":{"of":-1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := zinc.DecodeProduct(b, "amazon", "B0B844T634"); err == nil {
			checkProduct(t, p)
		} else if !isOnly(err, retail.ErrNotFound) && !isOnly(err, retail.ErrUnavailable) {
			t.Error(err)
		}
		found, err := zinc.DecodeResults(b, retail.Query{Retailer: "amazon", Limit: 20, Min: 100, Max: 50_000})
		for _, p := range found.Products {
			if checkProduct(t, p); p.Price < 100 || p.Price > 50_000 {
				t.Errorf("%+v", p)
			}
		}
		if len(found.Products) > 20 || found.Total < len(found.Products) || err != nil && !isOnly(err, retail.ErrUnavailable) {
			t.Errorf("%d of %d, %v", len(found.Products), found.Total, err)
		}
	})
}

func FuzzOffers(f *testing.F) {
	f.Add([]byte(`{"offers":[` + offerBody() + `,7]}`))
	f.Add([]byte(`{"status":"failed","offers":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, retailer := range []string{"amazon", "walmart"} {
			os, dropped, err := zinc.DecodeOffers(b, retailer, 10)
			if len(os) > 50 || dropped < 0 || err != nil && (len(os) > 0 || !isOnly(err, retail.ErrUnavailable) && !isOnly(err, retail.ErrNotFound)) {
				t.Errorf("%d offers, %d dropped, %v", len(os), dropped, err)
			}
			for _, o := range os {
				sane(t, "text", 500, o.ID, o.SellerID, o.SellerName, o.Condition)
				affordable(t, o.Price, o.Shipping)
				if o.Price < pay.MinPrice || o.HandlingMin < 0 || o.HandlingMax < o.HandlingMin || o.DeliveryDays < o.HandlingMax || o.DeliveryDays > 2*365 {
					t.Errorf("%+v", o)
				}
			}
		}
	})
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(placedBody(track(order1, "1Z1", "Delivered", `"B0B844T634"`), order1, order2)))
	f.Add([]byte(errorBody("request_processing")))
	f.Add([]byte(`{"balance":-1,"messages":[{"type":"case.refund.full"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		zinc.Hint(b)
		zinc.DecodeCase(b)
		if u, ok := zinc.DecodeBalance(b); ok {
			affordable(t, u)
		}
		p, ids, err := zinc.DecodeOrder(b, first, noon)
		if err != nil {
			if !isOnly(err, retail.ErrUnavailable) || p.Stage != "" {
				t.Errorf("%+v, %v", p, err)
			}
			return
		}
		if p.Stage != retail.Placed || len(ids) == 0 || len(ids) > 50 || len(p.Shipments) > 50 || p.Delivered && len(p.Shipments) == 0 || p.Reason != "" || p.CancelRefused {
			t.Errorf("%+v, %v", p, ids)
		}
		names := map[string]bool{}
		for _, s := range p.Shipments {
			sane(t, "text", 100, s.Carrier, s.Number, s.RetailerNumber, s.DeliveryStatus)
			safe(t, s.URL, s.RetailerURL)
			if !s.Tracked() || len(s.ID) != 29 || names[s.ID] || s.ObtainedAt.After(noon) {
				t.Errorf("%+v", s)
			}
			if names[s.ID] = true; p.Delivered && s.DeliveryStatus != "Delivered" {
				t.Errorf("not everything is delivered: %+v", s)
			}
		}
	})
}
