package server

import (
	"net/http"
	"strconv"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

var mainnetRoutes = []route{
	{"GET /api/v1/user/mainnet-access/status", merchantFace, byMerchant((*Server).mainnetAccess), nil},
	{"POST /api/v1/user/mainnet-access/activate", merchantFace, byMerchant((*Server).activateMainnet), nil},
	{"PUT /api/v1/user/environment", merchantFace, byMerchant((*Server).setEnvironment), nil},
}

func (s *Server) mainnetAccess(_ *http.Request, c billing.Caller) (any, error) {
	return api.MainnetAccess{HasMainnetAccess: c.Merchant.Mainnet, CurrentEnvironment: string(c.Merchant.Environment)}, nil
}

func (s *Server) activateMainnet(r *http.Request, c billing.Caller) (any, error) {
	in, raw, err := body[api.ActivateRequest](r, pay.CodeValidation, false)
	if err == nil && in.AccessKey == nil {
		err = pay.Errorf(pay.CodeValidation, "access_key is required: the code that your operator gave you")
	}
	if err != nil {
		return nil, err
	}
	o, err := once(r, raw, pay.CodeValidation)
	if err == nil {
		err = s.allow(r, s.Limits.code, strconv.FormatInt(c.Merchant.ID, 10))
	}
	if err != nil {
		return nil, err
	}
	return s.Billing.ActivateMainnet(r.Context(), c, *in.AccessKey, o)
}

func (s *Server) setEnvironment(r *http.Request, c billing.Caller) (any, error) {
	in, raw, err := body[api.EnvironmentRequest](r, pay.CodeValidation, false)
	if err == nil && in.Environment == nil {
		err = pay.Errorf(pay.CodeValidation, "environment is required: devnet or mainnet")
	}
	if err != nil {
		return nil, err
	}
	o, err := once(r, raw, pay.CodeValidation)
	if err != nil {
		return nil, err
	}
	return s.Billing.SetEnvironment(r.Context(), c, pay.Environment(*in.Environment), o)
}
