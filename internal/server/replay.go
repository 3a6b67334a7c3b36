package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/view"
)

func (s *Server) startReplay(r *http.Request, c billing.Caller) (any, error) {
	id, in, o, err := endpointBody[api.ReplayRequest](r)
	if err != nil {
		return nil, err
	}
	return s.Billing.StartReplay(r.Context(), c, id, in, o)
}

func (s *Server) getReplay(r *http.Request, c billing.Caller) (any, error) {
	id, err := endpointID(r)
	if err != nil {
		return nil, err
	}
	p, err := s.Billing.Replay(r.Context(), c, id)
	return view.Replay(p), err
}
