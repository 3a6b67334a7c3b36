package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	cartPath  = "/api/commerce/merchant/carts"
	itemsPath = cartPath + "/items"
	ann       = `"customer_id":"ann"`
	annIs     = "?customer_id=ann"
	dripper   = `"productId":"B0B844T634","retailer":"amazon","title":"Dripper","price":9.99`
)

// newCartDesk is a desk whose merchant asks with its key of scope commerce.
func newCartDesk(t *testing.T, url string, change func(*app.Options)) (*desk, *testkit.Clock) {
	t.Helper()
	clock := new(testkit.Clock)
	d := newDesk(t, url, func(o *app.Options) {
		if o.Now, o.Networks = clock.Now, nil; change != nil {
			change(o)
		}
	})
	d.key = testkit.Headers{"x-api-key", d.Commerce}
	return d, clock
}

// exactly holds an answer to a status and a body, byte for byte.
func exactly(t *testing.T, a answer, status int, want string) {
	t.Helper()
	if a.status != status || a.body != want {
		t.Errorf("got  %d %s\nwant %d %s", a.status, a.body, status, want)
	}
}

// add puts an item in a cart and returns its id.
func (d *desk) add(who, item string) string {
	d.t.Helper()
	return decode[api.Told[api.CartItemAdded]](d.t, d.ask("POST "+itemsPath, "{"+who+","+item+"}", d.key)).Data.ItemID
}

// inCart returns a customer's cart in short.
func (d *desk) inCart(query string, h testkit.Headers) (s string) {
	d.t.Helper()
	v := decode[api.Wrapped[api.Cart]](d.t, d.ask("GET "+cartPath+query, "", h)).Data
	if len(v.Items) != v.ItemCount {
		d.t.Errorf("%d items are counted, %d are there", v.ItemCount, len(v.Items))
	}
	for _, i := range v.Items {
		s += fmt.Sprintf("%s/%s×%d ", i.Retailer, i.ProductID, i.Quantity)
	}
	return s
}

