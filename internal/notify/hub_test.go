package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// stage is a hub on a store of its own. Hints reach it unless muted.
type stage struct {
	t    *testing.T
	s    *store.Store
	h    *notify.Hub
	mute atomic.Bool
	subs sync.Map // by path
	n    atomic.Int64
	url  string
}

func newStage(t *testing.T, db string) *stage {
	t.Helper()
	g := &stage{t: t, h: &notify.Hub{Log: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	g.s = testkit.OpenStore(t, store.Options{URL: db, Now: new(testkit.Clock).Now, Committed: func(es []pay.Event) {
		for _, e := range es {
			if !g.mute.Load() {
				g.h.Wake(context.Background(), e.MerchantID)
			}
		}
	}})
	g.h.Store = g.s
	return g
}

func eachStage(t *testing.T, f func(t *testing.T, g *stage)) {
	t.Helper()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		g := newStage(t, db)
		t.Cleanup(func() { // after the sockets' clients and the server: no goroutine is left behind
			testkit.Eventually(t, "every socket is gone", func() bool { return g.h.Sockets() == 0 })
		})
		s := httptest.NewServer(http.HandlerFunc(g.upgrade))
		t.Cleanup(s.Close)
		g.url = s.URL
		f(t, g)
	})
}

var upgrader = websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}}

func (g *stage) upgrade(w http.ResponseWriter, r *http.Request) {
	sub, _ := g.subs.Load(r.URL.Path)
	if c, err := upgrader.Upgrade(w, r, nil); err == nil {
		g.h.Serve(c, sub.(notify.Subscription))
	}
}

// path makes an address for a subscription.
func (g *stage) path(s notify.Subscription) string {
	p := fmt.Sprintf("/%d", g.n.Add(1))
	g.subs.Store(p, s)
	return p
}

func (g *stage) dial(t *testing.T, s notify.Subscription) *testkit.Socket {
	t.Helper()
	return testkit.Dial(t, g.url+g.path(s), nil)
}

// happen appends events and returns how they were stored.
func (g *stage) happen(es ...pay.Event) {
	g.t.Helper()
	if err := g.s.Write(context.Background(), func(tx *store.Tx) error {
		for _, e := range es {
			tx.AppendEvent(e)
		}
		return nil
	}); err != nil {
		g.t.Error(err)
	}
}

func (g *stage) happenN(n int) {
	g.t.Helper()
	for from := 0; from < n; from += 50 {
		var es []pay.Event
		for i := from; i < min(from+50, n); i++ {
			es = append(es, event(merchant, i))
		}
		g.happen(es...)
	}
}

func (g *stage) all() []pay.Event { return testkit.Events(g.t, g.s, merchant) }

func (g *stage) last() pay.Event {
	es := g.all()
	return es[len(es)-1]
}

// in waits until a socket without since is in its room, and so is certain to be told
// of what happens next.
func (g *stage) in(t *testing.T, s *testkit.Socket) {
	t.Helper()
	before := len(s.Got)
	told := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-told:
				return
			case <-time.After(10 * time.Millisecond):
				g.happen(event(merchant, 0))
			}
		}
	})
	for len(s.Got) == before {
		s.Next()
	}
	close(told)
	wg.Wait() // nothing of it happens later
}

// Sockets come at random moments, from random places in the stream, with all kinds of
// filters, while several writers append. Each gets what it wants from there on: all,
// once, in order.
func TestNoGapNoDouble(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		const writers, commits = 4, 60
		g.happenN(300)
		var writing, wg sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for c := range commits {
					var es []pay.Event
					for i := range 1 + (w+c)%5 {
						es = append(es, event(merchant, c+i))
						if i == 2 {
							es[i].Type = pay.QuoteUpdated
						} else if i == 3 {
							es[i].Type = pay.PaymentUpdated
						}
					}
					g.happen(append(es, event(merchant+1, 0))...)
				}
			})
		}
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			writing.Wait()
			g.happen(pay.Event{MerchantID: merchant, Type: pay.InvoiceCreated, Environment: pay.Devnet, InvoiceID: "inv_1", CustomerID: "cus_1", Object: []byte(`{"last":true}`), Previous: []byte(`{}`)})
		}()
		for n := range 50 {
			wg.Go(func() {
				sub := notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}}
				switch n % 5 {
				case 1:
					sub.Payor, sub.InvoiceID = true, "inv_1"
				case 2:
					sub.CustomerID = "cus_1"
				case 3:
					sub.Types = []string{"invoice.*"}
				case 4:
					sub.InvoiceID, sub.Environment = "inv_1", pay.Devnet
				}
				known := g.all()
				if end := len(known) - 1; strings.Contains(string(known[end].Object), "last") {
					known = known[:end] // a socket that comes late must still have that one to wait for
				}
				after := known[rand.IntN(len(known))]
				if n%10 == 0 {
					after = known[len(known)-1] // nothing to replay, perhaps
				}
				sub.Since = after.ID
				s := g.dial(t, sub)
				s.Until(func(e api.Event) bool { return strings.Contains(string(e.Data.Object), "last") })
				var want []string
				for _, e := range g.all() {
					if e.Seq > after.Seq && (sub.InvoiceID == "" || e.InvoiceID == sub.InvoiceID) && (sub.CustomerID == "" || e.CustomerID == sub.CustomerID) &&
						(sub.Payor || e.Type != pay.QuoteUpdated) && (sub.Types == nil || e.Type != pay.PaymentUpdated) {
						want = append(want, e.ID)
					}
				}
				var got []string
				for _, e := range s.Got {
					got = append(got, e.ID)
				}
				if strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("%+v: %d events, want %d\n%v\n%v", sub, len(got), len(want), got, want)
				}
				s.Close()
			})
		}
		<-finished
		wg.Wait()
	})
}

