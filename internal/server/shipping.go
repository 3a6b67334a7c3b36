package server

import (
	"math"
	"net/http"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// The paths without a version are those of older clients.
var shippingRoutes = []route{
	{"GET /api/v1/commerce/merchant/addresses", commerceFace, byCommerce((*Server).listAddresses), nil},
	{"DELETE /api/v1/commerce/merchant/addresses/{id}", commerceFace, byCommerce((*Server).deleteAddress), nil},
	{"GET /api/commerce/merchant/addresses", commerceFace, byCommerce((*Server).listAddresses), nil},
	{"DELETE /api/commerce/merchant/addresses/{id}", commerceFace, byCommerce((*Server).deleteAddress), nil},
}

func (s *Server) listAddresses(r *http.Request, c billing.Caller) (any, error) {
	q := newQuery(r)
	who, limit, offset := q.customer(), q.number("limit", 20, 1, 100), q.number("offset", 0, 0, math.MaxInt32)
	if q.err != nil {
		return nil, q.err
	}
	as, err := s.Commerce.Addresses(r.Context(), c, who, limit, offset)
	return view.Addresses(as), err
}

func (s *Server) deleteAddress(r *http.Request, c billing.Caller) (any, error) {
	id := r.PathValue("id")
	if !pay.IsUUID(id) {
		return nil, pay.Errorf(pay.CodeAddressNotFound, "Address not found")
	}
	o, err := once(r, nil, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Commerce.DeleteAddress(r.Context(), c, id, o)
}
