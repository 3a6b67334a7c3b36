package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// Addresses for receiver overrides: the second has one letter of its checksum wrong.
const (
	checked  = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	mistyped = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"
)

// badInvoices are bodies of POST /api/v1/invoices and the code each is refused with.
func badInvoices() map[string][2]string {
	with := func(fields string) string { return `{"amount_usd":1,` + fields + `}` }
	long := func(n int) string { return strings.Repeat("é", n) }
	const invalid = string(pay.CodeValidation)
	bad := map[string][2]string{
		"nothing":            {``, invalid},
		"blanks":             {"  \n", invalid},
		"an array":           {`[]`, invalid},
		"a number":           {`1`, invalid},
		"null":               {`null`, invalid},
		"broken":             {`{"amount_usd":1`, invalid},
		"trailing":           {`{"amount_usd":1} x`, invalid},
		"two bodies":         {`{"amount_usd":1}{"amount_usd":1}`, invalid},
		"not UTF-8":          {"{\"amount_usd\":1,\"description\":\"\xff\"}", invalid},
		"raw NUL":            {"{\"amount_usd\":1,\"description\":\"\x00\"}", invalid},
		"65 KB":              {with(`"description":"` + strings.Repeat("x", 65<<10) + `"`), invalid},
		"10 MB":              {with(`"description":"` + strings.Repeat("x", 10<<20) + `"`), invalid},
		"deep, open":         {strings.Repeat(`{"a":`, 12_000), invalid},
		"deep metadata":      {with(`"metadata":{"a":` + strings.Repeat("[", 15_000) + strings.Repeat("]", 15_000) + `}`), invalid},
		"less deep metadata": {with(`"metadata":{"a":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`), "METADATA_TOO_LARGE"},
		"amount NaN":         {`{"amount_usd":NaN}`, invalid},
		"amount infinite":    {`{"amount_usd":Infinity}`, invalid},
		"amount hexadecimal": {`{"amount_usd":0x10}`, invalid},

		"metadata of 513 bytes":  {with(`"metadata":{"k":"` + strings.Repeat("x", 505) + `"}`), "METADATA_TOO_LARGE"},
		"metadata in characters": {with(`"metadata":{"k":"` + long(253) + `"}`), "METADATA_TOO_LARGE"},
		"expiry text":            {with(`"expires_in":"60000"`), "INVALID_EXPIRATION_FORMAT"},
		"expiry of a fraction":   {with(`"expires_in":1.5`), "INVALID_EXPIRATION_FORMAT"},
		"expiry object":          {with(`"expires_in":{}`), "INVALID_EXPIRATION_FORMAT"},
		"expiry 0":               {with(`"expires_in":0`), "INVALID_EXPIRATION_RANGE"},
		"expiry -1":              {with(`"expires_in":-1`), "INVALID_EXPIRATION_RANGE"},
		"expiry over 30 days":    {with(`"expires_in":2592000001`), "INVALID_EXPIRATION_RANGE"},
		"expiry beyond int64":    {with(`"expires_in":99999999999999999999`), "INVALID_EXPIRATION_RANGE"},

		"override without address": {with(`"receiver_override_enable":true`), invalid},
		"override with null":       {with(`"receiver_override_enable":true,"receiver_override_address":null`), invalid},
		"override enabled by text": {with(`"receiver_override_enable":"true","receiver_override_address":"` + checked + `"`), invalid},
		"questions empty":          {with(`"questions":{"questions":[]}`), invalid},
		"questions null":           {with(`"questions":{"questions":null}`), invalid},
		"questions of 6":           {with(`"questions":` + ask(6, "x")), invalid},
		"questions over 512 bytes": {with(`"questions":` + ask(5, strings.Repeat("x", 60))), invalid},
		"question without id":      {with(`"questions":{"questions":[{"question":"q","type":"text"}]}`), invalid},
		"question without text":    {with(`"questions":{"questions":[{"id":"a","type":"text"}]}`), invalid},
		"question without type":    {with(`"questions":{"questions":[{"id":"a","question":"q"}]}`), invalid},
		"questions of one id":      {with(`"questions":{"questions":[{"id":"a","question":"q","type":"text"},{"id":"a","question":"r","type":"text"}]}`), invalid},
		"return URL enabled by 1":  {with(`"payment_return_url_enabled":1`), invalid},
	}
	for name, v := range map[string]string{
		"NUL in metadata": `"metadata":{"k":["a\u0000"]}`, "NUL in a name": `"metadata":{"\u0000":1}`, "a field twice": `"description":"a","description":"b"`,
		"a field in two cases": `"description":"a","Description":"b"`, "the amount twice": `"amount_usd":2`, "metadata naming twice": `"metadata":{"a":{"b":1,"c":[{}],"b":2}}`,
		"unknown naming twice": `"unknown":[{"a":1,"a":1}]`, "number out of range": `"metadata":{"a":[1e400]}`, "questions twice": `"questions":{"questions":[],"questions":[]}`,
	} {
		bad[name] = [2]string{with(v), invalid}
	}
	for _, v := range []string{`"49.99"`, `"x"`, `null`, `true`, `[1]`, `{}`, `49.9999`, `1e400`, `1e-400`, `0.0000000000000000000000001`} {
		bad["amount "+v] = [2]string{`{"amount_usd":` + v + `}`, "INVALID_AMOUNT_FORMAT"}
	}
	for _, v := range []string{`0`, `-0`, `-1`, `-0.01`, `0.009`, `1000000.01`, `1e7`} {
		bad["amount "+v] = [2]string{`{"amount_usd":` + v + `}`, "INVALID_AMOUNT_RANGE"}
	}
	bad["amount missing"] = [2]string{`{"description":"x"}`, "INVALID_AMOUNT_FORMAT"}
	for _, f := range []string{"description", "customer_id", "invoice_title", "invoice_footer", "customer_email", "payment_return_url"} {
		bad[f+" of 256"] = [2]string{with(`"` + f + `":"` + long(256) + `"`), invalid}
		bad[f+" with NUL"] = [2]string{with(`"` + f + `":"a\u0000b"`), invalid}
		for _, v := range []string{`1`, `true`, `{}`, `["x"]`} {
			bad[f+" "+v] = [2]string{with(`"` + f + `":` + v), invalid}
		}
	}
	for _, v := range []string{`"x"`, `[]`, `[1]`, `7`, `true`} {
		bad["metadata "+v] = [2]string{with(`"metadata":` + v), invalid}
		bad["questions "+v] = [2]string{with(`"questions":` + v), invalid}
	}
	for _, v := range []string{"", "0x1", checked[:41], checked + "0", checked[2:], mistyped, "0x" + strings.Repeat("0", 40), "0x" + strings.Repeat("g", 40)} {
		bad["override "+v] = [2]string{with(`"receiver_override_enable":true,"receiver_override_address":"` + v + `"`), invalid}
	}
	for _, v := range []string{"http://a.example/", "javascript:alert(1)", "https://", "https:/a", "//a.example", "ftp://a.example", "https://a.example/" + strings.Repeat("x", 2049-18), "https://%zz"} {
		bad["return URL "+v] = [2]string{with(`"payment_return_url":"` + v + `"`), invalid}
	}
	for _, v := range []string{"x", "x@", "@x.com", "a b@x.com", "a@x", "A <a@x.com>", "a@x.com,b@x.com", "a@x.com\\nBcc: b@x.com"} {
		bad["email "+v] = [2]string{with(`"customer_email":"` + v + `"`), invalid}
	}
	return bad
}

