package notify

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

// admit lets a socket in that has everything up to the cursor, if that is all the
// room has passed on; otherwise it says up to where the socket must catch up. A
// closed room admits nobody and asks for nothing.
func (r *room) admit(k *socket, cursor int64, b beginning) (target int64, in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return cursor, false
	}
	if cursor < r.last {
		return r.last, false
	}
	if b.replay {
		k.send(frame(view.StreamControl("replay_complete", k.sub.Since, "", b.last)))
	}
	k.cursor = cursor // the room may be behind
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
	h.mu.Lock()
	delete(h.sockets, k)
	h.mu.Unlock()
	h.Dismiss(k.sub)
	if r != nil {
		r.remove(k)
		h.tidy(r)
	}
}

func (r *room) remove(k *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, k)
	if set := r.payors[k.sub.InvoiceID]; set != nil {
		if delete(set, k); len(set) == 0 {
			delete(r.payors, k.sub.InvoiceID)
		}
	}
}

// tidy closes a room if it is empty.
func (h *Hub) tidy(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && len(r.all) == 0 && len(r.payors) == 0 {
		r.closed = true
		delete(h.rooms, r.merchant)
	}
}

// beat is how often a socket is pinged, lookAgain how often a room is read without a
// hint, in case one was lost, and how often it is asked whether keys are still good, and
// stopping what a socket is told at the end.
const (
	beat      = 30 * time.Second
	lookAgain = 5 * time.Second
	stopping  = "server is stopping; connect again with since"
)

// Run keeps the sockets alive, closes those whose key is no good any more and looks for
// events that no hint told of, until ctx ends; then it takes leave of every socket.
func (h *Hub) Run(ctx context.Context) {
	var looking, expelling atomic.Bool
	unlessBusy := func(busy *atomic.Bool, f func(context.Context)) {
		if !busy.Swap(true) {
			go func() {
				defer busy.Store(false)
				f(ctx)
			}()
		}
	}
	ticks, pings := time.NewTicker(lookAgain), time.NewTicker(beat)
	defer ticks.Stop()
	defer pings.Stop()
	for {
		select {
		case <-ctx.Done():
			h.shut()
			return
		case <-ticks.C:
			unlessBusy(&expelling, h.expel)
			unlessBusy(&looking, h.look)
		case <-pings.C:
			for _, k := range h.open() {
				k.send(nil)
			}
		}
	}
}

// look reads every room, one after the other: there may be thousands, and hints are
// seldom lost.
func (h *Hub) look(ctx context.Context) {
	h.mu.Lock()
	rooms := slices.Collect(maps.Values(h.rooms))
	h.mu.Unlock()
	for _, r := range rooms {
		h.pump(ctx, r)
	}
}

// shut says goodbye to every socket, and waits until they are gone.
func (h *Hub) shut() {
	h.mu.Lock()
	h.done = true
	h.mu.Unlock()
	for _, k := range h.open() {
		k.close(websocket.CloseGoingAway, stopping)
	}
	gone := make(chan struct{})
	go func() { h.serving.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(3 * time.Second): // they do not listen
		for _, k := range h.open() {
			_ = k.conn.Close()
		}
		<-gone
	}
}

// Sockets is how many sockets are open.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sockets)
}

func (h *Hub) open() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.sockets))
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
