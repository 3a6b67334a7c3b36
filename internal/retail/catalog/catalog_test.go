package catalog_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
)

var day = time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)

func onDay(t time.Time) *catalog.Catalog {
	return catalog.New().In("https://pay.example", func() time.Time { return t })
}

// all returns every product, the catalog's own way: nothing else lists them.
func all(t *testing.T, c *catalog.Catalog) (ps []pay.Product) {
	t.Helper()
	for page := 1; ; page++ {
		r, err := c.Search(t.Context(), retail.Query{Text: "a", Page: page, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, r.Products...)
		if len(r.Products) < 7 {
			return ps
		}
	}
}

// everything returns all the products that the brands of the catalog make.
func everything(t *testing.T, c *catalog.Catalog) map[string]pay.Product {
	t.Helper()
	ps := map[string]pay.Product{}
	for _, brand := range strings.Fields("Testwell Hallowick Tarnwick Brenvale Ironmere Corvane Maplewren Sondrik Lumarro Amperlane Pellamoor Corvidata Inkridge Fernhollow Skarnholt Gritwell Ostralune Tumblekin Pawlington Dorrowby Oskelund Brightlund") {
		r, err := c.Search(t.Context(), retail.Query{Text: brand, Page: 1, Limit: 1000})
		if err != nil || r.Total == 0 {
			t.Fatalf("%s: %d products, %v", brand, r.Total, err)
		}
		for _, p := range r.Products {
			ps[p.ID] = p
		}
	}
	return ps
}

// There are hundreds of products, each whole and of some retailer, with an offer at its
// price and a picture.
func TestProducts(t *testing.T) {
	t.Parallel()
	c := onDay(day)
	ps, titles, sellers := everything(t, c), map[string]bool{}, map[string]int{}
	reduced, out, ordered := 0, 0, 0
	for id, p := range ps {
		if titles[p.Title] || p.Title == "" || p.Description == "" || len(p.Bullets) == 0 || len(p.Categories) == 0 || len(p.Details) == 0 || p.Brand == "" || p.Price < pay.MinPrice {
			t.Errorf("%+v", p)
		}
		if p.Price%money.Cent != 0 || p.Rating < 30 || p.Rating > 50 || p.Reviews <= 0 || p.OriginalPrice != 0 && p.OriginalPrice <= p.Price {
			t.Errorf("%+v", p)
		}
		titles[p.Title] = true
		sellers[p.Retailer]++
		file, ours := strings.CutPrefix(p.Image, "https://pay.example/catalog/images/")
		if _, drawn := catalog.Picture(file); !ours || !drawn || len(p.Images) != 1 || p.Images[0] != p.Image {
			t.Errorf("%s has the picture %s", id, p.Image)
		}
		os, err := c.Offers(t.Context(), p.Retailer, id, "")
		if err != nil || len(os) != p.Offers {
			t.Errorf("%s has %d offers, not %d: %v", id, len(os), p.Offers, err)
		}
		seen := map[string]bool{}
		for _, o := range os {
			if seen[o.ID] || o.Price < pay.MinPrice || o.Price%money.Cent != 0 || o.SellerID == "" || o.SellerName == "" || o.Condition == "" || o.HandlingMin > o.HandlingMax || o.DeliveryDays < o.HandlingMax {
				t.Errorf("%s: %+v", id, o)
			}
			seen[o.ID] = true
		}
		if best, ok := pay.Best(os, 10); ok {
			ordered++
			if best.Price != p.Price {
				t.Errorf("%s costs %s and its best offer %s", id, p.Price, best.Price)
			}
		} else if p.Available && !strings.HasPrefix(id, "B0") {
			t.Errorf("%s is available and has no offer that can be ordered", id)
		}
		if p.OriginalPrice > 0 {
			reduced++
		}
		if !p.Available {
			out++
		}
	}
	t.Logf("%d products: %v; %d are reduced, %d are out of stock, %d can be ordered", len(ps), sellers, reduced, out, ordered)
	if len(ps) < 280 || len(sellers) != len(pay.Retailers) || sellers["amazon"] < len(ps)/2 {
		t.Errorf("%d products: %v", len(ps), sellers)
	}
	for _, r := range pay.Retailers {
		if sellers[r] < 5 {
			t.Errorf("%s sells %d products", r, sellers[r])
		}
	}
	if reduced < 50 || out < 2 || out > 40 || ordered < 250 {
		t.Errorf("%d are reduced, %d are out of stock, %d can be ordered", reduced, out, ordered)
	}
	if found := all(t, c); len(found) == 0 {
		t.Error("no pages")
	}
}

// What each fixture is for.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for id, c := range map[string]struct {
		price    money.USD
		eligible bool
		stage    retail.Stage
	}{
		"B0B844T634": {9_99 * money.Cent, true, retail.Placed}, "B08N5WRWNW": {29_99 * money.Cent, true, retail.Placed}, "B000000000": {19_99 * money.Cent, false, ""},
		"B0USED0001": {80_00 * money.Cent, false, ""}, "B0SLOW0001": {120_00 * money.Cent, false, ""}, "B0FARR0001": {65_00 * money.Cent, false, ""},
		"B0GONE0001": {45_00 * money.Cent, false, ""}, "B0NOPR0001": {12_00 * money.Cent, false, ""}, "B0NONE0001": {18_00 * money.Cent, false, ""},
		"B0FAIL0001": {15_00 * money.Cent, true, retail.Failed}, "B0RISE0001": {22_00 * money.Cent, true, retail.Failed}, "B0KEEP0001": {25_00 * money.Cent, true, retail.Placed},
	} {
		for after := range 30 {
			k := onDay(day.AddDate(0, 0, 7*after))
			p, err := k.Product(t.Context(), "amazon", id)
			os, oerr := k.Offers(t.Context(), "amazon", id, "99501")
			best, ok := pay.Best(os, 10)
			if err != nil || oerr != nil || p.Price != c.price || ok != c.eligible || ok && best.Price != c.price {
				t.Fatalf("%s on day %d: %v, %v, %+v, %+v", id, after, err, oerr, p, os)
			}
		}
		if c.stage == "" {
			continue
		}
		k, order := catalog.New(), retail.Placement{Key: "7", Retailer: "amazon", Lines: []pay.OrderLine{{ProductID: "B0B844T634"}, {ProductID: id}}}
		request, err := k.Place(t.Context(), order)
		again, _ := catalog.New().Place(t.Context(), order)
		if err != nil || again != request {
			t.Errorf("%s: placed as %s and as %s, %v", id, request, again, err)
		}
		if g, err := k.Poll(t.Context(), request); err != nil || g.Stage != c.stage || g.CancelRefused || (g.Reason != "") != (c.stage == retail.Failed) {
			t.Errorf("%s: %+v, %v", id, g, err)
		}
		for range 2 { // asking again changes nothing
			if err := k.Cancel(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			want := retail.Progress{Stage: retail.Cancelled}
			switch {
			case id == "B0KEEP0001":
				want = retail.Progress{Stage: retail.Placed, CancelRefused: true}
			case c.stage == retail.Failed:
				want.Stage = retail.Failed
			}
			if g, err := k.In("", nil).Poll(t.Context(), request); err != nil || g.Stage != want.Stage || g.CancelRefused != want.CancelRefused {
				t.Errorf("%s, cancelled: %+v, %v", id, g, err)
			}
		}
		// A restart forgets that it was asked, until it is asked again.
		if g, err := catalog.New().Poll(t.Context(), request); err != nil || g.Stage != c.stage || g.CancelRefused {
			t.Errorf("%s, after a restart: %+v, %v", id, g, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	c := catalog.New()
	for _, id := range []string{"", "B000000001", "b0b844t634", "B0B844T634 ", "\x00"} {
		_, err := c.Product(t.Context(), "amazon", id)
		_, oerr := c.Offers(t.Context(), "amazon", id, "")
		_, perr := c.Poll(t.Context(), id)
		if !errors.Is(err, retail.ErrNotFound) || !errors.Is(oerr, retail.ErrNotFound) || !errors.Is(perr, retail.ErrNotFound) {
			t.Errorf("%q: %v, %v, %v", id, err, oerr, perr)
		}
	}
	if _, err := c.Product(t.Context(), "walmart", "B0B844T634"); !errors.Is(err, retail.ErrNotFound) {
		t.Errorf("another retailer's: %v", err)
	}
}

// Prices move by the day, the same way each time, and never far. Stock comes back.
func TestDays(t *testing.T) {
	t.Parallel()
	still, moves, out := everything(t, catalog.New()), 0, map[string]int{}
	for n := range 20 {
		at := day.AddDate(0, 0, n)
		early, late := everything(t, onDay(at)), everything(t, onDay(at.Add(59*time.Minute)))
		for id, p := range early {
			usual := still[id].Price
			if d := p.Price - usual; d*100 > usual*3 || -d*100 > usual*3 {
				t.Errorf("%s costs %s, usually %s", id, p.Price, usual)
			}
			if p.Price != late[id].Price || p.Available != late[id].Available {
				t.Errorf("%s changes within a day", id)
			}
			if p.Price != usual {
				moves++
			}
			if still[id].Available && !p.Available {
				out[id]++
			}
		}
	}
	if moves < 20*len(still)*8/10 {
		t.Errorf("only %d prices moved", moves)
	}
	for id, days := range out {
		if days == 20 {
			t.Errorf("%s is never in stock", id)
		}
	}
}

// What is far away costs more to ship to, except with prime.
func TestFarAway(t *testing.T) {
	t.Parallel()
	c, dearer := catalog.New(), 0
	for id, p := range everything(t, c) {
		near, _ := c.Offers(t.Context(), p.Retailer, id, "94105")
		far, _ := c.Offers(t.Context(), p.Retailer, id, "96813-0001")
		for n := range near {
			if p.Brand == "Testwell" {
				continue
			}
			if far[n].DeliveryDays <= near[n].DeliveryDays || near[n].Prime != (far[n].Shipping == near[n].Shipping) {
				t.Errorf("%+v, but near %+v", far[n], near[n])
			}
			dearer++
		}
	}
	if dearer == 0 {
		t.Error("nothing was compared")
	}
}

// Pictures are drawings that run nothing and fetch nothing.
func TestPictures(t *testing.T) {
	t.Parallel()
	for id := range everything(t, catalog.New()) {
		svg, ok := catalog.Picture(id + ".svg")
		if again, _ := catalog.Picture(id + ".svg"); !ok || string(again) != string(svg) {
			t.Fatalf("%s is drawn in two ways", id)
		}
		for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", id, err, svg)
			}
			e, _ := token.(xml.StartElement)
			for _, a := range e.Attr {
				if n := strings.ToLower(a.Name.Local); strings.HasPrefix(n, "on") || n == "href" || n == "style" || n == "src" {
					t.Errorf("%s: <%s %s>", id, e.Name.Local, n)
				}
			}
			if n := strings.ToLower(e.Name.Local); n == "script" || n == "style" || n == "image" || n == "foreignobject" || n == "use" {
				t.Errorf("%s: <%s>", id, n)
			}
		}
	}
	for _, file := range []string{"", ".svg", "B0B844T634", "B0B844T634.png", "b0b844t634.svg", "../goods.txt"} {
		if _, ok := catalog.Picture(file); ok {
			t.Errorf("there is a picture %q", file)
		}
	}
}
