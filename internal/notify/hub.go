package notify

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Hub passes events on to websockets. It is told that a merchant has new events,
// reads them once from the store, and hands each to the sockets it is for.
type Hub struct {
	Store *store.Store
	Log   *slog.Logger

	mu      sync.Mutex
	rooms   map[int64]*room
	sockets map[*socket]bool // also those not in their room yet
	serving sync.WaitGroup
	done    bool
}

// Subscription is what a websocket wants to hear. Zero fields match all.
type Subscription struct {
	MerchantID  int64
	Payor       bool   // only what a payor may know; InvoiceID is set
	Since       string // an event id: replay what came after it first
	Types       []string
	InvoiceID   string
	CustomerID  string
	Environment pay.Environment
}

func (s Subscription) wants(e pay.Event) bool {
	return (s.Payor || !e.Type.Unlisted()) && e.Type.In(s.Types) && (s.InvoiceID == "" || s.InvoiceID == e.InvoiceID) &&
		(s.CustomerID == "" || s.CustomerID == e.CustomerID) && (s.Environment == "" || s.Environment == e.Environment)
}

// room is the sockets of one merchant. Payors are found by their invoice, so that
// an event costs nothing to those it is not for.
type room struct {
	merchant int64
	pump     sync.Mutex  // held by who reads the store and passes events on
	woken    atomic.Bool // somebody is about to read: a further hint changes nothing
	mu       sync.Mutex
	closed   bool  // nobody passes events on here any more
	last     int64 // every event up to this one has been passed on
	all      map[*socket]bool
	payors   map[string]map[*socket]bool
}

// Serve takes over an upgraded connection until it ends. It returns at once.
func (h *Hub) Serve(c *websocket.Conn, s Subscription) {
	k := &socket{conn: c, sub: s}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets == nil {
		h.sockets = map[*socket]bool{}
	}
	h.sockets[k] = true
	serve := func() {
		k.read() // until the connection ends
		h.leave(k)
	}
	if h.done { // nobody waits for it
		go serve()
		k.close(websocket.CloseGoingAway, stopping)
		return
	}
	h.serving.Go(serve)
	go h.join(k)
}

// join replays what a socket has missed and then lets it into its room. It is let
// in at a moment when it has everything the room has passed on, and everything that
// had happened when it came: no gap, no double.
func (h *Hub) join(k *socket) {
	cursor, end, known, err := h.begin(k)
	if err == nil && k.sub.Since != "" {
		if known {
			k.send(frame(view.StreamControl("replay_start", k.sub.Since)))
		} else { // nobody can tell what came after it
			k.send(frame(view.StreamControl("resync_required", k.sub.Since)))
		}
	}
	if err == nil && cursor < end {
		cursor, err = h.replay(k, cursor, end)
	}
	for in := false; err == nil && !in; {
		var r *room
		if r, err = h.room(k); err != nil {
			break
		}
		var target int64
		if target, in = r.admit(k, cursor, known); !in {
			cursor, err = h.replay(k, cursor, target)
		}
		h.tidy(r) // the socket may have ended meanwhile
	}
	if err != nil && k.ctx.Err() == nil {
		h.Log.ErrorContext(k.ctx, "opening a stream", "merchant", k.sub.MerchantID, "err", err)
		k.fail("INTERNAL_SERVER_ERROR", "The stream cannot be opened right now; connect again with since")
	}
}

// begin finds where in its merchant's stream a socket begins: after the event it
// names, if that is known, or else at the end.
func (h *Hub) begin(k *socket) (cursor, end int64, known bool, err error) {
	err = h.Store.Read(k.ctx, func(tx *store.Tx) error {
		var e pay.Event
		if e, known, err = tx.Event(k.sub.MerchantID, k.sub.Since); err != nil {
			return err
		}
		end, err = tx.StreamEnd(k.sub.MerchantID)
		if cursor = e.Seq; !known {
			cursor = end
		}
		return err
	})
	return cursor, end, known, err
}

// room returns the room for a socket. A new one begins at the end of the stream and
// looks for more at once: nobody was there to hear the hints.
func (h *Hub) room(k *socket) (*room, error) {
	merchant := k.sub.MerchantID
	h.mu.Lock()
	r := h.rooms[merchant]
	h.mu.Unlock()
	if r != nil {
		return r, nil
	}
	var last int64
	if err := h.Store.Read(k.ctx, func(tx *store.Tx) (err error) {
		last, err = tx.StreamEnd(merchant)
		return err
	}); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r = h.rooms[merchant]; r == nil {
		if h.rooms == nil {
			h.rooms = map[int64]*room{}
		}
		r = &room{merchant: merchant, last: last, all: map[*socket]bool{}, payors: map[string]map[*socket]bool{}}
		h.rooms[merchant] = r
		r.woken.Store(true)
		go h.pump(context.Background(), r)
	}
	return r, nil
}

// replayPage is how many events are read at a time.
const replayPage = 200

// replay sends a socket what it has missed up to an event, and returns that.
func (h *Hub) replay(k *socket, after, upTo int64) (int64, error) {
	s := k.sub
	for {
		var es []pay.Event
		if err := h.Store.Read(k.ctx, func(tx *store.Tx) (err error) {
			es, err = tx.Events(store.EventFilter{
				MerchantID: s.MerchantID, After: after, Before: upTo + 1, Types: s.Types, Environment: s.Environment,
				InvoiceID: s.InvoiceID, CustomerID: s.CustomerID, Private: s.Payor, Oldest: true, Limit: replayPage,
			})
			return err
		}); err != nil {
			return after, err
		}
		for _, e := range es {
			if !k.wait(frame(render(e, s.Payor))) {
				return upTo, nil // the socket is gone
			}
			after = e.Seq
		}
		if len(es) < replayPage {
			return upTo, nil
		}
	}
}

// Wake has the new events of a merchant passed on to those here who want them. It
// returns at once.
func (h *Hub) Wake(ctx context.Context, merchant int64) {
	h.mu.Lock()
	r := h.rooms[merchant]
	h.mu.Unlock()
	if r != nil && !r.woken.Swap(true) {
		go h.pump(ctx, r)
	}
}

func (h *Hub) pump(ctx context.Context, r *room) {
	r.pump.Lock()
	defer r.pump.Unlock()
	r.woken.Store(false)
	for {
		r.mu.Lock()
		after := r.last
		r.mu.Unlock()
		var es []pay.Event
		if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
			es, err = tx.Events(store.EventFilter{MerchantID: r.merchant, After: after, Private: true, Oldest: true, Limit: replayPage})
			return err
		}); err != nil {
			if ctx.Err() == nil {
				h.Log.ErrorContext(ctx, "reading events to stream; they will be read again", "merchant", r.merchant, "err", err)
			}
			return
		}
		for _, e := range es {
			r.pass(e)
		}
		if len(es) < replayPage {
			return
		}
	}
}

// pass hands an event to the sockets it is for.
func (r *room) pass(e pay.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = e.Seq
	var merchant, payor *websocket.PreparedMessage
	for k := range r.all {
		if e.Seq > k.cursor && k.sub.wants(e) {
			if merchant == nil {
				merchant = frame(render(e, false))
			}
			k.send(merchant)
		}
	}
	for k := range r.payors[e.InvoiceID] {
		if e.Seq > k.cursor && k.sub.wants(e) {
			if payor == nil {
				payor = frame(render(e, true))
			}
			k.send(payor)
		}
	}
}