// A cart from its beginning to its end, and every word of the answers.
func TestCarts(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, clock := newCartDesk(t, url, nil)
		start := testkit.Epoch.Unix()
		cart := func(items, subtotal string, count int, times string) string {
			return fmt.Sprintf(`{"merchantId":%d,"customerId":"ann","walletAddress":null,"walletNetwork":null,"items":[%s],"subtotal":%s,"itemCount":%d,%s}`,
				d.Merchant.ID, items, subtotal, count, times)
		}
		empty := cart("", "0", 0, `"createdAt":null,"updatedAt":null`)
		says := func(a answer, v string) {
			t.Helper()
			exactly(t, a, 200, `{"success":true,`+v+`}`)
		}
		get := func() answer { return d.ask("GET "+cartPath+annIs, "", d.key) }
		says(get(), `"data":`+empty)
		says(d.ask("DELETE "+cartPath+annIs, "", d.key), `"message":"Cart cleared","data":{"itemsRemoved":0}`)
		for range 2 {
			exactly(t, d.ask("POST "+cartPath, "{"+ann+"}", d.key), 201, `{"success":true,"message":"Cart initialized","data":`+empty+`}`)
		}
		says(get(), `"data":`+empty)

		clock.Add(time.Second)
		full := "{" + ann + "," + dripper + `,"quantity":2,"imageUrl":"https://img.example/a.jpg","productUrl":"http://shop.example/a","rating":4.567,"numReviews":12}`
		a := d.ask("POST "+itemsPath, full, d.key)
		first := decode[api.Told[api.CartItemAdded]](t, a).Data.ItemID
		says(a, fmt.Sprintf(`"message":"Item added to cart","data":{"itemId":%q,"quantity":2,"updated":false}`, first))
		clock.Add(time.Second)
		says(d.ask("POST "+itemsPath, "{"+ann+`,"productId":"B0B844T634","retailer":"amazon","title":"Coffee dripper","price":10.005}`, d.key),
			fmt.Sprintf(`"message":"Item added to cart","data":{"itemId":%q,"quantity":3,"updated":true}`, first))
		second := d.add(ann, `"productId":"B08N5WRWNW","retailer":"ebay","title":"Speaker","price":1e1,"imageUrl":null,"productUrl":"","rating":0,"numReviews":0,"quantity":null,"colour":"red"`)
		one := func(quantity int, subtotal string, updated int64) string {
			return fmt.Sprintf(`{"itemId":%q,"productId":"B0B844T634","retailer":"amazon","title":"Coffee dripper","imageUrl":"https://img.example/a.jpg","productUrl":"http://shop.example/a",`+
				`"price":10.005,"quantity":%d,"subtotal":%s,"rating":4.56,"numReviews":12,"addedAt":%d,"updatedAt":%d}`, first, quantity, subtotal, start+1, updated)
		}
		two := fmt.Sprintf(`{"itemId":%q,"productId":"B08N5WRWNW","retailer":"ebay","title":"Speaker","imageUrl":null,"productUrl":null,"price":10,"quantity":1,"subtotal":10,`+
			`"rating":0,"numReviews":0,"addedAt":%d,"updatedAt":%d}`, second, start+2, start+2)
		says(get(), `"data":`+cart(one(3, "30.015", start+2)+","+two, "40.015", 2, fmt.Sprintf(`"createdAt":%d,"updatedAt":%d`, start, start+2)))

		clock.Add(time.Second)
		set := func(id string, quantity int) answer {
			return d.ask("PUT "+itemsPath+"/"+id, fmt.Sprintf(`{%s,"quantity":%d}`, ann, quantity), d.key)
		}
		says(set(first, 99), fmt.Sprintf(`"message":"Cart item updated","data":{"itemId":%q,"quantity":99,"updatedAt":%d}`, first, start+3))
		says(get(), `"data":`+cart(one(99, "990.495", start+3)+","+two, "1000.495", 2, fmt.Sprintf(`"createdAt":%d,"updatedAt":%d`, start, start+3)))
		says(set(second, 0), fmt.Sprintf(`"message":"Cart item updated","data":{"itemId":%q,"quantity":0,"updatedAt":%d}`, second, start+3))
		refused(t, set(second, 0), 404, "B", "CART_ITEM_NOT_FOUND")
		refused(t, set(second, 1), 404, "B", "CART_ITEM_NOT_FOUND")
		remove := func(id string) answer { return d.ask("DELETE "+itemsPath+"/"+id+annIs, "", d.key) }
		says(remove(first), fmt.Sprintf(`"message":"Item removed from cart","data":{"itemId":%q,"title":"Coffee dripper"}`, first))
		refused(t, remove(first), 404, "B", "CART_ITEM_NOT_FOUND")
		says(get(), `"data":`+empty)

		// To begin with an item is to put it there, once.
		for range 2 {
			a = d.ask("POST "+cartPath, "{"+ann+`,"item":{`+dripper+`,"quantity":4}}`, d.key)
			if v := (api.Told[api.Cart]{}); a.status != 201 || json.Unmarshal([]byte(a.body), &v) != nil || v.Data.ItemCount != 1 || v.Data.Items[0].Quantity != 4 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		d.add(ann, `"productId":"B08N5WRWNW","retailer":"ebay","title":"Speaker","price":1`)
		says(d.ask("DELETE "+cartPath+annIs, "", d.key), `"message":"Cart cleared","data":{"itemsRemoved":2}`)
		says(get(), `"data":`+empty)
		d.holds(0, 0) // a cart is in no event
	})
}

