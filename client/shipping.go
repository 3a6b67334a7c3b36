package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/pepay/pepay/api"
)

// Addresses are where customers had things sent. Checkout.Address saves them.
type Addresses struct{ c *Client }

const addressesPath = "/api/v1/commerce/merchant/addresses"

// List returns the addresses of one customer, newest first.
func (s Addresses) List(ctx context.Context, who api.Customer, at Offset) iter.Seq2[api.SavedAddress, error] {
	return offsets(ctx, at, customer(who), func(ctx context.Context, q url.Values) ([]api.SavedAddress, error) {
		page, err := unwrapped[api.AddressList](ctx, s.c, http.MethodGet, addressesPath, q, nil)
		return page.Addresses, err
	})
}

// Delete forgets an address. Orders that go there keep their own copy.
func (s Addresses) Delete(ctx context.Context, id string) error {
	_, err := call[api.Outcome](ctx, s.c, http.MethodDelete, addressesPath+"/"+url.PathEscape(id), nil, nil)
	return err
}

// customer names a customer in a query.
func customer(who api.Customer) url.Values {
	q := url.Values{}
	for name, text := range map[string]*string{"customer_id": who.CustomerID, "wallet_address": who.WalletAddress, "wallet_network": who.WalletNetwork} {
		if text != nil {
			q.Set(name, *text)
		}
	}
	return q
}
