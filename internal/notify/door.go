package notify

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

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

// expel closes the sockets whose API key opens nothing any more, with what the door
// would say. It asks once about all keys, however many sockets they have. While the
// store does not answer nobody has to go.
func (h *Hub) expel(ctx context.Context) {
	by := map[string][]*socket{}
	for _, k := range h.open() {
		if id := k.sub.Holder; id != "" && !k.sub.Payor {
			by[id] = append(by[id], k)
		}
	}
	if len(by) == 0 {
		return
	}
	refused := map[string]error{}
	if err := h.Store.Look(ctx, func(tx *store.Tx) error {
		ks, err := tx.KeysByID(slices.Collect(maps.Keys(by)))
		for _, k := range ks {
			refused[k.ID] = k.Refused(k.Merchant, tx.Now())
		}
		return err
	}); err != nil {
		if ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "asking whether the keys of open websockets are still good; they stay open until it is known", "err", err)
		}
		return
	}
	for id, sockets := range by {
		err, known := refused[id]
		if !known {
			err = pay.Errorf(pay.CodeKeyInvalid, "Invalid API key")
		}
		e, ok := errors.AsType[*pay.Error](err)
		for _, k := range sockets {
			if ok {
				k.fail(websocket.ClosePolicyViolation, string(e.Code), e.Message)
			}
		}
	}
}
