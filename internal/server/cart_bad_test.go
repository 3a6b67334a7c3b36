package server_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/testkit"
)

// What is wrong with the customer is told alike by every operation of carts.
func TestCartsWithoutCustomers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, _ := newCartDesk(t, url, nil)
		item := d.add(ann, dripper)
		const none, network, address, bad = "CUSTOMER_IDENTIFICATION_REQUIRED", "INVALID_WALLET_NETWORK", "INVALID_WALLET_ADDRESS", "VALIDATION_ERROR"
		const wallet = "0x52908400098527886E0F7030069857D2E4169EE7"
		for _, c := range []struct{ id, network, wallet, code string }{
			{"", "", "", none},
			{"", "bsc", "", none},
			{"", "", wallet, none},
			{"ann", "bsc", "", none},
			{"ann", "", wallet, none},
			{"", "moon", wallet, network},
			{"", "BSC", wallet, network},
			{"ann", "moon", wallet, network},
			{"", "bsc", "0x01", address},
			{"", "bsc", wallet[2:] + "00", address},
			{"", "bsc", strings.Replace(wallet, "E7", "e7", 1), address}, // a wrong checksum
			{"", "ethereum", "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV", address},
			{"ann", "bsc", "0x01", address},
			{"", "solana", "short", address},
			{"", "solana", strings.Repeat("x", 129), address},
			{"", "solana", strings.Repeat("x", 31) + " x", address},
			{strings.Repeat("x", 256), "", "", bad},
		} {
			body, query := "", "?"
			for _, f := range [][2]string{{"customer_id", c.id}, {"wallet_network", c.network}, {"wallet_address", c.wallet}} {
				if f[1] != "" {
					body, query = body+`,"`+f[0]+`":"`+f[1]+`"`, query+f[0]+"="+strings.ReplaceAll(f[1], " ", "%20")+"&"
				}
			}
			for _, target := range []string{
				"GET " + cartPath + query, "DELETE " + cartPath + query, "DELETE " + itemsPath + "/" + item + query, "GET " + cartPath + "/totals" + query,
				"POST " + cartPath, "POST " + itemsPath, "PUT " + itemsPath + "/" + item, "POST " + cartPath + "/validate",
			} {
				sent := ""
				if !strings.Contains(target, "?") {
					sent = `{"quantity":1,` + dripper + body + "}"
				}
				refused(t, d.stray(target, sent, d.key), 400, "B", c.code)
			}
		}
		// A query has bad forms of its own.
		for _, query := range []string{"?customer_id=a%00b", "?customer_id=%ff", "?customer_id=ann&customer_id=bob", "?customer_id=%zz", "?wallet_network=bsc&wallet_address=" + strings.Repeat("x", 256)} {
			for _, target := range []string{"GET " + cartPath, "DELETE " + cartPath, "DELETE " + itemsPath + "/" + item, "GET " + cartPath + "/totals"} {
				refused(t, d.stray(target+query, "", d.key), 400, "B", bad)
			}
		}
		for _, target := range []string{
			"GET " + cartPath + annIs, "DELETE " + cartPath + annIs, "DELETE " + itemsPath + "/" + item + annIs, "GET " + cartPath + "/totals" + annIs,
			"POST " + cartPath, "POST " + itemsPath, "PUT " + itemsPath + "/" + item, "POST " + cartPath + "/validate",
		} {
			sent := "{" + ann + "," + dripper + `,"quantity":1}`
			refused(t, d.ask(target, sent, nil), 401, "B", "API_KEY_MISSING")
			refused(t, d.ask(target, sent, testkit.Headers{"x-api-key", "ck_unknown"}), 401, "B", "API_KEY_INVALID")
			refused(t, d.ask(target, sent, testkit.Headers{"x-api-key", d.Key}), 403, "B", "INSUFFICIENT_SCOPE")
			if !strings.HasPrefix(target, "GET") && !strings.HasSuffix(target, "/validate") {
				refused(t, d.stray(target, sent, d.with("Idempotency-Key", strings.Repeat("x", 129))), 400, "B", bad)
			}
			if strings.Contains(target, "?") {
				continue
			}
			for _, sent := range []string{
				"", "null", "[]", `"ann"`, "1", "{", "{" + ann, `{"customer_id":"a\u0000b"}`, "{\"customer_id\":\"\xff\"}", `{"customer_id":1}`, `{"customer_id":["ann"]}`,
				`{"customer_id":"ann","customer_id":"bob"}`, `{"wallet_address":1,"wallet_network":"bsc"}`, `{"customer_id":"ann","wallet_network":{}}`, "\x00",
				`{"customer_id":"ann","x":"` + strings.Repeat("x", 70_000) + `"}`,
			} {
				refused(t, d.stray(target, sent, d.key), 400, "B", bad)
			}
		}
		if got := d.inCart(annIs, d.key); got != "amazon/B0B844T634×1 " {
			t.Error("bad requests changed the cart to " + got)
		}
	})
}

func TestBadCartRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, _ := newCartDesk(t, url, nil)
		item := d.add(ann, dripper)
		bob := d.add(`"customer_id":"bob"`, dripper)
		long := strings.Repeat("ß", 501)
		for name, fields := range map[string]string{
			"no productId": `"retailer":"amazon","title":"T","price":1`, "no retailer": `"productId":"p","title":"T","price":1`,
			"no title": `"productId":"p","retailer":"amazon","price":1`, "no price": `"productId":"p","retailer":"amazon","title":"T"`, "nothing": `"x":1`,
		} {
			t.Run(name, func(t *testing.T) { d.refuses(t, fields) })
		}
		for field, values := range map[string][]string{
			"productId":  {`""`, `" "`, `null`, `1`, `"` + strings.Repeat("x", 256) + `"`, `"a\u0000b"`, `["p"]`},
			"retailer":   {`""`, `null`, `"etsy"`, `"Amazon"`, `1`, `{}`},
			"title":      {`""`, `"   "`, `null`, `1`, `"` + long + `"`, `"\u0000"`},
			"price":      {`0`, `0.009`, `-1`, `-0.01`, `"9.99"`, `null`, `true`, `NaN`, `Infinity`, `1e7`, `1000000.001`, `9.9999`, `1e999999999`, `1e-9`, `[1]`, `0x10`, `.5`, `1_000`, `99999999999999999999999999`},
			"quantity":   {`0`, `100`, `-1`, `1.5`, `"2"`, `true`, `1e1`, `2.0`, `99999999999999999999`, `[1]`, `{}`},
			"imageUrl":   {`1`, `"x"`, `"//img.example/a.jpg"`, `"ftp://img.example/a"`, `"javascript:alert(1)"`, `"data:image/png;base64,AA=="`, `"https://"`, `"https:///a"`, `"http://a b"`, `"https://x/` + strings.Repeat("x", 2048) + `"`, `"https://x/\u0000"`},
			"productUrl": {`1`, `"x"`, `"file:///etc/passwd"`, `"https://x/` + strings.Repeat("x", 2048) + `"`},
			"rating":     {`-1`, `5.001`, `6`, `"4"`, `true`, `1e99999`, `[4]`, `99999999999999999999`},
			"numReviews": {`-1`, `1.5`, `"7"`, `1000000001`, `1e3`, `99999999999999999999`, `{}`},
		} {
			good := map[string]string{"productId": `"p"`, "retailer": `"amazon"`, "title": `"T"`, "price": "1"}
			for _, v := range values {
				good[field] = v
				var fields []string
				for n, v := range good {
					fields = append(fields, `"`+n+`":`+v)
				}
				t.Run(field+" "+v[:min(len(v), 30)], func(t *testing.T) { d.refuses(t, strings.Join(fields, ",")) })
			}
		}
		refused(t, d.stray("POST "+cartPath, "{"+ann+`,"item":[]}`, d.key), 400, "B", "VALIDATION_ERROR")
		refused(t, d.stray("POST "+cartPath, "{"+ann+`,"item":"x"}`, d.key), 400, "B", "VALIDATION_ERROR")

		for _, quantity := range []string{`100`, `-1`, `1.5`, `"2"`, `null`, `true`, `1e1`, `99999999999999999999`} {
			refused(t, d.stray("PUT "+itemsPath+"/"+item, "{"+ann+`,"quantity":`+quantity+"}", d.key), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.stray("PUT "+itemsPath+"/"+item, "{"+ann+"}", d.key), 400, "B", "VALIDATION_ERROR")
		for _, id := range []string{testkit.UUID(), bob, "x", "%00", "%ff", item + "0", strings.ToUpper(item) + "-", strings.Repeat("0", 5000), "..%2f" + item, "%20" + item} {
			refused(t, d.stray("PUT "+itemsPath+"/"+id, "{"+ann+`,"quantity":1}`, d.key), 404, "B", "CART_ITEM_NOT_FOUND")
			refused(t, d.stray("DELETE "+itemsPath+"/"+id+annIs, "", d.key), 404, "B", "CART_ITEM_NOT_FOUND")
		}
		for _, zip := range []string{"", "9410", "941050", "94105-", "94105-12", "94105%201234", "abcde", "%D9%A3%D9%A3%D9%A1%D9%A0%D9%A1", "94105%00", "94105&zip_code=94105", "94105%0a"} {
			refused(t, d.stray("GET "+cartPath+"/totals"+annIs+"&zip_code="+zip, "", d.key), 400, "B", "VALIDATION_ERROR")
		}

		// The cart has room for 99 of one product and 50 products.
		d.refuses(t, dripper+`,"quantity":99`)
		for n := 1; n < 50; n++ {
			d.add(ann, `"productId":"`+strings.Repeat("p", n)+`","retailer":"amazon","title":"T","price":1`)
		}
		d.refuses(t, `"productId":"q","retailer":"amazon","title":"T","price":1`)
		d.add(ann, dripper+`,"quantity":98`)
		d.refuses(t, dripper)
		if got := d.inCart(annIs, d.key); !strings.HasPrefix(got, "amazon/B0B844T634×99 ") || strings.Count(got, "×") != 50 {
			t.Error(got)
		}
		d.holds(0, 0)
	})
}

// refuses holds the desk to refusing an item, wherever it can be put in a cart.
func (d *desk) refuses(t *testing.T, item string) {
	t.Helper()
	before := d.inCart(annIs, d.key)
	refused(t, d.stray("POST "+itemsPath, "{"+ann+","+item+"}", d.key), 400, "B", "VALIDATION_ERROR")
	if !strings.HasPrefix(item, dripper) { // which is there already
		refused(t, d.stray("POST "+cartPath, "{"+ann+`,"item":{`+item+"}}", d.key), 400, "B", "VALIDATION_ERROR")
	}
	if after := d.inCart(annIs, d.key); after != before {
		t.Errorf("the cart became %s", after)
	}
}
