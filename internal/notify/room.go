package notify

import (
	"context"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// admit lets a socket in that has everything up to the cursor, if that is all the
// room has passed on; otherwise it says up to where the socket must catch up. A
// closed room admits nobody and asks for nothing.
func (r *room) admit(k *socket, cursor int64) (target int64, in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return cursor, false
	}
	if cursor < r.last {
		return r.last, false
	}
	if k.sub.Since != "" {
		k.send(frame(view.StreamControl("replay_complete", k.sub.Since)))
	}
	r.add(k)
	return cursor, true
}

// add lets a socket in, unless it has ended meanwhile. The room is locked.
func (r *room) add(k *socket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone {
		return
	}
	if k.room = r; !k.sub.Payor {
		r.all[k] = true
		return
	}
	if r.payors[k.sub.InvoiceID] == nil {
		r.payors[k.sub.InvoiceID] = map[*socket]bool{}
	}
	r.payors[k.sub.InvoiceID][k] = true
}

// leave takes a socket that has ended out of its room.
func (h *Hub) leave(k *socket) {
	r := k.end()
	if r == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, k)
	if set := r.payors[k.sub.InvoiceID]; set != nil {
		if delete(set, k); len(set) == 0 {
			delete(r.payors, k.sub.InvoiceID)
		}
	}
	if len(r.all) == 0 && len(r.payors) == 0 {
		r.closed = true
		delete(h.rooms, r.merchant)
	}
}

// beat is how often a socket is pinged, and lookAgain how often a room is read
// without a hint, in case one was lost.
const (
	beat      = 30 * time.Second
	lookAgain = 5 * time.Second
)

// Run keeps the sockets alive and looks for events that no hint told of, until ctx
// ends; then it takes leave of every socket.
func (h *Hub) Run(ctx context.Context) {
	ticks, pings := time.NewTicker(lookAgain), time.NewTicker(beat)
	defer ticks.Stop()
	defer pings.Stop()
	for {
		select {
		case <-ctx.Done():
			h.shut()
			return
		case <-ticks.C:
			for _, r := range h.all() {
				h.Wake(ctx, r.merchant)
			}
		case <-pings.C:
			for _, r := range h.all() {
				for _, k := range r.sockets() {
					k.send(nil)
				}
			}
		}
	}
}

// shut says goodbye to every socket, and waits for a moment until they are gone.
func (h *Hub) shut() {
	h.mu.Lock()
	h.done = true
	h.mu.Unlock()
	for _, r := range h.all() {
		for _, k := range r.sockets() {
			k.close(websocket.CloseGoingAway, "server is stopping; connect again with since")
		}
	}
	gone := make(chan struct{})
	go func() { h.open.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(3 * time.Second):
	}
}

// Sockets is how many sockets are open.
func (h *Hub) Sockets() (n int) {
	for _, r := range h.all() {
		n += len(r.sockets())
	}
	return n
}

func (h *Hub) all() (rs []*room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rooms {
		rs = append(rs, r)
	}
	return rs
}

func (r *room) sockets() (ks []*socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.all {
		ks = append(ks, k)
	}
	for _, set := range r.payors {
		for k := range set {
			ks = append(ks, k)
		}
	}
	return ks
}

func render(e pay.Event, payor bool) api.Event {
	if payor {
		return view.PayorEvent(e)
	}
	return view.Event(e)
}

// frame renders a value once for any number of sockets.
func frame(v any) *websocket.PreparedMessage {
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, view.JSON(v))
	if err != nil {
		panic(err) // only for an unknown message type
	}
	return m
}
