package billing

import (
	"context"
	"net/url"
	"slices"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// maxEndpoints bounds how many endpoints a merchant may have.
const maxEndpoints = 20

// AddEndpoint stores where the merchant wants its events. The secret in its answer is
// shown only now. allowed judges the address; it returns an error with CodeValidation.
func (b *Billing) AddEndpoint(ctx context.Context, c Caller, r api.CreateEndpointRequest, allowed func(*url.URL) error, o Once) (answer []byte, err error) {
	draft := pay.Endpoint{MerchantID: c.Merchant.ID}
	if r.URL == nil {
		return nil, pay.Errorf(pay.CodeValidation, "url is required: an https URL of at most %d characters", pay.MaxURL)
	}
	if draft.URL, err = address(*r.URL, allowed); err != nil {
		return nil, err
	}
	if err := CheckTypes(r.EnabledEvents); err != nil {
		return nil, err
	}
	draft.Types = pay.Distinct(r.EnabledEvents)
	if r.Environment != nil {
		if draft.Environment, err = environment(*r.Environment); err != nil {
			return nil, err
		}
	}
	secret := auth.NewWebhookSecret()
	return b.once(ctx, b.Store.Write, c.Merchant.ID, "webhook.create", o, func(tx *store.Tx) ([]byte, error) {
		have, err := tx.Endpoints(c.Merchant.ID)
		if err != nil {
			return nil, err
		}
		if len(have) >= maxEndpoints {
			return nil, pay.Errorf(pay.CodeValidation, "At most %d webhook endpoints; delete one first", maxEndpoints)
		}
		e := draft
		e.ID, e.CreatedAt = "we_"+tx.NewID(), tx.Now()
		e.Secret = b.Auth.Seal([]byte(secret), "webhook "+e.ID)
		return view.JSON(view.Endpoint(e, secret)), tx.AddEndpoint(e)
	})
}

// address returns the URL of an endpoint in its usual form.
func address(raw string, allowed func(*url.URL) error) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(raw) > pay.MaxURL {
		return "", pay.Errorf(pay.CodeValidation, "url must be an https URL of at most %d characters, without credentials or fragment", pay.MaxURL)
	}
	return u.String(), allowed(u)
}

func environment(name string) (pay.Environment, error) {
	e := pay.Environment(name)
	if e != pay.Devnet && e != pay.Mainnet {
		return "", pay.Errorf(pay.CodeValidation, "environment must be devnet or mainnet, or null for both")
	}
	return e, nil
}

// onEndpoint changes something of an endpoint of the caller's, once for each
// idempotency key, while nobody else does. What do returns is the answer.
func (b *Billing) onEndpoint(ctx context.Context, c Caller, id, operation string, o Once, do func(*store.Tx, pay.Endpoint) (any, error)) (answer []byte, err error) {
	return b.once(ctx, b.Store.WriteAlone, c.Merchant.ID, operation+" "+id, o, func(tx *store.Tx) ([]byte, error) {
		e, err := ownEndpoint(tx.EndpointForUpdate(id))(c)
		if err != nil {
			return nil, err
		}
		v, err := do(tx, e)
		if err != nil {
			return nil, err
		}
		return view.JSON(v), nil
	})
}

// ownEndpoint hides endpoints of other merchants: to the caller there are none.
func ownEndpoint(e pay.Endpoint, ok bool, err error) func(Caller) (pay.Endpoint, error) {
	return func(c Caller) (pay.Endpoint, error) {
		if err == nil && (!ok || e.MerchantID != c.Merchant.ID) {
			err = pay.Errorf(pay.CodeNotFound, "Webhook endpoint not found")
		}
		return e, err
	}
}

// Endpoints returns the merchant's endpoints, newest first.
func (b *Billing) Endpoints(ctx context.Context, c Caller) (es []pay.Endpoint, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		es, err = tx.Endpoints(c.Merchant.ID)
		return err
	})
	return es, err
}

// EndpointPage returns a page of the merchant's endpoints, newest first, and whether
// there is more in the direction of the cursor.
func (b *Billing) EndpointPage(ctx context.Context, c Caller, p Page) (es []pay.Endpoint, more bool, err error) {
	if es, err = b.Endpoints(ctx, c); err != nil {
		return nil, false, err
	}
	at := slices.IndexFunc(es, func(e pay.Endpoint) bool { return e.ID == p.After+p.Before })
	switch {
	case p.After+p.Before != "" && at < 0:
		return nil, false, pay.Errorf(pay.CodeValidation, "The cursor names no webhook endpoint of yours")
	case p.Before != "":
		return es[max(at-p.Limit, 0):at], at > p.Limit, nil
	}
	es = es[at+1:]
	return es[:min(p.Limit, len(es))], len(es) > p.Limit, nil
}

// Endpoint returns one of the merchant's endpoints.
func (b *Billing) Endpoint(ctx context.Context, c Caller, id string) (e pay.Endpoint, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		e, err = ownEndpoint(tx.Endpoint(id))(c)
		return err
	})
	return e, err
}

// DeleteEndpoint stops deliveries to an endpoint of the merchant, for good.
func (b *Billing) DeleteEndpoint(ctx context.Context, c Caller, id string, o Once) ([]byte, error) {
	return b.onEndpoint(ctx, c, id, "webhook.delete", o, func(tx *store.Tx, _ pay.Endpoint) (any, error) {
		_, err := tx.DeleteEndpoint(c.Merchant.ID, id)
		return api.Deleted{ID: id, Object: "webhook_endpoint", Deleted: true}, err
	})
}
