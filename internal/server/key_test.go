package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// The life of a key, by the dashboard and by the operator.
func TestKeys(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		clock := new(moved)
		d := newDesk(t, database, func(o *app.Options) { o.Now, o.MaxKeys = clock.Now, 5 })
		_, h := d.member(d.Merchant.ID, pay.RoleOwner)
		const path = "POST /api/v1/api-keys"
		for _, body := range []string{
			`{}`, `[]`, `{`, `{"name":"","scope":"merchant"}`, `{"name":"` + strings.Repeat("n", 256) + `","scope":"merchant"}`, `{"name":"a\u0000","scope":"merchant"}`, `{"name":1,"scope":"merchant"}`,
			`{"name":"a"}`, `{"name":"a","scope":"all"}`, `{"name":"a","scope":"merchant","environment":"live"}`, `{"name":"a","scope":"merchant","expires_at":"soon"}`,
			`{"name":"a","scope":"merchant","expires_at":"2020-01-01T00:00:00Z"}`, `{"name":"a","scope":"merchant","expires_at":1}`, `{"name":"a","scope":"merchant","expires_at":1e400}`,
			`{"name":"a","scope":"merchant","expires_at":[]}`, `{"name":"a","scope":"merchant","expires_at":99999999999999999}`, `{"name":"a","scope":"merchant","expires_at":"9999-12-31T23:59:59-23:00"}`,
		} {
			refused(t, d.ask(path, body, h), 400, "B", "VALIDATION_ERROR")
		}
		until := time.Now().Add(time.Hour).Truncate(time.Second)
		body := `{"name":"` + strings.Repeat("ü", 255) + `","scope":"merchant","expires_at":"` + until.UTC().Format(time.RFC3339) + `"}`
		once := append(h, "Idempotency-Key", "k-1")
		made := d.ask(path, body, once)
		k := decode[api.CreatedKey](t, made)
		if *k.ExpiresAt != until.Unix() || !strings.HasPrefix(k.APIKey, "pk_test_") || k.Environment != "devnet" {
			t.Errorf("%+v", k)
		}
		if again := d.ask(path, body, once); again.body != made.body {
			t.Errorf("the repetition got %s", again.body)
		}
		refused(t, d.ask(path, `{"name":"b","scope":"merchant"}`, once), 409, "A", "IDEMPOTENCY_CONFLICT")
		refused(t, d.ask(path, body, append(h, "Idempotency-Key", "two words")), 400, "B", "VALIDATION_ERROR")
		key := testkit.Headers{"x-api-key", k.APIKey}
		read := func() answer { return d.ask("GET /api/v1/invoices", "", key) }
		if a := read(); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		// Suspended, resumed, expired, revoked.
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(d.Billing.SuspendKey(t.Context(), k.KeyID))
		refused(t, read(), 403, "B", "FORBIDDEN")
		check(d.Billing.ResumeKey(t.Context(), k.KeyID))
		if a := read(); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		revoke := "POST /api/v1/api-keys/" + k.KeyID + "/revoke"
		refused(t, d.ask(revoke, `{"reason":"`+strings.Repeat("r", 256)+`"}`, h), 400, "B", "VALIDATION_ERROR")
		decode[api.KeyRevoked](t, d.ask(revoke, `{"reason":"lost"}`, h))
		decode[api.KeyRevoked](t, d.ask(revoke, `{"reason":"again"}`, append(h, "Idempotency-Key", "r")))
		refused(t, read(), 401, "B", "API_KEY_INVALID")
		refused(t, d.ask("POST /api/v1/api-keys/"+testkit.UUID()+"/revoke", "", h), 404, "A", "NOT_FOUND")
		refused(t, d.stray("POST /api/v1/api-keys/x/revoke", "", h), 404, "A", "NOT_FOUND")
		// The list, and when a key was last used: never in the request, at most once a minute.
		used := func() *int64 {
			ks := decode[[]api.Key](t, d.ask("GET /api/v1/api-keys?scope=merchant", "", h))
			if ks[0].KeyID != k.KeyID || ks[0].Status != "revoked" || *ks[0].RevokedReason != "lost" || strings.Contains(ks[0].Name, k.APIKey) {
				t.Errorf("%+v", ks[0])
			}
			return ks[0].LastUsedAt
		}
		if at := used(); at != nil {
			t.Errorf("used at %d before anybody wrote it", *at)
		}
		check(d.Billing.WriteUses(t.Context()))
		if at := used(); at == nil || *at < time.Now().Unix()-60 {
			t.Errorf("used at %v", at)
		}
		refused(t, d.ask("GET /api/v1/api-keys?scope=x", "", h), 400, "B", "VALIDATION_ERROR")
		// The older names, and the limit: one is active already, and commerce has its own.
		legacy := "POST /api/merchant-api-keys"
		first := decode[api.CreatedKey](t, d.ask(legacy, `{"name":"1"}`, h))
		for range 3 {
			decode[api.CreatedKey](t, d.ask(legacy, `{"name":"n","scope":"merchant","expires_at":null}`, h))
		}
		refused(t, d.ask(path, `{"name":"n","scope":"merchant"}`, h), 403, "B", "FORBIDDEN")
		decode[api.CreatedKey](t, d.ask(path, `{"name":"n","scope":"commerce"}`, h))
		decode[api.KeyRevoked](t, d.ask("POST /api/merchant-api-keys/"+first.KeyID+"/revoke", "", h))
		decode[api.CreatedKey](t, d.ask(path, `{"name":"n","scope":"merchant"}`, h))
		if n := len(decode[[]api.Key](t, d.ask("GET /api/merchant-api-keys", "", h))); n != 9 {
			t.Errorf("%d keys", n)
		}
	})
}

