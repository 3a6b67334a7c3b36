package notify

// Admit reserves room for a socket, before its connection is taken over. It is
// refused when its holder or its address has as many as allowed. Serve gives the
// room back when the socket ends; who does not get so far calls Dismiss.
func (h *Hub) Admit(s Subscription) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	holder, address := s.names()
	if full(h.MaxPerHolder, h.held[holder]) && s.Holder != "" || full(h.MaxPerAddress, h.held[address]) && s.Address != "" {
		return false
	}
	if h.held == nil {
		h.held = map[string]int{}
	}
	h.held[holder]++
	h.held[address]++
	return true
}

// Dismiss takes back what Admit reserved.
func (h *Hub) Dismiss(s Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	holder, address := s.names()
	for _, name := range []string{holder, address} {
		if n := h.held[name]; n > 1 {
			h.held[name] = n - 1
		} else {
			delete(h.held, name)
		}
	}
}

func (s Subscription) names() (holder, address string) {
	return "holder " + s.Holder, "address " + s.Address
}

func full(most, n int) bool { return most > 0 && n >= most }
