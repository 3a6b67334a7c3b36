package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var cartRoutes = []route{
	{"GET /api/commerce/merchant/carts", commerceFace, byCommerce((*Server).getCart), nil},
	{"POST /api/commerce/merchant/carts", commerceFace, byCommerce((*Server).beginCart), nil},
	{"DELETE /api/commerce/merchant/carts", commerceFace, byCommerce((*Server).clearCart), nil},
	{"POST /api/commerce/merchant/carts/items", commerceFace, byCommerce((*Server).addToCart), nil},
	{"PUT /api/commerce/merchant/carts/items/{id}", commerceFace, byCommerce((*Server).setCartQuantity), nil},
	{"DELETE /api/commerce/merchant/carts/items/{id}", commerceFace, byCommerce((*Server).removeFromCart), nil},
	{"POST /api/commerce/merchant/carts/validate", commerceFace, byCommerce((*Server).checkCart), nil},
	{"GET /api/commerce/merchant/carts/totals", commerceFace, byCommerce((*Server).cartTotals), nil},
}

// onceQuery reads who a request without a body is for, and names the request by its
// Idempotency-Key if it brings one. For another customer it is another request.
func onceQuery(r *http.Request) (who api.Customer, o billing.Once, err error) {
	q := newQuery(r)
	if who = q.customer(); q.err != nil {
		return who, o, q.err
	}
	o, err = once(r, []byte(q.Encode()), pay.CodeValidation)
	return who, o, err
}

func (s *Server) getCart(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	who := q.customer()
	if q.err != nil {
		return nil, q.err
	}
	cart, err := s.Commerce.Cart(r.Context(), c, who)
	return view.Wrapped(view.Cart(cart)), err
}

func (s *Server) beginCart(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.CartRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	answer, err := s.Commerce.BeginCart(r.Context(), c, in, o)
	return created(answer), err
}

func (s *Server) clearCart(r *http.Request, c billing.Caller) (any, error) {
	who, o, err := onceQuery(r)
	if err != nil {
		return nil, err
	}
	return s.Commerce.ClearCart(r.Context(), c, who, o)
}

func (s *Server) addToCart(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.AddCartItemRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Commerce.AddToCart(r.Context(), c, in, o)
}

func (s *Server) setCartQuantity(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.CartQuantityRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Commerce.SetCartQuantity(r.Context(), c, r.PathValue("id"), in, o)
}

func (s *Server) removeFromCart(r *http.Request, c billing.Caller) (any, error) {
	who, o, err := onceQuery(r)
	if err != nil {
		return nil, err
	}
	return s.Commerce.RemoveFromCart(r.Context(), c, r.PathValue("id"), who, o)
}

func (s *Server) checkCart(r *http.Request, c billing.Caller) (any, error) {
	in, _, err := body[api.Customer](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	items, err := s.Commerce.CheckCart(r.Context(), c, in, "")
	return view.CartCheck(items), err
}

func (s *Server) cartTotals(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	who, zip := q.customer(), q.zip()
	if q.err != nil {
		return nil, q.err
	}
	p, items, err := s.Commerce.CartTotals(r.Context(), c, who, zip)
	return view.Wrapped(view.CartTotals(p, items, zip)), err
}
