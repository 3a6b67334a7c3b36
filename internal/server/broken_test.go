package server_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/testkit"
)

// Without a database every question is answered 500 in the envelope of the contract,
// which says nothing of what is wrong; whoever asks again later loses nothing.
func TestBrokenInside(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
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
		if a := d.ask("GET /readyz", "", nil); a.status != 503 || !strings.Contains(a.body, "database") {
			t.Errorf("readyz: %d %s", a.status, a.body)
		}
		if a := d.ask("GET /healthz", "", nil); a.status != 200 {
			t.Errorf("healthz: %d", a.status)
		}
	})
}
