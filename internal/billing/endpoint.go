package billing

import (
	"bytes"
	"context"
	"net/url"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// ChangeEndpoint changes what the request names of an endpoint of the merchant. One
// that is enabled again gets what it missed.
func (b *Billing) ChangeEndpoint(ctx context.Context, c Caller, id string, r api.ChangeEndpointRequest, allowed func(*url.URL) error, o Once) ([]byte, error) {
	change, err := endpointChange(r, allowed)
	if err != nil {
		return nil, err
	}
	enable := r.Enabled != nil && *r.Enabled || r.Status != nil && *r.Status == "enabled"
	disable := r.Enabled != nil && !*r.Enabled || r.Status != nil && *r.Status == "disabled"
	if enable && disable {
		return nil, pay.Errorf(pay.CodeValidation, "enabled and status contradict each other; give one of them")
	}
	return b.onEndpoint(ctx, c, id, "webhook.change", o, func(tx *store.Tx, before pay.Endpoint) (any, error) {
		e := change(before)
		switch {
		case disable:
			e = e.Disable(pay.DisabledByMerchant, tx.Now())
		case enable && !e.Enabled():
			since := e.FailingSince
			if since.IsZero() {
				since = tx.Now() // nothing was given up since
			}
			if err := tx.ReviveDeliveries(id, since); err != nil {
				return nil, err
			}
			e = e.Enable()
		}
		if e.URL != before.URL && e.Enabled() {
			e = e.Enable() // what another address did is not held against this one
		}
		tx.AddJob(store.JobDeliver, id, tx.Now())
		tx.AddJob(JobReplay, id, tx.Now())
		return view.Endpoint(e, ""), tx.SaveEndpoint(e)
	})
}

// endpointChange reads a request into the change it asks for.
func endpointChange(r api.ChangeEndpointRequest, allowed func(*url.URL) error) (func(pay.Endpoint) pay.Endpoint, error) {
	var to pay.Endpoint
	var err error
	if r.URL != nil {
		if to.URL, err = address(*r.URL, allowed); err != nil {
			return nil, err
		}
	}
	if r.EnabledEvents != nil {
		if to.Types = *r.EnabledEvents; CheckTypes(to.Types) != nil {
			return nil, CheckTypes(to.Types)
		}
	}
	both := string(r.Environment) == "null"
	if r.Environment != nil && !both {
		if to.Environment, err = environment(string(bytes.Trim(r.Environment, `"`))); err != nil {
			return nil, err
		}
	}
	if s := r.Status; s != nil && *s != "enabled" && *s != "disabled" {
		return nil, pay.Errorf(pay.CodeValidation, "status must be enabled or disabled")
	}
	return func(e pay.Endpoint) pay.Endpoint {
		if r.URL != nil {
			e.URL = to.URL
		}
		if r.EnabledEvents != nil {
			e.Types = to.Types
		}
		e.Types = pay.Distinct(e.Types) // those that an older release stored, too
		if r.Environment != nil {
			e.Environment = to.Environment
		}
		return e
	}, nil
}

// RotateSecret gives an endpoint of the merchant a new secret, which is shown only
// now. The one it replaces signs, too, for a day, unless it does not open any more
// because the deployment's secret was changed.
func (b *Billing) RotateSecret(ctx context.Context, c Caller, id string, o Once) ([]byte, error) {
	secret := auth.NewWebhookSecret()
	sealed := b.Auth.Seal([]byte(secret), "webhook "+id)
	return b.onEndpoint(ctx, c, id, "webhook.rotate", o, func(tx *store.Tx, e pay.Endpoint) (any, error) {
		_, err := b.Auth.Open(e.Secret, "webhook "+id)
		if e = e.Rotate(sealed, tx.Now()); err != nil {
			e.Previous, e.PreviousUntil = nil, time.Time{}
		}
		tx.AddJob(store.JobDeliver, id, tx.Now()) // what could not be signed before can be now
		return view.Endpoint(e, secret), tx.SaveEndpoint(e)
	})
}

// TestEndpoint sends a ping to an endpoint of the merchant, and to no other.
func (b *Billing) TestEndpoint(ctx context.Context, c Caller, id string, o Once) ([]byte, error) {
	return b.onEndpoint(ctx, c, id, "webhook.test", o, func(tx *store.Tx, e pay.Endpoint) (any, error) {
		if err := mustBeEnabled(e); err != nil {
			return nil, err
		}
		ping := pay.Event{
			MerchantID: e.MerchantID, Type: pay.TestPing, Environment: e.Environment, EndpointID: id,
			Object: view.JSON(api.Ping{Object: "ping", Status: "ok"}), Previous: []byte("{}"),
		}
		if ping.Environment == "" {
			ping.Environment = c.Key.Environment
		}
		tx.AppendEvent(ping)
		es, err := tx.Flush()
		if err != nil {
			return nil, err
		}
		return view.EndpointTest(id, es[0]), nil
	})
}

func mustBeEnabled(e pay.Endpoint) error {
	if e.Enabled() {
		return nil
	}
	return pay.Errorf(pay.CodeEndpointState, "This endpoint is disabled; enable it first")
}
