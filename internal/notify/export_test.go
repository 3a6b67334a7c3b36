package notify

import "net/http"

// Rooms is how many merchants have a room.
func (h *Hub) Rooms() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rooms)
}

// Proxied reports whether a guard's client would use a proxy of the environment.
func Proxied(c *http.Client) bool { return c.Transport.(*guarded).Proxy != nil }
