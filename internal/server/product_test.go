package server_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// shopPaths are the reads of products, as anybody would ask.
var shopPaths = []string{
	"GET /api/commerce/status", "GET /api/commerce/info", "GET /api/commerce/search?q=speaker",
	"GET /api/commerce/products/B08N5WRWNW", "GET /api/commerce/products/B08N5WRWNW/offers",
}

// shopOf is the key of scope commerce that a desk has.
func shopOf(d *desk) testkit.Headers { return testkit.Headers{"x-api-key", d.Commerce} }

// The answers about products, word for word.
func TestProductAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		clock := new(testkit.Clock)
		d := newDesk(t, database, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		meta := fmt.Sprintf(`"meta":{"timestamp":%d}`, clock.Now().Unix())
		row := `{"productId":"B08N5WRWNW","title":"Round smart speaker","price":29.99,"image":"` + d.URL + `/catalog/images/B08N5WRWNW.svg","stars":4.5,"rating":4.5,"numReviews":120,"reviewCount":120,` +
			`"fresh":false,"retailer":"amazon","url":"https://www.amazon.example/item/B08N5WRWNW","brand":"Testwell","categories":["For tests"]}`
		for target, want := range map[string]string{
			shopPaths[0]: `{"success":true,"data":{"status":"available","escrowBalance":50,"minimumRequired":50,"features":{"search":true,"cart":true,"checkout":true,"orders":true}}}`,
			shopPaths[1]: `{"success":true,"data":{"retailers":[{"id":"amazon","name":"Amazon","enabled":true},{"id":"walmart","name":"Walmart","enabled":true},{"id":"target","name":"Target","enabled":true},` +
				`{"id":"ebay","name":"eBay","enabled":true},{"id":"bestbuy","name":"Best Buy","enabled":true},{"id":"other","name":"Other","enabled":true}],` +
				`"features":{"search":true,"cart":true,"checkout":true,"orders":true},"limits":{"maxCartItems":50,"maxQuantityPerItem":99,"minItemPrice":0.01,"bulkStatusMax":50,"estimateTtlSeconds":900,` +
				`"invoiceTtlSeconds":1800,"deliveryDaysMax":10},"fees":{"shippingBase":1,"fixed":3,"percentage":0,"refundFee":0},"networkEnvironment":"devnet"}}`,
			"GET /api/commerce/search?q=%20smart+speaker&limit=1": `{"success":true,"data":{"products":[` + row + `],"pagination":{"page":1,"totalPages":1,"totalResults":1,"hasNext":false},"query":"smart speaker","retailer":"amazon"},` + meta + `}`,
			"GET /api/commerce/search?q=zzzzzzz&retailer=ebay":    `{"success":true,"data":{"products":[],"pagination":{"page":1,"totalPages":0,"totalResults":0,"hasNext":false},"query":"zzzzzzz","retailer":"ebay"},` + meta + `}`,
			shopPaths[3]: `{"success":true,"data":{"productId":"B08N5WRWNW","asin":"B08N5WRWNW","retailer":"amazon","title":"Round smart speaker","brand":"Testwell","description":"For tests of a shop. Can be ordered.",` +
				`"price":29.99,"shipPrice":0,"mainImage":"` + d.URL + `/catalog/images/B08N5WRWNW.svg","images":["` + d.URL + `/catalog/images/B08N5WRWNW.svg"],"bullets":["Can be ordered.","Its price never changes"],` +
				`"productDetails":["Brand: Testwell"],"categories":["For tests"],"rating":4.5,"reviewCount":120,"questionCount":3,"numSales":840,"numOffers":1,"availability":"available",` +
				`"url":"https://www.amazon.example/item/B08N5WRWNW","fresh":false,"pantry":false,"handmade":false,"digital":false,"giftCard":false,"addon":false},` + meta + `}`,
			shopPaths[4]: `{"success":true,"data":{"productId":"B08N5WRWNW","retailer":"amazon","offers":[{"offerId":"offer_B08N5WRWNW","sellerId":"ATVPDKIKX0DER","sellerName":"Amazon.com","price":29.99,"shipping":0,"totalCost":29.99,` +
				`"prime":true,"primeOnly":false,"condition":"New","handlingDays":{"min":0,"max":2},"international":false,"available":true}]},` + meta + `}`,
			"GET /api/commerce/products/B0NONE0001/offers?zip_code=94105": `{"success":true,"data":{"productId":"B0NONE0001","retailer":"amazon","offers":[]},` + meta + `}`,
		} {
			if a := d.ask(target, "", shopOf(d)); a.status != 200 || a.body != want {
				t.Errorf("%s: %d\n%s\nwant\n%s", target, a.status, a.body, want)
			}
		}
		if v := decode[api.Stamped[api.Product]](t, d.ask("GET /api/commerce/products/B0GONE0001", "", shopOf(d))); v.Data.Availability != "unavailable" {
			t.Errorf("%+v", v)
		}
		d.holds(0, 0)
	})
}

