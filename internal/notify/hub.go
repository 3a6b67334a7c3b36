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

	MaxPerHolder, MaxPerAddress int // how many sockets one may have; 0 for any number

	mu      sync.Mutex
	held    map[string]int // sockets by holder and by address
	rooms   map[int64]*room
	sockets map[*socket]bool // also those not in their room yet
	serving sync.WaitGroup
	done    bool
}

// Subscription is what a websocket wants to hear, and who it belongs to. Of the
// filter, what says where to begin and end is not looked at.
type Subscription struct {
	store.EventFilter
	Payor   bool   // only what a payor may know; InvoiceID is set
	Since   string // an event id: replay what came after it first
	Holder  string // the invoice that a payor's credential stands for, or the id of the API key of any other
	Address string // the IP address it comes from
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
	s.Private = s.Payor
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
	b, err := h.begin(k)
	if err == nil {
		if b.reason != "" {
			k.send(frame(view.StreamControl("resync_required", k.sub.Since, b.reason, b.last)))
		}
		if b.replay {
			k.send(frame(view.StreamControl("replay_start", k.sub.Since, "", b.last)))
		}
	}
	cursor := b.cursor
	if err == nil && cursor < b.end {
		cursor, err = h.replay(k, cursor, b.end)
	}
	for in := false; err == nil && !in; {
		var r *room
		if r, err = h.room(k); err != nil {
			break
		}
		var target int64
		if target, in = r.admit(k, cursor, b); !in {
			cursor, err = h.replay(k, cursor, target)
		}
		h.tidy(r) // the socket may have ended meanwhile
	}
	if err != nil && k.ctx.Err() == nil {
		h.Log.ErrorContext(k.ctx, "opening a stream", "merchant", k.sub.MerchantID, "err", err)
		k.fail(websocket.CloseInternalServerErr, "INTERNAL_SERVER_ERROR", "The stream cannot be opened right now; connect again with since")
	}
}

// beginning is where in its merchant's stream a socket begins.
type beginning struct {
	cursor, end int64  // after the one; there is something up to the other
	last        string // the id of the event at the end, "" for payors
	replay      bool   // it asked for a place, and there is one
	reason      string // why the place it asked for is not to be had
}

// begin finds where a socket begins: after the event it names; with all that is kept,
// if that event was dropped for its age; or else at the end.
func (h *Hub) begin(k *socket) (b beginning, err error) {
	err = h.Store.Read(k.ctx, func(tx *store.Tx) error {
		b = beginning{}
		if b.end, b.last, err = tx.StreamEnd(k.sub.MerchantID); err != nil {
			return err
		}
		if k.sub.Payor {
			b.last = "" // it counts what happens to other invoices
		}
		if b.cursor = b.end; k.sub.Since == "" {
			return nil
		}
		e, known, err := tx.Event(k.sub.MerchantID, k.sub.Since)
		if known {
			b.cursor, b.replay = e.Seq, true
			return err
		}
		old := false
		if err == nil {
			old, err = tx.Forgotten(k.sub.MerchantID, k.sub.Since)
		}
		if b.reason = "unknown"; old {
			b.cursor, b.replay, b.reason = 0, true, "too_old"
		}
		return err
	})
	return b, err
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
		last, _, err = tx.StreamEnd(merchant)
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
			f := s.EventFilter
			f.After, f.Before, f.Oldest, f.Limit = after, upTo+1, true, replayPage
			es, err = tx.Events(f)
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
		if e.Seq > k.cursor && k.sub.Wants(e) {
			if merchant == nil {
				merchant = frame(render(e, false))
			}
			k.send(merchant)
		}
	}
	for k := range r.payors[e.InvoiceID] {
		if e.Seq > k.cursor && k.sub.Wants(e) {
			if payor == nil {
				payor = frame(render(e, true))
			}
			k.send(payor)
		}
	}
}
