package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

var checkoutRoutes = []route{
	{"POST /api/commerce/merchant/checkout/estimate", commerceFace, byCommerce((*Server).estimate), nil},
	{"POST /api/commerce/merchant/checkout/address", commerceFace, byCommerce((*Server).checkoutAddress), nil},
	{"POST /api/commerce/merchant/checkout/invoice", commerceFace, byCommerce((*Server).checkoutInvoice), nil},
}

func (s *Server) estimate(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.EstimateRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Commerce.Estimate(r.Context(), c, in, o)
}

func (s *Server) checkoutAddress(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.CheckoutAddressRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Commerce.SetAddress(r.Context(), c, in, o)
}

func (s *Server) checkoutInvoice(r *http.Request, c billing.Caller) (any, error) {
	in, o, err := onceBody[api.CheckoutInvoiceRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	return s.Commerce.Checkout(r.Context(), c, in, o)
}
