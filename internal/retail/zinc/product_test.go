package zinc_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

const dripper = `{"status":"completed","timestamp":1,"retailer":"amazon","product_id":"B0B844T634","title":"Dripper","brand":"Acme","product_description":"Pours.",
 "price":999,"original_retail_price":1299,"ship_price":0,"main_image":"https://img.example/1.jpg","images":["https://img.example/1.jpg","http://img.example/2.jpg",7],
 "feature_bullets":["One","Two"],"product_details":["Color: white"],"categories":["Kitchen"],"stars":4.55,"review_count":120,"question_count":3,"num_sales":4,"num_offers":5,
 "parent_asin":"B0PARENT01","fresh":true,"pantry":false,"handmade":true,"digital":false,"gift_card":false,"addon":false,"epids":[{"type":"UPC"}]}`

func TestProduct(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("GET /products/B0B844T634", dripper)
	got, err := r.Product(t.Context(), "amazon", "B0B844T634")
	want := pay.Product{
		ID: "B0B844T634", Retailer: "amazon", Title: "Dripper", Brand: "Acme", Description: "Pours.", Price: 9_99 * money.Cent, OriginalPrice: 12_99 * money.Cent,
		Image: "https://img.example/1.jpg", Images: []string{"https://img.example/1.jpg"}, Bullets: []string{"One", "Two"}, Details: []string{"Color: white"},
		Categories: []string{"Kitchen"}, Rating: 46, Reviews: 120, Questions: 3, Sold: 4, Offers: 5, Parent: "B0PARENT01", Available: true, Fresh: true, Handmade: true,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, want)
	}
}

// Nobody is asked for what cannot be, and what is not there is not found.
func TestProductNotFound(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, c := range [][2]string{{"other", "B0"}, {"nobody", "B0"}, {"", "B0"}, {"amazon", ""}, {"amazon", ".."}, {"amazon", "a/../../orders"}, {"amazon", "é"}, {"amazon", strings.Repeat("a", 65)}} {
		_, err := r.Product(t.Context(), c[0], c[1])
		r.fails(t, err, retail.ErrNotFound)
		_, err = r.Offers(t.Context(), c[0], c[1], "94105")
		r.fails(t, err, retail.ErrNotFound)
	}
	if len(r.calls) != 0 {
		t.Errorf("asked %v", r.calls)
	}
	for body, want := range map[string]error{
		errorBody("product_unavailable"): retail.ErrNotFound, errorBody("expired_product_id"): retail.ErrNotFound, errorBody("invalid_product_id"): retail.ErrNotFound,
		`{"status":"failed"}`: retail.ErrNotFound, "": retail.ErrUnavailable, `{"status":"processing"}`: retail.ErrUnavailable, errorBody("internal_error"): retail.ErrUnavailable,
		errorBody("whatever"): retail.ErrUnavailable, strings.Replace(dripper, "B0B844T634", "B0ANOTHER1", 1): retail.ErrUnavailable, strings.Replace(dripper, "Dripper", "", 1): retail.ErrUnavailable,
	} {
		r.answer("GET /products/B0B844T634", body)
		r.answer("GET /products/B0B844T634/offers", body)
		_, err := r.Product(t.Context(), "amazon", "B0B844T634")
		r.fails(t, err, want)
		_, err = r.Offers(t.Context(), "amazon", "B0B844T634", "")
		r.fails(t, err, want)
	}
	r.answer("GET /products/B0B844T634", dripper)
	_, err := r.Product(t.Context(), "amazon", "B0UNKNOWN1")
	r.fails(t, err, retail.ErrNotFound)
}