// Pages, prices, retailers; and every product that is found can be looked at, with its
// offers sorted.
func TestProductSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	search := func(q string) api.SearchResults {
		t.Helper()
		return decode[api.Stamped[api.SearchResults]](t, d.ask("GET /api/commerce/search?"+q, "", shopOf(d))).Data
	}
	whole := search("q=black&limit=50")
	seen, pages := map[string]bool{}, 0
	for page := 1; ; page++ {
		v := search(fmt.Sprintf("q=black&limit=7&page=%d", page))
		if v.Pagination.TotalResults != whole.Pagination.TotalResults || v.Pagination.Page != page || len(v.Products) == 0 {
			t.Fatalf("page %d: %+v", page, v.Pagination)
		}
		for n, p := range v.Products {
			if seen[p.ProductID] || len(seen) < len(whole.Products) && whole.Products[(page-1)*7+n].ProductID != p.ProductID {
				t.Errorf("page %d: %s", page, p.ProductID)
			}
			seen[p.ProductID] = true
		}
		if pages++; !v.Pagination.HasNext {
			break
		}
	}
	if len(seen) != whole.Pagination.TotalResults || pages < 3 {
		t.Errorf("%d pages with %d products of %d", pages, len(seen), whole.Pagination.TotalResults)
	}
	if v := search("q=black&limit=7&page=1000"); len(v.Products) != 0 || v.Pagination.HasNext {
		t.Errorf("far beyond: %+v", v)
	}
	if len(search("q=black").Products) != 20 {
		t.Error("the default page is not of 20")
	}
	for _, retailer := range pay.Retailers {
		for _, p := range search("q=set&minPrice=10&maxPrice=30.00&retailer=" + retailer).Products {
			price, err := money.ParseUSD(p.Price.String())
			if err != nil || price < 10_000 || price > 30_000 || p.Retailer != retailer {
				t.Errorf("%+v", p)
			}
			at := "GET /api/commerce/products/" + p.ProductID
			got := decode[api.Stamped[api.Product]](t, d.ask(at+"?retailer="+retailer, "", shopOf(d))).Data
			if got.Title != p.Title || got.Price != p.Price || got.ASIN != "" && retailer != "amazon" {
				t.Errorf("%+v is %+v", p, got)
			}
			os := decode[api.Stamped[api.Offers]](t, d.ask(at+"/offers?zipCode=99501-1234&retailer="+retailer, "", shopOf(d))).Data.Offers
			last := money.USD(0)
			for _, o := range os {
				cost, _ := money.ParseUSD(o.TotalCost.String())
				if cost < last {
					t.Errorf("%s: %+v", p.ProductID, os)
				}
				last = cost
			}
			if len(os) != got.NumOffers || len(os) == 0 {
				t.Errorf("%s has %d offers, not %d", p.ProductID, len(os), got.NumOffers)
			}
		}
	}
}

