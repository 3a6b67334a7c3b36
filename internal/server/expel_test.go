package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// A key that opens nothing any more ends its open streams, those of tokens that it
// minted, and the tokens.
func TestStreamsEndWithTheirKey(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		clock := new(moved)
		d := newDesk(t, database, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		ctx := t.Context()
		other := testkit.Dial(t, d.URL+"/ws/merchant/events", http.Header{"X-Api-Key": {d.Key}})
		type ended struct {
			name, code, id, door string
			open                 []*testkit.Socket
		}
		var all []ended
		for _, scope := range []pay.Scope{pay.ScopeMerchant, pay.ScopeCommerce} {
			for name, code := range map[string]string{"revoked": "API_KEY_INVALID", "suspended": "FORBIDDEN", "expired": "API_KEY_INVALID"} {
				life := map[string]time.Duration{"expired": 10 * time.Minute}[name]
				k, secret, err := d.Billing.AddKey(ctx, d.Merchant.ID, name, scope, pay.Devnet, life)
				if err != nil {
					t.Fatal(err)
				}
				token := decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", `{"ttl_seconds":3600}`, testkit.Headers{"x-api-key", secret})).Data.Token
				e := ended{name: name, code: code, id: k.ID, door: "/ws/" + string(scope) + "/events?token=" + token}
				e.open = append(e.open, testkit.Dial(t, d.URL+e.door, nil), testkit.Dial(t, d.URL+"/ws/"+string(scope)+"/events", http.Header{"X-Api-Key": {secret}}))
				all = append(all, e)
			}
		}
		for _, e := range all {
			end := map[string]func(context.Context, string) error{"revoked": d.Billing.RevokeKey, "suspended": d.Billing.SuspendKey}[e.name]
			if end == nil {
				continue
			}
			if err := end(ctx, e.id); err != nil {
				t.Fatal(err)
			}
		}
		clock.Add(11 * time.Minute)
		for _, e := range all {
			for _, s := range e.open {
				if f := s.Next(); f.Object != "ws_error" || f.Code != e.code {
					t.Errorf("%s: told %s", e.name, f.Raw)
				}
				if code, _ := s.Ended(); code != websocket.ClosePolicyViolation {
					t.Errorf("%s: ended with %d", e.name, code)
				}
			}
			refused(t, d.knock(e.door, nil), 401, "A", "TOKEN_INVALID")
			if d.Billing.ResumeKey(ctx, e.id) == nil && e.name == "suspended" {
				if a := d.knock(e.door, nil); a.status != http.StatusSwitchingProtocols {
					t.Errorf("resumed: %d %s", a.status, a.body)
				}
			}
		}
		d.fact("x", pay.InvoiceUpdated, pay.Invoice{ID: "i1", Environment: pay.Devnet, Type: pay.Standard})
		if f := other.Next(); f.Object != "event" {
			t.Errorf("another key was told %s", f.Raw)
		}
	})
}
