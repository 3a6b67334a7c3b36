package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
)

// Searches of the catalog, as people type them: the worst are words that are misspelt.
var searches = []string{
	"kettle", "matte black kettles", "headphnes", "a gift for the dog", "usb-c charger 65 W", "waterproof speakr", "set of 4", "blck pen",
	"noise cancelling over-ear headphones with charging case", "zzzzzzzz yyyyyyyy xxxxxxxx wwwwwwww vvvvvvvv uuuuuuuu tttttttt ssssssss rrrrrrrr",
}

func BenchmarkSearch(b *testing.B) {
	c := catalog.New().In("https://pay.example", time.Now)
	_, each := at(b, 1, 2_000, func(_, i int) error {
		_, err := c.Search(context.Background(), retail.Query{Text: searches[i%len(searches)], Retailer: "amazon", Page: 1, Limit: 20})
		return err
	})
	line{what: "a search of the catalog, p50", figure: each.ms(50), unit: "ms"}.print()
	line{what: "  p99", figure: each.ms(99), unit: "ms", goal: "< 5"}.print()
}
