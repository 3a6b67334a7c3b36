package billing

import (
	"context"
	"net/url"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// maxEndpoints bounds how many endpoints a merchant may have.
const maxEndpoints = 20

// AddEndpoint stores where the merchant wants its events. The secret it returns is
// shown only now.
// allowed judges the address; it returns an error with CodeValidation.
func (b *Billing) AddEndpoint(ctx context.Context, c Caller, r api.CreateEndpointRequest, allowed func(*url.URL) error) (e pay.Endpoint, secret string, err error) {
	if r.URL == nil || len(*r.URL) > pay.MaxURL {
		return e, "", pay.Errorf(pay.CodeValidation, "url is required: an https URL of at most %d characters", pay.MaxURL)
	}
	u, err := url.Parse(*r.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return e, "", pay.Errorf(pay.CodeValidation, "url must be an https URL without credentials or fragment")
	}
	if err := allowed(u); err != nil {
		return e, "", err
	}
	if err := CheckTypes(r.EnabledEvents); err != nil {
		return e, "", err
	}
	e = pay.Endpoint{MerchantID: c.Merchant.ID, URL: u.String(), Types: r.EnabledEvents}
	if r.Environment != nil {
		if e.Environment = pay.Environment(*r.Environment); e.Environment != pay.Devnet && e.Environment != pay.Mainnet {
			return e, "", pay.Errorf(pay.CodeValidation, "environment must be devnet or mainnet, or left out for both")
		}
	}
	secret = auth.NewWebhookSecret()
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		have, err := tx.Endpoints(c.Merchant.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxEndpoints {
			return pay.Errorf(pay.CodeValidation, "At most %d webhook endpoints; delete one first", maxEndpoints)
		}
		e.ID, e.CreatedAt = "we_"+tx.NewID(), tx.Now()
		e.Secret = b.Auth.Seal([]byte(secret), "webhook "+e.ID)
		return tx.AddEndpoint(e)
	})
	return e, secret, err
}

// Endpoints returns the merchant's endpoints, newest first.
func (b *Billing) Endpoints(ctx context.Context, c Caller) (es []pay.Endpoint, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		es, err = tx.Endpoints(c.Merchant.ID)
		return err
	})
	return es, err
}

// DeleteEndpoint stops deliveries to an endpoint of the merchant, for good.
func (b *Billing) DeleteEndpoint(ctx context.Context, c Caller, id string) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		ok, err := tx.DeleteEndpoint(c.Merchant.ID, id)
		if err == nil && !ok {
			err = pay.Errorf(pay.CodeNotFound, "Webhook endpoint not found")
		}
		return err
	})
}