// Sockets come and go so fast that their room closes and opens all the time. Nothing
// is lost although nobody looks without a hint.
func TestRoomEmptiesAndRefills(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.happenN(1)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { // somebody who is never there for long
			for {
				select {
				case <-stop:
					return
				default:
					g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}}).Close()
				}
			}
		})
		for range 3 {
			wg.Go(func() {
				for range 30 {
					last := g.last()
					s := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: last.ID})
					go g.happen(event(merchant, 1))
					e := s.Until(func(api.Event) bool { return true })
					if all := g.all(); int(last.Seq) >= len(all) || e.ID != all[last.Seq].ID {
						t.Errorf("after %s came %s", last.ID, e.ID)
					}
					s.Close()
				}
			})
		}
		testkit.Eventually(t, "90 events", func() bool { return g.last().Seq == 91 })
		close(stop)
		wg.Wait()
		testkit.Eventually(t, "no room is left", func() bool { return g.h.Rooms() == 0 })
	})
}

// A payor is told of its own invoice only, and nothing that is between the merchant
// and us.
func TestPayorStream(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.happen(event(merchant, 0))
		since := g.last().ID
		rich := event(merchant, 1)
		rich.Object = []byte(`{"object":"invoice","id":"inv_1","metadata":{"note":"SECRET"},"customer_id":"SECRET","merchant_id":7,"settlement":{"tx":"SECRET"},"status":"paid"}`)
		rich.Previous = []byte(`{"status":"pending","metadata":{"note":"SECRET"}}`)
		rich.RequestID, rich.RequestKey = "SECRET", "SECRET"
		quote := event(merchant, 1)
		quote.Type = pay.QuoteUpdated
		foreign := event(merchant, 2)
		g.happen(rich)
		p := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant, InvoiceID: "inv_1"}, Payor: true, Since: since})
		m := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: since})
		check := func() { // by replay, then live
			t.Helper()
			for f := p.Next(); ; f = p.Next() {
				if strings.Contains(string(f.Raw), "SECRET") || strings.Contains(string(f.Raw), "merchant_id") || f.Object == "event" && !strings.Contains(string(f.Raw), `"paid"`) {
					t.Errorf("a payor is told %s", f.Raw)
				}
				if f.Object == "event" {
					return
				}
			}
		}
		check()
		g.happen(foreign, rich)
		check()
		g.happen(foreign, quote)
		if e := p.Until(func(api.Event) bool { return true }); e.Type != string(pay.QuoteUpdated) {
			t.Errorf("a payor is told of %s", e.Type)
		}
		g.happen(rich)
		for last := g.last().ID; len(m.Got) == 0 || m.Got[len(m.Got)-1].ID != last; {
			m.Next()
		}
		if len(m.Got) != 5 || !strings.Contains(string(m.Got[0].Data.Object), "SECRET") {
			t.Errorf("the merchant is told of %d events", len(m.Got))
		}
		for _, e := range m.Got {
			if e.Type == string(pay.QuoteUpdated) {
				t.Error("the merchant is told what only a payor needs")
			}
		}
	})
}

func TestIncoming(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		s := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}})
		for _, ping := range []string{`{"type":"ping"}`, `{ "type" : "ping" }`} {
			if err := s.WriteMessage(websocket.TextMessage, []byte(ping)); err != nil {
				t.Fatal(err)
			}
			var v map[string]string
			if err := json.Unmarshal(s.Next().Raw, &v); err != nil || v["type"] != "pong" {
				t.Errorf("%s is answered with %v %v", ping, v, err)
			}
		}
		for _, noise := range []string{"", "[]", "null", "hello"} {
			if err := s.WriteMessage(websocket.TextMessage, []byte(noise)); err != nil {
				t.Fatal(err)
			}
		}
		g.in(t, s) // still there
		if err := s.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 513))); err != nil {
			t.Fatal(err)
		}
		if code, _ := s.Ended(); code != websocket.CloseMessageTooBig {
			t.Errorf("a long message ends with %d", code)
		}
	})
}

// When the server stops every socket is told 1001: those in a room, one in the middle
// of its replay, one that comes too late.
func TestStop(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.happenN(1)
		first := g.last().ID
		big := event(merchant, 1)
		big.Object = []byte(`{"pad":"` + strings.Repeat("x", 32<<10) + `"}`)
		for range 20 {
			g.happen(big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big)
		}
		var live []*testkit.Socket
		for range 5 {
			s := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}})
			g.in(t, s)
			live = append(live, s)
		}
		replaying := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: first}) // 13 MB, and it reads nothing yet
		testkit.Eventually(t, "six sockets", func() bool { return g.h.Sockets() == 6 })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); g.h.Run(ctx) }()
		stop()
		for _, s := range append(live, replaying, g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}})) {
			if code, text := s.Ended(); code != websocket.CloseGoingAway {
				t.Errorf("ended with %d %s after %d events", code, text, len(s.Got))
			}
		}
		<-ended
		if n := len(replaying.Got); n > 400 {
			t.Errorf("%d events were replayed: it was not in the middle", n)
		}
		testkit.Eventually(t, "none is left", func() bool { return g.h.Sockets() == 0 })
	})
}