// Parameters that are refused, and products that are not there.
func TestBadProductRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		const search, product = "GET /api/commerce/search", "GET /api/commerce/products/B08N5WRWNW"
		bad := []string{search, search + "?q=", search + "?q=%20%09", search + "?q=%00", search + "?q=%ff", search + "?q=" + strings.Repeat("x", 256), search + "?q=a&q=b", search + "?q=%zz", search + "?q=a&minPrice=9&maxPrice=8"}
		for name, values := range map[string][]string{
			"limit": {"0", "51", "-1", "x", "1.5", "", "99999999999999999999"}, "page": {"0", "1001", "-1", "x", "1.5", "", "1&page=2"},
			"minPrice": {"-1", "x", "", "1e-9", "1e999999999", "0.0001", "NaN", "0x10", "1,5", "$5", "1&minPrice=2", "99999999999999999999999", url.QueryEscape("1;2")},
			"maxPrice": {"-1", "x", "", "Inf", "1.2.3"}, "retailer": {"", "Amazon", "aliexpress", "amazon&retailer=ebay", "%00"},
		} {
			for _, v := range values {
				bad = append(bad, search+"?q=a&"+name+"="+v)
			}
		}
		for _, v := range []string{"", "etsy", "ebay&retailer=ebay"} {
			bad = append(bad, product+"?retailer="+v, product+"/offers?retailer="+v)
		}
		for _, v := range []string{"", "1234", "123456", "9410a", "94105-12", "94105-12345", "%2094105", "94105&zip_code=94105", "%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1"} {
			bad = append(bad, product+"/offers?zip_code="+v, product+"/offers?zipCode="+strings.ReplaceAll(v, "zip_code", "zipCode"))
		}
		for _, target := range bad {
			t.Run(fmt.Sprintf("%.120s", target), func(t *testing.T) { refused(t, d.ask(target, "", shopOf(d)), 400, "B", "VALIDATION_ERROR") })
		}
		for _, id := range []string{"B000000001", "b08n5wrwnw", "x", "%00", "%ff", "a%2Fb", "%2E%2E%2F", strings.Repeat("1", 65), strings.Repeat("1", 8000), "B08N5WRWNW?retailer=walmart"} {
			path, query, _ := strings.Cut(id, "?")
			for _, more := range []string{"", "/offers"} {
				refused(t, d.ask("GET /api/commerce/products/"+path+more+"?"+query, "", shopOf(d)), 404, "B", "PRODUCT_NOT_FOUND")
			}
		}
	})
}

// Which keys open commerce, and what the others are told.
func TestCommerceKeys(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		clock := new(moved)
		d := newDesk(t, database, func(o *app.Options) { o.Now = clock.Now })
		key := func(e pay.Environment, life time.Duration) (string, string) {
			t.Helper()
			k, secret, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "more", pay.ScopeCommerce, e, life)
			if err != nil {
				t.Fatal(err)
			}
			return k.ID, secret
		}
		id, suspended := key(pay.Devnet, 0)
		if err := d.Billing.SuspendKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		id, revoked := key(pay.Devnet, 0)
		if err := d.Billing.RevokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		_, expired := key(pay.Devnet, time.Millisecond)
		_, live := key(pay.Mainnet, 0)
		clock.Add(time.Second)
		_, bearer := d.member(d.Merchant.ID, pay.RoleOwner)
		if err := d.Store.Write(t.Context(), func(tx *store.Tx) error {
			m, _, err := tx.MerchantForUpdate(d.Merchant.ID)
			if m.Mainnet = false; err != nil {
				return err
			}
			return tx.SaveMerchant(m)
		}); err != nil {
			t.Fatal(err)
		}
		const wrong = "ck_test_000000000000000000000000"
		for _, target := range shopPaths {
			for _, c := range []struct {
				h      testkit.Headers
				status int
				code   string
			}{
				{nil, 401, "API_KEY_MISSING"},
				{bearer, 401, "API_KEY_MISSING"},
				{testkit.Headers{"x-api-key", wrong}, 401, "API_KEY_INVALID"},
				{testkit.Headers{"x-commerce-api-key", wrong}, 401, "API_KEY_INVALID"},
				{testkit.Headers{"x-api-key", revoked}, 401, "API_KEY_INVALID"},
				{d.key, 403, "INSUFFICIENT_SCOPE"},
				{testkit.Headers{"x-commerce-api-key", d.Key}, 403, "INSUFFICIENT_SCOPE"},
				{testkit.Headers{"x-api-key", suspended}, 403, "API_KEY_SUSPENDED"},
				{testkit.Headers{"x-api-key", expired}, 403, "API_KEY_EXPIRED"},
				{testkit.Headers{"x-api-key", live}, 403, "MAINNET_ACCESS_REQUIRED"},
				// Of two keys it is x-commerce-api-key that counts.
				{testkit.Headers{"x-api-key", d.Commerce, "x-commerce-api-key", wrong}, 401, "API_KEY_INVALID"},
				{testkit.Headers{"x-api-key", d.Commerce, "x-commerce-api-key", d.Key}, 403, "INSUFFICIENT_SCOPE"},
				{testkit.Headers{"x-api-key", wrong, "x-commerce-api-key", d.Commerce}, 200, ""},
				{testkit.Headers{"x-api-key", d.Key, "x-commerce-api-key", d.Commerce}, 200, ""},
				{testkit.Headers{"x-commerce-api-key", d.Commerce}, 200, ""},
				{shopOf(d), 200, ""},
			} {
				if a := d.ask(target, "", c.h); c.code != "" {
					refused(t, a, c.status, "B", c.code)
				} else if a.status != 200 {
					t.Errorf("%s with %v: %d %s", target, c.h, a.status, a.body)
				}
			}
		}
	})
}