// A cart is its customer's, its merchant's and its environment's.
func TestCartsOfCustomers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, _ := newCartDesk(t, url, nil)
		_, _, theirs := testkit.AddMerchant(t, d.App.App)
		_, live, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		const wallet, sol = "0x52908400098527886E0F7030069857D2E4169EE7", "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"
		item := d.add(ann, dripper)
		byWallet := `"wallet_network":"bsc","wallet_address":`
		d.add(byWallet+`"`+strings.ToLower(wallet)+`"`, dripper)
		d.add(byWallet+`"`+wallet+`"`, dripper)
		d.add(`"wallet_network":"solana","wallet_address":"`+sol+`"`, dripper)
		const one, two = "amazon/B0B844T634×1 ", "amazon/B0B844T634×2 "
		for _, c := range []struct {
			query, key, want string
		}{
			{annIs, d.Commerce, one},
			{annIs, theirs, ""},
			{annIs, live, ""},
			{"?customer_id=Ann", d.Commerce, ""},
			{"?customer_id=" + wallet, d.Commerce, ""},
			{"?wallet_network=bsc&wallet_address=" + wallet, d.Commerce, two},
			{"?wallet_network=bsc&wallet_address=" + strings.ToLower(wallet), d.Commerce, two},
			{"?wallet_network=base&wallet_address=" + wallet, d.Commerce, ""},
			{"?wallet_network=bsc&customer_id=ann&wallet_address=" + wallet, d.Commerce, one},
			{"?wallet_network=solana&wallet_address=" + sol, d.Commerce, one},
			{"?wallet_network=solana&wallet_address=" + strings.ToLower(sol), d.Commerce, ""},
		} {
			for _, header := range []string{"x-api-key", "x-commerce-api-key"} {
				if got := d.inCart(c.query, testkit.Headers{header, c.key}); got != c.want {
					t.Errorf("%+v: %s", c, got)
				}
			}
		}
		for _, key := range []string{theirs, live} {
			h := testkit.Headers{"x-api-key", key}
			refused(t, d.ask("PUT "+itemsPath+"/"+item, "{"+ann+`,"quantity":5}`, h), 404, "B", "CART_ITEM_NOT_FOUND")
			refused(t, d.ask("DELETE "+itemsPath+"/"+item+annIs, "", h), 404, "B", "CART_ITEM_NOT_FOUND")
			decode[api.Told[api.CartCleared]](t, d.ask("DELETE "+cartPath+annIs, "", h))
		}
		refused(t, d.ask("PUT "+itemsPath+"/"+item, `{"customer_id":"bob","quantity":5}`, d.key), 404, "B", "CART_ITEM_NOT_FOUND")
		if got := d.inCart(annIs, d.key); got != one {
			t.Error("others changed it to " + got)
		}

		// A wallet beside customer_id is noted, and another takes its place.
		for _, c := range []struct{ body, want string }{
			{ann, "null null"},
			{ann + `,"wallet_network":"bsc","wallet_address":"` + strings.ToLower(wallet) + `"`, `"` + wallet + `" "bsc"`},
			{ann, `"` + wallet + `" "bsc"`},
			{ann + `,"wallet_network":"solana","wallet_address":"` + sol + `"`, `"` + sol + `" "solana"`},
		} {
			a := d.ask("POST "+cartPath, "{"+c.body+"}", d.key)
			b := d.ask("GET "+cartPath+annIs, "", d.key)
			for _, a := range []answer{a, b} {
				var v api.Wrapped[struct{ WalletAddress, WalletNetwork json.RawMessage }]
				if err := json.Unmarshal([]byte(a.body), &v); err != nil || string(v.Data.WalletAddress)+" "+string(v.Data.WalletNetwork) != c.want {
					t.Errorf("%s: %v %s", c.body, err, a.body)
				}
			}
		}
	})
}

// The same Idempotency-Key gets the same answer and does nothing twice; for anything
// else it is refused.
func TestCartOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, clock := newCartDesk(t, url, nil)
		_, live, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		item, other := d.add(ann, dripper), d.add(ann, `"productId":"b","retailer":"target","title":"B","price":1`)
		const has = "amazon/B0B844T634×"
		for _, c := range []struct {
			target, body, otherTarget, otherBody string
			status                               int
			after                                string
		}{
			{"POST " + cartPath, "{" + ann + `,"item":{"productId":"c","retailer":"other","title":"C","price":2}}`, "", "{" + ann + "}", 201, has + "1 target/b×1 other/c×1 "},
			{"POST " + itemsPath, "{" + ann + "," + dripper + "}", "", "{" + ann + "," + dripper + `,"quantity":2}`, 200, has + "2 target/b×1 other/c×1 "},
			{"PUT " + itemsPath + "/" + item, "{" + ann + `,"quantity":7}`, "PUT " + itemsPath + "/" + other, "{" + ann + `,"quantity":7}`, 200, has + "7 target/b×1 other/c×1 "},
			{"PUT " + itemsPath + "/" + item, "{" + ann + `,"quantity":0}`, "", "{" + ann + `,"quantity":1}`, 200, "target/b×1 other/c×1 "},
			{"DELETE " + itemsPath + "/" + other + annIs, "", "DELETE " + itemsPath + "/" + other + "?customer_id=bob", "", 200, "other/c×1 "},
			{"DELETE " + cartPath + annIs, "", "DELETE " + cartPath + "?customer_id=bob", "", 200, ""},
		} {
			h := d.with("Idempotency-Key", testkit.UUID())
			first := d.ask(c.target, c.body, h)
			for range 2 {
				clock.Add(time.Second)
				if again := d.ask(c.target, c.body, h); again.status != c.status || again.body != first.body || d.inCart(annIs, d.key) != c.after {
					t.Errorf("%s: %d %s, then %d %s; the cart holds %s", c.target, first.status, first.body, again.status, again.body, d.inCart(annIs, d.key))
				}
			}
			if c.otherTarget == "" {
				c.otherTarget = c.target
			}
			refused(t, d.ask(c.otherTarget, c.otherBody, h), 409, "B", "IDEMPOTENCY_CONFLICT")
			// In another environment it is another request.
			if got := d.ask(c.target, c.body, append(testkit.Headers{"x-api-key", live}, h[2:]...)); got.body == first.body && c.target != "DELETE "+cartPath+annIs {
				t.Errorf("%s: mainnet gets devnet's answer %s", c.target, got.body)
			}
			if got := d.inCart(annIs, d.key); got != c.after {
				t.Errorf("%s: the cart holds %s", c.target, got)
			}
		}
	})
}

