package notify

import (
	"context"
	"net/http"
)

// Rooms is how many merchants have a room.
func (h *Hub) Rooms() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rooms)
}

// Cause is what an attempt says of an error.
func Cause(err error) string { return cause(err) }

// Proxied reports whether a guard's client would use a proxy of the environment.
func Proxied(c *http.Client) bool { return c.Transport.(*guarded).Proxy != nil }

// Expel is what Run does every few seconds.
func (h *Hub) Expel(ctx context.Context) { h.expel(ctx) }

// Sit puts a socket in the hub that has no connection.
func (h *Hub) Sit(s Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets == nil {
		h.sockets = map[*socket]bool{}
	}
	h.sockets[&socket{sub: s, writing: true}] = true
}

// Leaving is how many sockets have been told to go.
func (h *Hub) Leaving() (n int) {
	for _, k := range h.open() {
		k.mu.Lock()
		if k.goodbye != nil {
			n++
		}
		k.mu.Unlock()
	}
	return n
}
