package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var rateRoutes = []route{
	{"GET /api/v1/quotes", merchantFace, byMerchant((*Server).previewQuote), nil},
	{"GET /api/v1/rates", merchantFace, byMerchant((*Server).listRates), nil},
}

func (s *Server) previewQuote(r *http.Request, _ billing.Caller) (any, error) {
	q := newQuery(r)
	n, id, usd := pay.NetworkName(q.text("network")), q.number("token_id", 0, 1, 1<<53), api.Number(q.text("amount_usd"))
	if n == "" || id == 0 || usd == "" {
		q.fail("network, token_id and amount_usd are required")
	}
	if q.err != nil {
		return nil, q.err
	}
	return s.Billing.PreviewQuote(r.Context(), n, int64(id), &usd)
}

func (s *Server) listRates(r *http.Request, _ billing.Caller) (any, error) {
	q := newQuery(r)
	symbol := q.text("symbol")
	if q.err != nil {
		return nil, q.err
	}
	vs, err := s.Billing.PriceReport(r.Context(), symbol)
	return view.List(vs, false), err
}