// sick is the catalog when it cannot be reached, or with another balance.
type sick struct {
	*catalog.Catalog
	err     error
	balance money.USD
}

func (p sick) Search(context.Context, retail.Query) (retail.Results, error) {
	return retail.Results{}, p.err
}

func (p sick) Product(context.Context, string, string) (pay.Product, error) {
	return pay.Product{}, p.err
}

func (p sick) Offers(context.Context, string, string, string) ([]pay.Offer, error) {
	return nil, p.err
}
func (p sick) Balance(context.Context) (money.USD, error) { return p.balance, p.err }

// What is told when retailers cannot be reached, when nobody sells, and when the
// account that pays for orders runs low.
func TestNobodySells(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		provider := &sick{Catalog: catalog.New(), balance: 49_99 * money.Cent}
		d := newDesk(t, database, func(o *app.Options) { o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: provider} })
		want := `{"success":true,"data":{"status":"degraded","escrowBalance":49.99,"minimumRequired":50,"features":{"search":true,"cart":true,"checkout":false,"orders":true}}}`
		if a := d.ask(shopPaths[0], "", shopOf(d)); a.status != 200 || a.body != want {
			t.Errorf("with too little: %d %s", a.status, a.body)
		}
		provider.err = fmt.Errorf("dial 10.0.0.7: %w", retail.ErrUnavailable)
		for _, target := range shopPaths {
			if a := d.ask(target, "", shopOf(d)); strings.Contains(target, "/info") {
				decode[api.Wrapped[api.CommerceInfo]](t, a) // nobody has to be asked
			} else if refused(t, a, 503, "B", "PROVIDER_UNAVAILABLE"); strings.Contains(a.body, "10.0.0.7") {
				t.Errorf("%s tells of the provider: %s", target, a.body)
			}
		}
		provider.err = fmt.Errorf("a mistake of ours with secret-token")
		a := d.ask(shopPaths[2], "", shopOf(d))
		if refused(t, a, 500, "B", "INTERNAL_SERVER_ERROR"); strings.Contains(a.body, "secret-token") {
			t.Errorf("it shows %s", a.body)
		}
		_, live, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range shopPaths {
			refused(t, d.ask(target, "", testkit.Headers{"x-api-key", live}), 503, "B", "COMMERCE_UNAVAILABLE")
		}
	})
}

// Pictures need no key, may be kept and shown by anybody, and run nothing.
func TestCatalogPictures(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	row := decode[api.Stamped[api.SearchResults]](t, d.ask("GET /api/commerce/search?q=kettle&limit=1", "", shopOf(d))).Data.Products[0]
	path, ours := strings.CutPrefix(row.Image, d.URL)
	a := d.ask("GET "+path, "", nil)
	if !ours || a.status != 200 || !strings.HasPrefix(a.body, "<svg ") {
		t.Fatalf("%s: %d %.100s", row.Image, a.status, a.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400", "Content-Security-Policy": "default-src 'none'; sandbox",
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, file := range []string{"x.svg", "B08N5WRWNW", "B08N5WRWNW.png", "%00.svg", "%ff", "..%2f..%2fgo.mod"} {
		if a := d.ask("GET /catalog/images/"+file, "", nil); a.status != 404 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", file, a.status, a.header)
		}
	}
}