// Of a hundred requests at the same time nothing is lost, and nothing is there twice.
func TestCartRaces(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, _ := newCartDesk(t, url, nil)
		at := make(chan struct{}) // all at once
		var all sync.WaitGroup
		race := func(n int, f func(n int) answer, want ...int) {
			t.Helper()
			for i := range n {
				all.Go(func() {
					<-at
					if a := f(i); !slices.Contains(want, a.status) {
						t.Errorf("%d %s", a.status, a.body)
					}
				})
			}
		}
		product := func(n int) string {
			return fmt.Sprintf(`"productId":"p%d","retailer":"amazon","title":"T","price":1`, n)
		}
		post := func(path, who, rest string) answer {
			return d.ask("POST "+path, `{"customer_id":"`+who+`"`+rest+`}`, d.key)
		}
		race(100, func(n int) answer { return post(itemsPath, "mixed", ","+product(n%45)) }, 200)
		race(100, func(int) answer { return post(itemsPath, "one", ","+product(0)) }, 200, 400) // of which 99 fit
		race(60, func(n int) answer { return post(itemsPath, "many", ","+product(n)) }, 200, 400)
		race(50, func(int) answer { return post(cartPath, "begun", `,"item":{`+product(0)+`}`) }, 201)
		once := d.with("Idempotency-Key", "race")
		race(50, func(int) answer { return d.ask("POST "+itemsPath, `{"customer_id":"once",`+product(0)+`}`, once) }, 200)
		close(at)
		all.Wait()
		sum, most := 0, 0
		for _, i := range decode[api.Wrapped[api.Cart]](t, d.ask("GET "+cartPath+"?customer_id=mixed", "", d.key)).Data.Items {
			sum, most = sum+i.Quantity, max(most, i.Quantity)
		}
		if sum != 100 || most != 3 {
			t.Errorf("of 100 items added, %d are there, up to %d of one", sum, most)
		}
		for who, want := range map[string]string{"one": "amazon/p0×99 ", "begun": "amazon/p0×1 ", "once": "amazon/p0×1 "} {
			if got := d.inCart("?customer_id="+who, d.key); got != want {
				t.Errorf("%s has %s", who, got)
			}
		}
		if got := strings.Count(d.inCart("?customer_id=many", d.key), "×1 "); got != pay.MaxCartItems {
			t.Errorf("of 60 products %d are there", got)
		}

		// Each of two who remove an item is told so, or that it is gone.
		var removed, gone atomic.Int64
		for _, i := range decode[api.Wrapped[api.Cart]](t, d.ask("GET "+cartPath+"?customer_id=many", "", d.key)).Data.Items {
			race(2, func(int) answer {
				a := d.ask("DELETE "+itemsPath+"/"+i.ItemID+"?customer_id=many", "", d.key)
				if a.status == 200 {
					removed.Add(1)
				} else {
					gone.Add(1)
				}
				return a
			}, 200, 404)
		}
		all.Wait()
		if got := d.inCart("?customer_id=many", d.key); got != "" || removed.Load() != pay.MaxCartItems || gone.Load() != pay.MaxCartItems {
			t.Errorf("%d removed, %d not; left: %s", removed.Load(), gone.Load(), got)
		}
	})
}
