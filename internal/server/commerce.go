package server

import (
	"errors"
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

// created is an answer with status 201.
type created []byte

// byCommerce admits callers with an API key of scope commerce. Of two keys, the one in
// x-commerce-api-key counts.
func byCommerce(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return admit((*Server).shop, h)
}

// byShopOrPerson admits people who are signed in, too.
func byShopOrPerson(h func(*Server, *http.Request, billing.Caller) (any, error)) func(*Server, *http.Request) (any, error) {
	return admit(func(s *Server, r *http.Request) (billing.Caller, error) {
		if apiKey(r) == "" && r.Header.Get("Authorization") != "" {
			c, err := s.person(r)
			return c, commerceRefusal(err)
		}
		return s.shop(r)
	}, h)
}

// shop returns who a key of scope commerce belongs to.
func (s *Server) shop(r *http.Request) (billing.Caller, error) {
	if key := r.Header.Get("x-commerce-api-key"); key != "" {
		r = r.Clone(r.Context())
		r.Header.Set("x-api-key", key)
	}
	if apiKey(r) == "" {
		return billing.Caller{}, orElse(s.allow(r, s.Limits.wrongKey, s.address(r)),
			pay.Errorf(pay.CodeKeyMissing, "Send an API key of scope commerce in the x-api-key header"))
	}
	c, err := s.caller(r)
	if err == nil && c.Key.Scope != pay.ScopeCommerce {
		err = pay.Errorf(pay.CodeScope, "This needs an API key of scope commerce; yours has scope %s", c.Key.Scope)
	}
	return c, commerceRefusal(err)
}

// commerceRefusal gives the refusal of a key the code that it has in commerce, which
// has one for each reason.
func commerceRefusal(err error) error {
	for reason, code := range map[error]pay.Code{
		pay.ErrSuspended: pay.CodeKeySuspended, pay.ErrExpired: pay.CodeKeyExpired, pay.ErrNoMainnet: pay.CodeMainnetAccess,
	} {
		if e, ok := errors.AsType[*pay.Error](err); ok && errors.Is(err, reason) {
			return pay.Errorf(code, "%s", e.Message)
		}
	}
	return err
}

// customer returns who a request without a body is for.
func (q *query) customer() (in api.Customer) {
	for name, to := range map[string]**string{"customer_id": &in.CustomerID, "wallet_address": &in.WalletAddress, "wallet_network": &in.WalletNetwork} {
		if q.Has(name) {
			s := q.text(name)
			*to = &s
		}
	}
	return in
}

// commerceRoutes is every route of commerce.
func commerceRoutes() (all []route) {
	for _, group := range [][]route{
		productRoutes,
		cartRoutes,
		shippingRoutes,
		checkoutRoutes,
		orderRoutes,
		simulatorRoutes,
	} {
		all = append(all, group...)
	}
	return all
}
