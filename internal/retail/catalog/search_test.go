package catalog_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
)

// What people type, and a word of the title that comes first.
func TestSearch(t *testing.T) {
	t.Parallel()
	c := catalog.New()
	for _, s := range []struct{ text, first string }{
		{"kettle", "kettle"},
		{"KETTLES", "kettle"},
		{"kett", "kettle"},
		{"ketle", "kettle"},
		{"kettel", "kettle"},
		{"electric kettle", "kettle"},
		{"smart speaker", "smart speaker"},
		{"samrt speker", "smart speaker"},
		{"brushes", "brush"},
		{"batteries", "batteries"},
		{"pen", "pen,"},
		{"fountain pens", "Fountain pen"},
		{"headphones noise", "noise cancelling"},
		{"matte black kettle", "kettle 0.9 L, matte black"},
		{"a kettle for the office", "kettle"},
		{"usb-c cable", "USB-C cable"},
		{"B08N5WRWNW", "smart speaker"},
		{"b08n5wrwnw", "smart speaker"},
		{"puzle", "puzzle"},
		{"yoga", "Yoga mat"},
		{"dog leashes", "leash"},
		{"tent zzzzz", "tent"},
		{"watercolor", "Watercolour"},
		{"knive", "knife"},
	} {
		r, err := c.Search(t.Context(), retail.Query{Text: s.text, Page: 1, Limit: 20})
		if err != nil || len(r.Products) == 0 || !strings.Contains(r.Products[0].Title, s.first) {
			t.Errorf("%q finds %d, %.200v, %v", s.text, r.Total, r.Products, err)
		}
	}
	for _, text := range []string{"", "zzzzzz", "!!!", "\x00\xff", "qx", "ket le zq"[7:]} {
		if r, err := c.Search(t.Context(), retail.Query{Text: text, Page: 1, Limit: 20}); err != nil || r.Total != 0 || len(r.Products) != 0 {
			t.Errorf("%q finds %d, %v", text, r.Total, err)
		}
	}
}

func TestSearchFilters(t *testing.T) {
	t.Parallel()
	c := catalog.New()
	every, _ := c.Search(t.Context(), retail.Query{Text: "black", Page: 1, Limit: 1000})
	sum := 0
	for _, retailer := range []string{"amazon", "walmart", "target", "ebay", "bestbuy", "other"} {
		r, _ := c.Search(t.Context(), retail.Query{Text: "black", Retailer: retailer, Page: 1, Limit: 1000})
		for _, p := range r.Products {
			if p.Retailer != retailer {
				t.Errorf("%s is of %s, not %s", p.ID, p.Retailer, retailer)
			}
		}
		sum += r.Total
	}
	if sum != every.Total || every.Total < 30 {
		t.Errorf("the retailers have %d, together %d", sum, every.Total)
	}
	lowest, highest := 20_00*money.Cent, 40_00*money.Cent
	r, _ := c.Search(t.Context(), retail.Query{Text: "black", Min: lowest, Max: highest, Page: 1, Limit: 1000})
	want := 0
	for _, p := range every.Products {
		if p.Price >= lowest && p.Price <= highest {
			want++
		}
	}
	if r.Total != want || want == 0 || want == every.Total {
		t.Errorf("%d cost from %s to %s, want %d", r.Total, lowest, highest, want)
	}
	var paged []string
	for page := 1; ; page++ {
		r, _ := c.Search(t.Context(), retail.Query{Text: "black", Page: page, Limit: 4})
		if r.Total != every.Total {
			t.Errorf("page %d says %d", page, r.Total)
		}
		for _, p := range r.Products {
			paged = append(paged, p.ID)
		}
		if len(r.Products) < 4 {
			break
		}
	}
	for n, p := range every.Products {
		if n >= len(paged) || paged[n] != p.ID {
			t.Fatalf("the pages hold %v", paged)
		}
	}
}

// Whatever is looked for is answered, by the rules.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"kettle", "a", "", "USB-C Ä\x00\xff", strings.Repeat("a b ", 60), strings.Repeat("x", 255), "ſ K İ", "🎈 ballon"} {
		f.Add(s, 1, 20, int64(0), int64(0))
	}
	f.Add("black", 3, 7, int64(20_000), int64(40_000))
	c := catalog.New()
	f.Fuzz(func(t *testing.T, text string, page, limit int, lowest, highest int64) {
		q := retail.Query{Text: text, Retailer: "amazon", Min: money.USD(lowest), Max: money.USD(highest), Page: 1 + max(page, -page)&1023, Limit: 1 + max(limit, -limit)&63}
		r, err := c.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Products) > q.Limit || r.Total < len(r.Products) || len(r.Products) == 0 && r.Total > (q.Page-1)*q.Limit {
			t.Fatalf("%d of %d products on page %d", len(r.Products), r.Total, q.Page)
		}
		seen := map[string]bool{}
		for _, p := range r.Products {
			if seen[p.ID] || p.Retailer != "amazon" || p.Price < q.Min || q.Max > 0 && p.Price > q.Max {
				t.Fatalf("%+v", p)
			}
			seen[p.ID] = true
		}
	})
}
