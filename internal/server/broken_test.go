package server_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// Without a database every question is answered 500 in the envelope of the contract,
// which says nothing of what is wrong; whoever asks again later loses nothing.
func TestBrokenInside(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		logs := new(safely)
		d := newDesk(t, url, func(o *app.Options) {
			o.Log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, payor := d.Open(`{"amount_usd":1}`)
		if err := d.Store.Close(); err != nil {
			t.Fatal(err)
		}
		for target, h := range map[string]testkit.Headers{
			"POST /api/v1/invoices":                 d.with("Idempotency-Key", testkit.UUID()),
			"GET /api/v1/invoices":                  d.key,
			"GET /api/v1/events":                    d.key,
			"GET /api/v1/payments/session-details":  payor,
			"GET /api/v1/payments/available-tokens": payor,
		} {
			a := d.ask(target, `{"amount_usd":1}`, h)
			if refused(t, a, 500, "A", "INTERNAL_SERVER_ERROR"); strings.Contains(a.body, "database") || strings.Contains(a.body, "store") {
				t.Errorf("%s: %s", target, a.body)
			}
		}
		// The path of a provider's message is its credential.
		d.App.App.Commerce.Hint = func(body []byte) (requests, orders []string) {
			if string(body) == "panic" {
				panic("a hint cannot be read")
			}
			return []string{"r"}, nil
		}
		secret := d.Billing.Auth.RetailHook()
		for _, body := range []string{"{}", "panic"} {
			if a := d.stray("POST /hooks/retail/"+secret, body, nil); a.status != 500 {
				t.Errorf("hook: %d %s", a.status, a.body)
			}
		}
		for _, want := range []string{`msg="request failed"`, `msg="request panicked"`, "level=DEBUG msg=request ", "route=/hooks/retail/{secret}"} {
			if !strings.Contains(logs.String(), want) {
				t.Errorf("not logged: %s", want)
			}
		}
		if strings.Contains(logs.String(), secret) {
			t.Error("the log has the secret of a hook")
		}
		if a := d.ask("GET /readyz", "", nil); a.status != 503 || !strings.Contains(a.body, "database") {
			t.Errorf("readyz: %d %s", a.status, a.body)
		}
		if a := d.ask("GET /healthz", "", nil); a.status != 200 {
			t.Errorf("healthz: %d", a.status)
		}
	})
}