// What is hostile in a product is left out; what is good stays.
func TestProductIsChecked(t *testing.T) {
	t.Parallel()
	r := start(t)
	long := strings.Repeat("é", 20_000)
	r.answer("GET /products/B0B844T634", `{"product_id":"B0B844T634","title":"`+long+`","product_description":"`+long+`","price":-1,"original_retail_price":99999999999,"ship_price":"free",
	 "main_image":"javascript:alert(1)","images":{"a":1},"feature_bullets":["a\u0000b\u001bc",`+strings.Repeat(`"x",`, 80)+`null],"stars":5.1,"review_count":-7,"question_count":-7,"num_offers":99999999999,"num_sales":1.5,
	 "url":"https://user:pass@evil.example/","parent_asin":"../x","fresh":"yes"}`)
	p, err := r.Product(t.Context(), "amazon", "B0B844T634")
	if err != nil {
		t.Fatal(err)
	}
	if p.Price+p.OriginalPrice+p.ShipPrice != 0 || p.Available || p.Image+p.URL+p.Parent != "" || p.Images != nil || p.Rating+p.Reviews+p.Questions+p.Sold+p.Offers != 0 || p.Fresh {
		t.Errorf("%+v", p)
	}
	if len([]rune(p.Title)) != 500 || len([]rune(p.Description)) != 10_000 || len(p.Bullets) != 50 || p.Bullets[0] != "a b c" {
		t.Errorf("title %d, description %d, bullets %d, %q", len([]rune(p.Title)), len([]rune(p.Description)), len(p.Bullets), p.Bullets[0])
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r := start(t)
	row := func(id string, price any) string {
		return fmt.Sprintf(`{"product_id":%q,"title":"Thing","image":"https://img.example/1.jpg","price":%v,"stars":4,"num_reviews":12,"prime":true}`, id, price)
	}
	r.answer("GET /search", `{"status":"completed","results":[`+strings.Join([]string{
		row("B01", 500), row("B02", 1000), row("B03", 2000), row("B04", 5000), row("B05", -1), row("B06", "null"), row("B07", `"7"`), row("../8", 1000), `7`, `{}`, row("B09", 1500),
	}, ",")+`],"showing":{"start":1,"end":9,"of":400,"pages":20}}`)
	var query string
	r.breaks(func(_ http.ResponseWriter, req *http.Request) bool { query = req.URL.RawQuery; return false })
	got, err := r.Search(t.Context(), retail.Query{Text: "a & b", Retailer: "amazon", Min: 10_00 * money.Cent, Max: 20_00 * money.Cent, Page: 3, Limit: 2})
	if err != nil || got.Total != 400 || len(got.Products) != 2 || got.Products[0].ID != "B02" || got.Products[1].ID != "B03" {
		t.Errorf("%+v, %v", got, err)
	}
	if query != "page=3&query=a+%26+b&retailer=amazon" {
		t.Errorf("asked %s", query)
	}
	if p := got.Products[0]; p.Image == "" || p.Reviews != 12 || p.Rating != 40 || !p.Available {
		t.Errorf("%+v", p)
	}
	for most, want := range map[money.USD]int{0: 5, 20_00 * money.Cent: 4} {
		if got, err := r.Search(t.Context(), retail.Query{Text: "x", Retailer: "amazon", Limit: 50, Max: most}); err != nil || len(got.Products) != want {
			t.Errorf("%d products for at most %s: %+v, %v", len(got.Products), most, got, err)
		}
	}
	for _, q := range []retail.Query{{Text: "x", Retailer: "other"}, {Text: " \x00 ", Retailer: "amazon"}} {
		if got, err := r.Search(t.Context(), q); err != nil || got.Total != 0 {
			t.Errorf("%+v: %+v, %v", q, got, err)
		}
	}
}

func offerBody(changes ...string) string {
	o := `{"seller":{"id":"A1","name":"Amazon.com","first_party":true},"marketplace_fulfilled":true,"international":false,"offer_id":"o1","available":true,"handling_days":{"min":0,"max":1},
	 "price":928,"prime_only":false,"condition":"New","addon":false,"shipping_options":[{"price":0,"delivery_days":{"min":2,"max":4},"name":"free"}]}`
	for n := 0; n < len(changes); n += 2 {
		if !strings.Contains(o, changes[n]) {
			panic(changes[n])
		}
		o = strings.ReplaceAll(o, changes[n], changes[n+1])
	}
	return o
}

func TestOffers(t *testing.T) {
	t.Parallel()
	r := start(t)
	one := func(retailer, body string) pay.Offer {
		t.Helper()
		r.answer("GET /products/B0B844T634/offers", `{"status":"completed","offers":[`+body+`]}`)
		got, err := r.Offers(t.Context(), retailer, "B0B844T634", "")
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %+v, %v", body, got, err)
		}
		return got[0]
	}
	want := pay.Offer{
		ID: "o1", SellerID: "A1", SellerName: "Amazon.com", Price: 9_28 * money.Cent, Prime: true, Fulfilled: true, Condition: "New",
		HandlingMax: 1, DeliveryDays: 5, Available: true,
	}
	if got := one("amazon", offerBody()); got != want || !got.Eligible(10) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	const options = `[{"price":0,"delivery_days":{"min":2,"max":4},"name":"free"}]`
	for name, c := range map[string]struct {
		retailer, body string
		eligible       bool
	}{
		"another's, shipped by amazon":    {"amazon", offerBody(`"first_party":true`, `"first_party":false`), true},
		"another's, shipped by itself":    {"amazon", offerBody(`"marketplace_fulfilled":true`, `"marketplace_fulfilled":false`), false},
		"walmart's own":                   {"walmart", offerBody(), true},
		"another's on walmart":            {"walmart", offerBody(`"first_party":true`, `"first_party":false`), false},
		"used":                            {"amazon", offerBody(`"New"`, `"Used - Good"`), false},
		"new in another way":              {"amazon", offerBody(`"New"`, `"new"`), false},
		"international":                   {"amazon", offerBody(`"international":false`, `"international":true`), false},
		"perhaps international":           {"amazon", offerBody(`"international":false,`, ``), false},
		"not available":                   {"amazon", offerBody(`"available":true`, `"available":false`), false},
		"available as nothing is said":    {"amazon", offerBody(`"available":true,`, ``), true},
		"only with other things":          {"amazon", offerBody(`"addon":false`, `"addon":true`), false},
		"late":                            {"amazon", offerBody(`"max":4`, `"max":10`), false},
		"nobody knows when":               {"amazon", offerBody(`"delivery_days":{"min":2,"max":4},`, ``), false},
		"no options, handled in time":     {"amazon", offerBody(options, `[]`), true},
		"no options, nobody knows when":   {"amazon", offerBody(options, `[]`, `"handling_days":{"min":0,"max":1},`, ``), false},
		"no options, of a walmart seller": {"walmart", offerBody(options, `[]`), true},
	} {
		if got := one(c.retailer, c.body); got.Eligible(10) != c.eligible {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// The cheapest way that is in time.
	got := one("amazon", offerBody(options, `[{"price":0,"delivery_days":{"max":20}},{"price":900,"delivery_days":{"max":1}},{"price":500,"delivery_days":{"max":9}},{"price":500,"delivery_days":{"max":8}},{"price":-1,"delivery_days":{"max":1}}]`))
	if got.Shipping != 5_00*money.Cent || got.DeliveryDays != 9 {
		t.Errorf("%+v", got)
	}
}

// An offer that cannot be read is not made, and the log counts it once.
func TestOffersDropped(t *testing.T) {
	t.Parallel()
	r := start(t)
	bad := []string{
		`7`, `null`, `[]`, `"x"`, `{}`,
		offerBody(`928`, `-928`), offerBody(`928`, `0`), offerBody(`928`, `9.28`), offerBody(`928`, `"928"`), offerBody(`928`, `null`), offerBody(`928`, `100000001`), offerBody(`928`, `99999999999999999999`),
		offerBody(`"max":1`, `"max":-1`), offerBody(`"max":1`, `"max":400`), offerBody(`"max":1`, `"max":"1"`), offerBody(`"min":0`, `"min":-3`), offerBody(`"min":0`, `"min":2`),
		offerBody(`{"price":0,`, `{"price":-1,`), offerBody(`{"price":0,`, `{"price":0.5,`), offerBody(`"max":4`, `"max":9000`), offerBody(`"New"`, `7`), offerBody(`"international":false`, `"international":"no"`),
	}
	r.answer("GET /products/B0B844T634/offers", `{"offers":[`+strings.Join(bad, ",")+`,`+offerBody()+`]}`)
	for range 2 {
		got, err := r.Offers(t.Context(), "amazon", "B0B844T634", "")
		if err != nil || len(got) != 1 || got[0].ID != "o1" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if l := r.log.String(); strings.Count(l, fmt.Sprintf(`"offers":%d`, len(bad))) != 1 {
		t.Errorf("the log: %s", l)
	}
	for _, b := range bad { // each by itself, so that none hides behind another
		r.answer("GET /products/B0B844T634/offers", `{"offers":[`+b+`]}`)
		if got, err := r.Offers(t.Context(), "amazon", "B0B844T634", ""); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v, %v", b, got, err)
		}
	}
	r.answer("GET /products/B0B844T634/offers", `{"offers":[`+strings.Repeat(offerBody()+",", 200)+offerBody()+`]}`)
	if got, err := r.Offers(t.Context(), "amazon", "B0B844T634", ""); err != nil || len(got) != 50 {
		t.Errorf("%d offers, %v", len(got), err)
	}
}