// Keys are used all the time; their last use is written once a minute.
func TestLastUse(t *testing.T) {
	t.Parallel()
	clock := new(moved)
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Now = clock.Now })
	use := func() time.Time {
		d.ask("GET /api/v1/invoices", "", d.key)
		if err := d.Billing.WriteUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		ks, err := d.Billing.Keys(t.Context(), d.Merchant.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range ks {
			if k.Scope == pay.ScopeMerchant {
				return k.LastUsedAt
			}
		}
		return time.Time{}
	}
	first := use()
	clock.Add(30 * time.Second)
	if second := use(); first.IsZero() || !second.Equal(first) {
		t.Errorf("used at %s, then at %s", first, second)
	}
	clock.Add(time.Minute)
	if third := use(); !third.After(first.Add(time.Minute)) {
		t.Errorf("used at %s, then at %s", first, third)
	}
}

// Mainnet is enabled by a code, once, and only then can it be chosen.
func TestMainnet(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		m, err := d.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "New", Environment: pay.Devnet}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, h := d.member(m.ID, pay.RoleDeveloper)
		if _, _, err := d.Billing.AddKey(t.Context(), m.ID, "k", pay.ScopeMerchant, pay.Mainnet, 0); pay.CodeOf(err) != pay.CodeForbidden {
			t.Errorf("the operator made a key of mainnet: %v", err)
		}
		code, err := d.Billing.AddMainnetCode(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := d.Billing.AddMainnetCode(t.Context(), d.Merchant.ID)
		if err != nil {
			t.Fatal(err)
		}
		const activate, choose, status = "POST /api/v1/user/mainnet-access/activate", "PUT /api/v1/user/environment", "GET /api/v1/user/mainnet-access/status"
		for _, body := range []string{`{}`, `[]`, `{"access_key":1}`, `{"access_key":null}`} {
			refused(t, d.ask(activate, body, h), 400, "B", "VALIDATION_ERROR")
		}
		for _, body := range []string{`{}`, `{"environment":"live"}`, `{"environment":""}`, `{"environment":null}`} {
			refused(t, d.ask(choose, body, h), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.ask(choose, `{"environment":"mainnet"}`, h), 403, "B", "FORBIDDEN")
		for _, wrong := range []string{"mn_x", foreign} {
			if v := decode[api.Outcome](t, d.ask(activate, `{"access_key":"`+wrong+`"}`, h)); v.Success || v.Message != "Invalid access code" {
				t.Errorf("%+v", v)
			}
		}
		if v := decode[api.Outcome](t, d.ask(activate, `{"access_key":"`+code+`"}`, append(h, "Idempotency-Key", "a"))); !v.Success {
			t.Errorf("%+v", v)
		}
		says(t, d.ask(status, "", h), `{"has_mainnet_access":true,"current_environment":"devnet"}`)
		says(t, d.ask(choose, `{"environment":"mainnet"}`, h), `{"success":true,"current_environment":"mainnet"}`)
		says(t, d.ask(status, "", h), `{"has_mainnet_access":true,"current_environment":"mainnet"}`)
		if k := decode[api.CreatedKey](t, d.ask("POST /api/v1/api-keys", `{"name":"live","scope":"merchant"}`, h)); !strings.HasPrefix(k.APIKey, "pk_live_") {
			t.Errorf("%+v", k)
		}
		for range 2 { // the third and the fourth were right and, with it, enough
			d.ask(activate, `{"access_key":"mn_x"}`, h)
		}
		refused(t, d.ask(activate, `{"access_key":"mn_x"}`, h), 429, "D", "RATE_LIMIT_EXCEEDED")
	})
}