// ask is n questions with a text.
func ask(n int, text string) string {
	var qs []string
	for i := range n {
		qs = append(qs, fmt.Sprintf(`{"id":"q%d","question":%q,"type":"text","validation":{"required":true}}`, i, text))
	}
	return `{"questions":[` + strings.Join(qs, ",") + `]}`
}

// A refused request leaves nothing behind, not even its idempotency key.
func TestBadInvoicesAreRefused(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, key := newDesk(t, url, nil), testkit.UUID()
		for name, c := range badInvoices() {
			t.Run(fmt.Sprintf("%.60s", name), func(t *testing.T) {
				refused(t, d.ask("POST /api/v1/invoices", c[0], d.with("Idempotency-Key", key)), 400, "B", c[1])
			})
		}
		d.holds(0, 0)
		decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":1}`, d.with("Idempotency-Key", key)))
		d.holds(1, 1)
	})
}

// What is at a bound, or merely odd, is taken.
func TestGoodInvoicesAreTaken(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		for body, want := range map[string]int64{
			`{"amount_usd":1e3}`: 1_000_000, `{"amount_usd":0.01}`: 10, `{"amount_usd":1000000}`: 1_000_000_000, `{"amount_usd":49.999}`: 49_999,
			`{"amount_usd":49.9900}`: 49_990, `{"amount_usd":1.0E+2}`: 100_000,
			`{"amount_usd":1,"description":null,"metadata":null,"expires_in":null,"questions":null,"receiver_override_enable":null,"payment_return_url":null,"customer_email":null}`: 1000,
			`{"amount_usd":1,"metadata":{"a":{"a":["a","a"],"b":"a"},"A":1e300}}`:                                                                                                    1000,
			`{"amount_usd":1,"unknown":{"a":[1]}}`:                                                                            1000,
			"\t{\"amount_usd\":1}\n":                                                                                          1000,
			`{"amount_usd":1,"expires_in":1}`:                                                                                 1000,
			`{"amount_usd":1,"expires_in":2592000000}`:                                                                        1000,
			`{"amount_usd":1,"metadata":{"k":"` + strings.Repeat("x", 504) + `"}}`:                                            1000,
			`{"amount_usd":1,"metadata": { "k" : "` + strings.Repeat("x", 504) + `" } }`:                                      1000, // blanks are not counted
			`{"amount_usd":1,"metadata":{"k":"\ud800"}}`:                                                                      1000,
			`{"amount_usd":1,"invoice_title":"` + strings.Repeat("é", 255) + `"}`:                                             1000,
			`{"amount_usd":1,"customer_id":"` + strings.Repeat("日", 255) + `"}`:                                               1000,
			`{"amount_usd":1,"payment_return_url":"https://a.example/` + strings.Repeat("x", 2048-18) + `"}`:                  1000,
			`{"amount_usd":1,"receiver_override_enable":true,"receiver_override_address":"` + checked + `"}`:                  1000,
			`{"amount_usd":1,"receiver_override_enable":true,"receiver_override_address":"` + strings.ToLower(checked) + `"}`: 1000,
			`{"amount_usd":1,"receiver_override_enable":false,"receiver_override_address":"nonsense"}`:                        1000,
			`{"amount_usd":1,"questions":` + ask(5, "x") + `}`:                                                                1000,
			`{"amount_usd":1,"customer_email":" Ann@Example.COM "}`:                                                           1000,
		} {
			made := d.create(body)
			id := decode[api.CreatedInvoice](t, made).InvoiceID
			if v := decode[api.Invoice](t, d.ask("GET /api/v1/invoices/"+id, "", d.key)); v.Amount != want {
				t.Errorf("%.80s: amount %d, want %d", body, v.Amount, want)
			}
		}
		// A customer's name of 255 characters can be asked for.
		if l := decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices?customer_id="+strings.Repeat("%E6%97%A5", 255), "", d.key)); len(l.Data) != 1 {
			t.Errorf("%d invoices of the customer with the long name", len(l.Data))
		}
	})
}

