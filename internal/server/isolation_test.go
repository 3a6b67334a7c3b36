package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/testkit"
)

// open are the routes that need no credentials in their headers. Whatever is not here
// does: a new route has to be added, or refuse everybody below.
var open = strings.Fields(`GET:/healthz GET:/readyz GET:/docs GET:/openapi.yaml GET:/{$} POST:/{$} GET:/pay GET:/pay/assets/ GET:/catalog/images/{file}
	POST:/api/auth/wallet/challenge POST:/api/auth/wallet/verify`)

// example returns a request body that the contract calls good, "" for none.
func example(t *testing.T, pattern string) string {
	t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	for p, item := range testkit.OpenAPI(t).Doc.Paths.Map() {
		o := item.Operations()[method]
		if o == nil || o.RequestBody == nil || parameter.ReplaceAllString(p, "{}") != parameter.ReplaceAllString(path, "{}") {
			continue
		}
		m := o.RequestBody.Value.Content.Get("application/json")
		if m == nil {
			return ""
		}
		v := m.Example
		for _, e := range m.Examples {
			v = e.Value.Value
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return ""
}

// side is one of two merchants, with something of everything and every credential.
type side struct {
	pay.Merchant
	ids         []string // what nobody else may reach
	secrets     []string // what nobody else may see
	good, wrong map[string]testkit.Headers
	payor       testkit.Headers
	owner       wallet
}

func newSide(t *testing.T, d *desk, mark string) side {
	t.Helper()
	m, key, commerce := testkit.AddMerchant(t, d.App.App)
	merchant := testkit.Headers{"x-api-key", key}
	made := decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":7,"description":"`+mark+`","customer_id":"`+mark+`"}`, append(merchant, "Idempotency-Key", testkit.UUID())))
	hook := decode[api.Endpoint](t, d.ask("POST /api/v1/webhooks", `{"url":"http://127.0.0.1:1/`+mark+`"}`, merchant))
	owner, bearer := d.member(m.ID, pay.RoleOwner)
	gone, left := d.member(m.ID, pay.RoleOwner)
	_, out := d.member(m.ID, pay.RoleOwner)
	decode[api.Outcome](t, d.ask(logoutPath, "", out))
	newKey := func(change func(id string) error) testkit.Headers {
		k, secret, err := d.Billing.AddKey(t.Context(), m.ID, mark, pay.ScopeMerchant, pay.Devnet, 0)
		if err == nil {
			err = change(k.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		return testkit.Headers{"x-api-key", secret}
	}
	revoked := newKey(func(id string) error { return d.Billing.RevokeKey(t.Context(), id) })
	suspended := newKey(func(id string) error { return d.Billing.SuspendKey(t.Context(), id) })
	_, expired, err := d.Billing.AddKey(t.Context(), m.ID, mark, pay.ScopeMerchant, pay.Devnet, 1)
	if err == nil {
		err = d.Billing.RemoveMember(t.Context(), m.ID, gone.is())
	}
	if err != nil {
		t.Fatal(err)
	}
	s := side{
		Merchant: m, owner: owner, payor: testkit.Headers{"x-session-token", made.SessionToken, "x-signature", made.Signature},
		ids:     []string{made.InvoiceID, hook.ID, mark},
		secrets: []string{mark, made.InvoiceID, hook.ID, made.SessionToken, key, commerce},
		good:    map[string]testkit.Headers{"merchant": merchant, "commerce": {"x-api-key", commerce}, "commerce, older": {"x-commerce-api-key", commerce}, "bearer": bearer},
		wrong: map[string]testkit.Headers{
			"nothing": {}, "no key": {"x-api-key", "pk_test_000000000000000000000000"}, "revoked": revoked, "suspended": suspended, "expired": {"x-api-key", expired},
			"a key as bearer": {"Authorization", "Bearer " + key}, "no bearer": {"Authorization", "Bearer e30.e30.e30"}, "signed out": out, "removed": left,
			"half a session": {"x-session-token", made.SessionToken}, "a wrong session": {"x-session-token", made.SessionToken, "x-signature", made.Signature + "0"},
		},
	}
	for _, e := range testkit.Events(t, d.Store, m.ID) {
		s.ids = append(s.ids, e.ID)
	}
	ks, err := d.Billing.Keys(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ks {
		s.ids, s.secrets = append(s.ids, k.ID), append(s.secrets, k.ID)
	}
	return s
}

// fill puts a value in the place of every parameter of a pattern.
func fill(pattern, value string) string {
	return strings.TrimSuffix(regexp.MustCompile(`\{[^$}]*\}`).ReplaceAllString(pattern, value), "{$}")
}

// Nobody gets anywhere with a wrong credential, nor at anything of another merchant
// with a good one: on every route there is.
func TestIsolation(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		a, b := newSide(t, d, "alpha-7f3a"), newSide(t, d, "bravo-91c2")
		_, live, err := d.Billing.AddKey(t.Context(), a.ID, "live", pay.ScopeMerchant, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		// shows fails the test when an answer shows anything of a's.
		shows := func(who, target string, got answer) {
			t.Helper()
			for _, secret := range a.secrets {
				if strings.Contains(strings.ReplaceAll(got.body, target, ""), secret) && !strings.Contains(target, secret) {
					t.Errorf("%s, %s: shows %s: %d %.300s", who, target, secret, got.status, got.body)
				}
			}
		}
		before := rows(t, d, a)
		walked := 0
		for _, g := range server.Groups(&server.Server{TestWallet: func(context.Context, billing.Allocation) (string, error) { return "", nil }}) {
			if slices.Contains(open, strings.Replace(g.Pattern, " ", ":", 1)) {
				continue
			}
			body := example(t, g.Pattern)
			ask := func(who, target string, h testkit.Headers) answer {
				walked++
				got := d.stray(target, body, append(slices.Clone(h), "Idempotency-Key", testkit.UUID()))
				shows(who, target, got)
				return got
			}
			ids := a.ids
			if fill(g.Pattern, "") == strings.TrimSuffix(g.Pattern, "{$}") {
				ids = ids[:1]
			}
			for _, id := range ids {
				target := fill(g.Pattern, id)
				for who, h := range a.wrong {
					if got := ask(who, target, h); !slices.Contains([]int{401, 403, 404}, got.status) {
						t.Errorf("%s, %s: %d %.200s", who, target, got.status, got.body)
					}
				}
				pairs := map[string]testkit.Headers{"a crossed pair": {"x-session-token", a.payor[1], "x-signature", b.payor[3]}}
				if !g.Payor {
					pairs["a payor's pair"] = a.payor
				}
				for who, h := range pairs {
					if got := ask(who, target, h); !slices.Contains([]int{401, 403, 404}, got.status) {
						t.Errorf("%s, %s: %d %.200s", who, target, got.status, got.body)
					}
				}
				b.good["bearer"] = d.signIn(b.owner) // whatever came before may have signed them out
				for who, h := range b.good {
					got := ask(who, target, h)
					refused := slices.Contains([]int{400, 401, 403, 404}, got.status)
					if g.Payor && got.status != 401 && got.status != 404 {
						t.Errorf("%s, %s: a payor's route answers %d", who, target, got.status)
					}
					// With an id in it the target is a's, so it must not be found; a list for a customer is empty.
					if strings.Contains(g.Pattern, "{id}") && !refused || strings.Contains(g.Pattern, "{customer}") && got.status == 200 && !strings.Contains(got.body, `"data":[]`) {
						t.Errorf("%s, %s: %d %.200s", who, target, got.status, got.body)
					}
				}
			}
			// A person cannot act for a merchant that they are no member of.
			b.good["bearer"] = d.signIn(b.owner)
			if got := ask("as the other", fill(g.Pattern, a.ids[0]), append(slices.Clone(b.good["bearer"]), "X-Merchant-Id", fmt.Sprint(a.ID))); !strings.Contains(g.Pattern, "/api/auth/") && !slices.Contains([]int{400, 401, 403, 404}, got.status) {
				t.Errorf("as the other, %s: %d %.200s", g.Pattern, got.status, got.body)
			}
		}
		if walked < 1000 {
			t.Errorf("only %d requests were made", walked)
		}
		if after := rows(t, d, a); after != before {
			t.Errorf("the other merchant's things changed:\n%s\n%s", before, after)
		}
		// The key of another environment sees no other environment's mint.
		if v := decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices?environment=mainnet", "", testkit.Headers{"x-api-key", live})); len(v.Data) != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// rows is a text of all that a merchant has, to compare.
func rows(t *testing.T, d *desk, s side) string {
	t.Helper()
	var b strings.Builder
	for _, target := range []string{"GET /api/v1/invoices", "GET /api/v1/webhooks", "GET /api/v1/user/mainnet-access/status", "GET /api/v1/events?limit=100"} {
		b.WriteString(d.ask(target, "", s.good["merchant"]).body)
	}
	ks := decode[[]api.Key](t, d.ask("GET /api/v1/api-keys", "", s.good["bearer"]))
	for _, k := range ks {
		if k.Name != "live" {
			b.WriteString(k.KeyID + k.Status)
		}
	}
	return b.String()
}
