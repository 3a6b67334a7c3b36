package client

import (
	"context"
	"net/http"

	"github.com/pepay/pepay/api"
)

// Networks are the chains that the deployment serves.
type Networks struct{ c *Client }

// List returns them, each with the height up to which it is proven to have missed nothing.
func (s Networks) List(ctx context.Context) ([]api.Network, error) {
	l, err := call[api.List[api.Network]](ctx, s.c, http.MethodGet, "/api/v1/networks", nil, nil)
	return l.Data, err
}