func TestIdempotencyKeyIsRequired(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	for key, code := range map[string]string{
		"": "IDEMPOTENCY_KEY_MISSING", "1": "VALIDATION_ERROR", "123e4567-e89b-12d3-a456-556642440000": "VALIDATION_ERROR",
		"123e4567-e89b-42d3-c456-556642440000": "VALIDATION_ERROR", "123e4567e89b42d3a456556642440000": "VALIDATION_ERROR",
		"{123e4567-e89b-42d3-a456-55664244000}": "VALIDATION_ERROR", strings.Repeat("a", 5000): "VALIDATION_ERROR",
	} {
		refused(t, d.ask("POST /api/v1/invoices", `{"amount_usd":1}`, d.with("Idempotency-Key", key)), 400, "B", code)
	}
	d.holds(0, 0)
}

// Keys of every kind that must not open a merchant's route.
func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		ctx := context.Background()
		k, revoked, err := d.Billing.AddKey(ctx, d.Merchant.ID, "old", pay.ScopeMerchant, pay.Devnet, 0)
		if err == nil {
			err = d.Billing.RevokeKey(ctx, k.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, lapsed, err := d.Billing.AddKey(ctx, d.Merchant.ID, "short", pay.ScopeMerchant, pay.Devnet, 1)
		if err != nil {
			t.Fatal(err)
		}
		made, payor := d.Open(`{"amount_usd":1}`)
		id := made.InvoiceID
		routes := []string{
			"POST /api/v1/invoices", "GET /api/v1/invoices", "GET /api/v1/invoices/totals", "GET /api/v1/invoices/customer/c", "GET /api/v1/invoices/" + id,
			"GET /api/v1/invoices/" + id + "/status", "POST /api/v1/invoices/" + id + "/cancel", "POST /api/v1/webhooks", "GET /api/v1/webhooks", "DELETE /api/v1/webhooks/we_x",
			"GET /api/v1/webhooks/we_x", "PATCH /api/v1/webhooks/we_x", "POST /api/v1/webhooks/we_x/rotate-secret", "POST /api/v1/webhooks/we_x/test",
			"GET /api/v1/webhooks/we_x/deliveries", "POST /api/v1/webhooks/we_x/deliveries/wd_x/retry", "POST /api/v1/webhooks/we_x/replay", "GET /api/v1/webhooks/we_x/replay",
		}
		for name, h := range map[string]testkit.Headers{
			"none": {}, "wrong": {"x-api-key", "pk_test_000000000000000000000000"}, "revoked": {"x-api-key", revoked}, "expired": {"x-api-key", lapsed},
			"long": {"x-api-key", strings.Repeat("k", 10_000)}, "padded": {"x-api-key", d.Key + "x"}, "bearer": {"Authorization", "Bearer " + d.Key}, "a payor's pair": payor,
		} {
			for _, target := range append(routes, "GET /api/v1/events", "GET /api/v1/events/evt_1-1", "POST /api/v1/ws/token") {
				t.Run(name+" "+target, func(t *testing.T) {
					code := "API_KEY_INVALID"
					if name == "bearer" && target != "POST /api/v1/ws/token" {
						code = "TOKEN_INVALID"
					}
					refused(t, d.ask(target, `{"amount_usd":1}`, append(h, "Idempotency-Key", testkit.UUID())), 401, "B", code)
				})
			}
		}
		for _, target := range routes {
			for _, header := range []string{"x-api-key", "x-commerce-api-key"} {
				h := testkit.Headers{header, d.Commerce, "Idempotency-Key", testkit.UUID()}
				refused(t, d.ask(target, `{"amount_usd":1}`, h), 403, "B", "FORBIDDEN")
			}
		}
		d.holds(1, 1)
	})
}
