package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// pipes is a listener whose connections stay in this process, so that a test can run
// in a bubble of its own time.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.ended) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.ended:
		return nil, errors.New("refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// faulty is a server of events with every fault there may be. What it has committed,
// it serves by REST; the sockets are as bad as chance makes them.
type faulty struct {
	mu      sync.Mutex
	chance  *rand.Rand
	events  []api.Event
	changed chan struct{} // closed and replaced when there is a new event
	kept    int           // events before this one are forgotten
	calm    bool          // no faults
	silent  bool          // sockets say where they begin and then nothing, not even pong
	mute    bool          // nor where they begin
	dials   int
	refuse  int // a status that everything is refused with
}

// start serves until the test ends, and returns a client of it. It is called in a bubble.
func (f *faulty) start(t *testing.T) *client.Client {
	f.changed = make(chan struct{})
	p := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/events", f.list)
	mux.HandleFunc("/ws/merchant/events", f.socket)
	s := &http.Server{Handler: mux}
	go func() { _ = s.Serve(p) }()
	c := client.New("http://pepay.test", "pk_test_x")
	transport := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	c.HTTP = &http.Client{Transport: transport}
	c.SetDial(p.dial)
	t.Cleanup(func() { _ = s.Close() })
	return c
}

// add commits the next event.
func (f *faulty) add() {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.events)
	f.events = append(f.events, api.Event{Object: "event", ID: fmt.Sprintf("evt_%d-%d", time.Now().UnixMilli(), n+1), Created: time.Now().Unix(), Type: "invoice.updated"})
	close(f.changed)
	f.changed = make(chan struct{})
}

// unlucky is true once in n times.
func (f *faulty) unlucky(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.calm && f.chance.IntN(n) == 0
}

func (f *faulty) number(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.chance.IntN(n)
}

func (f *faulty) find(id string) int {
	i := slices.IndexFunc(f.events, func(e api.Event) bool { return e.ID == id })
	if i < f.kept {
		return -1
	}
	return i
}

func (f *faulty) fails(w http.ResponseWriter) bool {
	status := f.refuse
	if status == 0 {
		if !f.unlucky(4) {
			return false
		}
		status = []int{429, 500, 502, 503}[f.number(4)]
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"no","code":"NO"}`))
	return true
}

func (f *faulty) list(w http.ResponseWriter, r *http.Request) {
	if f.unlucky(8) {
		panic(http.ErrAbortHandler)
	}
	if f.fails(w) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	limit = min(limit, 7) // pages are as short as a server likes
	low, high := f.kept, len(f.events)
	bad := func() { w.WriteHeader(http.StatusBadRequest); _, _ = w.Write([]byte(`{"error":"cursor"}`)) }
	if gte, err := strconv.ParseInt(q.Get("created[gte]"), 10, 64); err == nil {
		for low < high && f.events[low].Created < gte {
			low++
		}
	}
	before, after, more := q.Get("ending_before"), q.Get("starting_after"), false
	switch {
	case before != "":
		at := f.find(before)
		if at < 0 {
			bad()
			return
		}
		low = max(low, at+1)
		more, high = high-low > limit, min(high, low+limit)
	case after != "":
		if high = f.find(after); high < 0 {
			bad()
			return
		}
		fallthrough
	default:
		more, low = high-limit > low, max(low, high-limit)
	}
	data := slices.Clone(f.events[low:high])
	slices.Reverse(data)
	_ = json.NewEncoder(w).Encode(api.Wrapped[api.List[api.Event]]{Success: true, Data: api.List[api.Event]{Object: "list", Data: data, HasMore: more}})
}

func (f *faulty) socket(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.dials++
	f.mu.Unlock()
	if f.fails(w) {
		return
	}
	up := websocket.Upgrader{}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close() //nolint:errcheck // it is the end
	gone := make(chan struct{})
	if f.silent {
		c.SetPingHandler(func(string) error { return nil })
	}
	go func() {
		defer close(gone)
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				_ = c.Close()
				return
			}
		}
	}()
	if f.silent {
		if !f.mute {
			_ = c.WriteJSON(api.StreamControl{Object: "ws_control", Type: "resync_required"})
		}
		<-gone
		return
	}
	since := r.URL.Query().Get("since")
	f.mu.Lock()
	at := f.find(since)
	next := len(f.events)
	replay := slices.Clone(f.events[max(at+1, f.kept):])
	f.mu.Unlock()
	send := func(v any) bool { return c.WriteJSON(v) == nil }
	if at < 0 || f.unlucky(4) {
		send(api.StreamControl{Object: "ws_control", Type: "resync_required"})
	} else {
		send(api.StreamControl{Object: "ws_control", Type: "replay_start", Since: &since})
		f.mangle(replay, send)
		send(api.StreamControl{Object: "ws_control", Type: "replay_complete", Since: &since})
	}
	f.live(send, next, gone)
}

// mangle sends a replay in which events are missing, doubled and out of order.
func (f *faulty) mangle(replay []api.Event, send func(any) bool) {
	for n := range replay {
		if f.unlucky(3) {
			other := f.number(len(replay))
			replay[n], replay[other] = replay[other], replay[n]
		}
		if !f.unlucky(4) {
			send(replay[n])
		}
		if f.unlucky(4) {
			send(replay[f.number(n+1)])
		}
	}
}

// live sends what comes, and old events once more, until it loses a frame and with
// it the connection: a moment later, as it goes.
func (f *faulty) live(send func(any) bool, next int, gone chan struct{}) {
	for {
		f.mu.Lock()
		changed, news := f.changed, slices.Clone(f.events[next:])
		f.mu.Unlock()
		for _, e := range news {
			if f.unlucky(5) {
				if f.unlucky(2) {
					send(api.StreamError{Object: "ws_error", Code: "NO", Message: "no"})
				}
				select {
				case <-gone:
				case <-time.After(time.Duration(f.number(5)) * time.Second):
				}
				return
			}
			if !send(e) {
				return
			}
			next++
			if f.unlucky(3) {
				f.mu.Lock()
				again := f.events[f.chance.IntN(next)]
				f.mu.Unlock()
				send(again)
			}
		}
		select {
		case <-changed:
		case <-gone:
			return
		case <-time.After(time.Minute):
			if !send(map[string]string{"type": "pong"}) {
				return
			}
		}
	}
}
