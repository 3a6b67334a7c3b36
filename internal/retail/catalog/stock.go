package catalog

import (
	_ "embed"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

//go:embed goods.txt
var goods string

// shelf is everything that is sold, at its usual price.
type shelf struct {
	products []pay.Product
	byID     map[string]int
	drawings map[string]string // the name of the drawing on a product's picture, by its id
	index
}

var stock = sync.OnceValue(func() *shelf {
	s := &shelf{byID: map[string]int{}, drawings: map[string]string{}, index: index{postings: map[string][]posting{}}}
	for _, id := range slices.Sorted(maps.Keys(fixtures)) {
		s.add(fixtures[id].product(id), "box")
	}
	var category []string
	var drawing string
	for line := range strings.Lines(goods) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		for n := range parts {
			parts[n] = strings.TrimSpace(parts[n])
		}
		switch {
		case parts[0] == "" || parts[0][0] == '#':
		case parts[0][0] == '=':
			category, drawing = strings.Split(strings.TrimSpace(parts[0][1:]), " > "), parts[1]
		default:
			for _, variant := range strings.Split(parts[3], ", ") {
				s.add(product(parts, variant, category), drawing)
			}
		}
	}
	s.index.sort()
	return s
})

// add puts a product on the shelf. What is embedded is wrong when it does not fit.
func (s *shelf) add(p pay.Product, drawing string) {
	if _, twice := s.byID[p.ID]; twice || drawings[drawing] == "" {
		panic("catalog: " + p.Title)
	}
	p.Image = "/catalog/images/" + p.ID + ".svg"
	p.URL = "https://www." + p.Retailer + ".example/item/" + p.ID
	p.Offers = len(offers(p, ""))
	s.byID[p.ID], s.drawings[p.ID] = len(s.products), drawing
	s.index.add(p, len(s.products))
	s.products = append(s.products, p)
}

// product makes one variant of a line of goods.txt. What the line leaves open follows
// from the name.
func product(parts []string, variant string, category []string) pay.Product {
	price, err := money.ParseUSD(parts[2])
	if err != nil {
		panic(err)
	}
	p := pay.Product{
		Title: parts[1] + " " + parts[0], Brand: parts[1], Description: parts[4], Bullets: strings.Split(parts[5], "; "),
		Details: []string{"Brand: " + parts[1], "Department: " + category[0]}, Categories: category, Price: price, Available: true,
	}
	if variant != "" {
		p.Title += ", " + variant
		p.Details = append(p.Details, "Variant: "+variant)
	}
	if r := roll(40, p.Title, "retailer"); r < 15 {
		p.Retailer = pay.Retailers[1+r/3]
	} else {
		p.Retailer = pay.DefaultRetailer
	}
	p.ID = idOf(p.Retailer, p.Title)
	p.Rating, p.Reviews = 36+int(roll(14, p.ID, "rating")), 3+int(roll(60, p.ID, "reviews")*roll(60, p.ID, "more reviews"))
	p.Questions, p.Sold = p.Reviews/40, p.Reviews*7
	if roll(2, p.ID, "sale") == 0 {
		const dollar = 100 * money.Cent
		p.OriginalPrice = cents(price, 118+roll(25, p.ID, "was"))/dollar*dollar + 99*money.Cent
	}
	return p
}

// idOf returns an id of the form that a retailer's have. It has no vowels, so it
// spells nothing.
func idOf(retailer, title string) string {
	digits := func(n int) string {
		return fmt.Sprintf("%0*d", n, roll(map[int]int64{7: 1e7, 8: 1e8, 9: 1e9, 12: 1e12}[n], title, "id"))
	}
	switch retailer {
	case "amazon":
		const letters = "0123456789BCDFGHJKLMNPQRSTVWXZ"
		id := []byte("B0")
		for n := range 8 {
			id = append(id, letters[roll(int64(len(letters)), title, "id", fmt.Sprint(n))])
		}
		return string(id)
	case "walmart":
		return digits(9)
	case "target":
		return "A-" + digits(8)
	case "ebay":
		return digits(12)
	case "bestbuy":
		return digits(7)
	}
	return "P-" + digits(8)
}

// roll draws a number from 0 to below n: always the same for the same texts.
func roll(n int64, of ...string) int64 {
	h := fnv.New64a()
	for _, s := range of {
		_, _ = h.Write([]byte(s + "\x00")) // never fails
	}
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return int64((x ^ x>>33) % uint64(n))
}
