package client

import (
	"context"
	"net"
)

// SetDial makes websockets connect by f.
func (c *Client) SetDial(f func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.dial = f
}
