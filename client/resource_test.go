package client_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/testkit"
)

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// useWebhook does everything there is to do with an endpoint, and deletes it.
func useWebhook(t *testing.T, pepay *client.Client, made api.Endpoint) {
	t.Helper()
	ctx, hooks := t.Context(), pepay.Webhooks
	endpoint := must[api.Endpoint](t)
	if v := endpoint(hooks.Change(ctx, made.ID, api.ChangeEndpointRequest{EnabledEvents: &[]string{}})); len(v.EnabledEvents) != 0 {
		t.Errorf("changed: %+v", v)
	}
	if v := endpoint(hooks.RotateSecret(ctx, made.ID)); v.Secret == "" || v.Secret == made.Secret || v.PreviousUntil == nil {
		t.Errorf("rotated: %+v", v)
	}
	test := must[api.EndpointTest](t)(hooks.Test(ctx, made.ID))
	var seen []api.Delivery
	testkit.Eventually(t, "the ping is tried", func() bool {
		seen = nil
		for d, err := range hooks.Deliveries(ctx, made.ID, client.Cursor{}) {
			seen = append(seen, must[api.Delivery](t)(d, err))
		}
		return len(seen) == 1 && len(seen[0].Attempts) > 0
	})
	if seen[0].ID != test.DeliveryID || seen[0].EventID != test.EventID {
		t.Errorf("%+v is not of %+v", seen[0], test)
	}
	if d := must[api.Delivery](t)(hooks.Retry(ctx, made.ID, test.DeliveryID)); d.State != "due" {
		t.Errorf("retried: %+v", d)
	}
	replay := must[api.Replay](t)
	first := replay(hooks.ReplayTime(ctx, made.ID, time.Now().Add(-time.Hour), time.Now()))
	testkit.Eventually(t, "the replay ends", func() bool {
		v := replay(hooks.Replay(ctx, made.ID))
		return v.ID == first.ID && v.State == "done" && v.Done == v.Total
	})
	if v := endpoint(hooks.Get(ctx, made.ID)); v.Status != "enabled" || v.Secret != "" {
		t.Errorf("%+v", v)
	}
	if err := hooks.Delete(ctx, made.ID); err != nil {
		t.Error(err)
	}
}

// useTokens does everything there is to do with tokens and prices.
func useTokens(t *testing.T, pepay *client.Client) {
	t.Helper()
	ctx, tokens := t.Context(), pepay.Tokens
	if err := tokens.Block(ctx, testkit.Ether, true); err != nil {
		t.Error(err)
	}
	all := must[api.MerchantTokens](t)(tokens.List(ctx, "devnet"))
	if len(all.Tokens) != 2 || all.AcceptancePolicy != "selective" {
		t.Errorf("%+v", all)
	}
	found := must[api.FoundTokens](t)(tokens.Search(ctx, client.TokenSearch{Text: "dusd", Network: "ethereum", Limit: 1}))
	if found.Total != 1 || found.Tokens[0].ID != testkit.Dollar || found.Tokens[0].IsBlocked {
		t.Errorf("%+v", found)
	}
	if err := tokens.SetAcceptance(ctx, "accept_all"); err != nil {
		t.Error(err)
	}
	if q := must[api.PreviewQuote](t)(tokens.Quote(ctx, "ethereum", testkit.Dollar, "25.50")); q.EstimatedTokenAmount != "25.500000" {
		t.Errorf("%+v", q)
	}
	if ns := must[[]api.Network](t)(pepay.Networks.List(ctx)); len(ns) != 1 || ns[0].ProvenHeight == nil {
		t.Errorf("%+v", ns)
	}
	if rs := must[[]api.Rate](t)(tokens.Rates(ctx)); len(rs) == 0 || len(rs[0].Sources) == 0 {
		t.Errorf("%+v", rs)
	}
}
