package notify

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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

	mu    sync.Mutex
	rooms map[int64]*room
	open  sync.WaitGroup
	done  bool
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
	return (s.Payor || !e.Type.Private()) && e.Type.In(s.Types) && (s.InvoiceID == "" || s.InvoiceID == e.InvoiceID) &&
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done {
		_ = c.Close()
		return
	}
	h.open.Add(1)
	go func() {
		defer h.open.Done()
		k := &socket{conn: c, sub: s, ended: make(chan struct{})}
		go h.join(k)
		k.read() // until the connection ends
		h.leave(k)
	}()
}

// join replays what a socket has missed and then lets it into its room. It is let
// in at a moment when it has everything the room has passed on: no gap, no double.
func (h *Hub) join(k *socket) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, cursor, err := h.room(ctx, k.sub)
	if err != nil {
		k.fail("INTERNAL_SERVER_ERROR", "The stream cannot be opened right now")
		return
	}
	if k.sub.Since != "" {
		k.send(frame(view.StreamControl("replay_start", k.sub.Since)))
	}
	for {
		target, in := r.admit(k, cursor)
		if in {
			return
		}
		if target == cursor { // the room was closed when its last socket left
			if r, _, err = h.room(ctx, k.sub); err == nil {
				continue
			}
		}
		if err == nil {
			cursor, err = h.replay(ctx, k, cursor, target)
		}
		if err != nil {
			h.Log.ErrorContext(ctx, "replaying a stream", "merchant", k.sub.MerchantID, "err", err)
			k.fail("INTERNAL_SERVER_ERROR", "The replay failed; connect again with since")
			return
		}
	}
}

// room returns a merchant's room and where in its stream a new socket begins.
func (h *Hub) room(ctx context.Context, s Subscription) (r *room, cursor int64, err error) {
	var last int64
	if err = h.Store.Read(ctx, func(tx *store.Tx) error {
		if last, err = tx.StreamEnd(s.MerchantID); err != nil {
			return err
		}
		e, ok, err := tx.Event(s.MerchantID, s.Since)
		if cursor = last; ok {
			cursor = e.Seq
		}
		return err
	}); err != nil {
		return nil, 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms == nil {
		h.rooms = map[int64]*room{}
	}
	if r = h.rooms[s.MerchantID]; r == nil {
		r = &room{merchant: s.MerchantID, last: last, all: map[*socket]bool{}, payors: map[string]map[*socket]bool{}}
		h.rooms[s.MerchantID] = r
	}
	return r, cursor, nil
}

// replayPage is how many events are read at a time.
const replayPage = 200

func (h *Hub) replay(ctx context.Context, k *socket, after, upTo int64) (int64, error) {
	s := k.sub
	for {
		var es []pay.Event
		if err := h.Store.Read(ctx, func(tx *store.Tx) (err error) {
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
			h.Log.ErrorContext(ctx, "reading events to stream; they will be read again", "merchant", r.merchant, "err", err)
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
		if k.sub.wants(e) {
			if merchant == nil {
				merchant = frame(render(e, false))
			}
			k.send(merchant)
		}
	}
	for k := range r.payors[e.InvoiceID] {
		if k.sub.wants(e) {
			if payor == nil {
				payor = frame(render(e, true))
			}
			k.send(payor)
		}
	}
}
