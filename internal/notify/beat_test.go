package notify_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// pipe connects a socket to the hub in memory, so that time can be the test's.
func (g *stage) pipe(t *testing.T, sub notify.Subscription) *websocket.Conn {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		br := bufio.NewReader(server)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if c, err := upgrader.Upgrade(&hijacked{server, bufio.NewReadWriter(br, bufio.NewWriter(server)), http.Header{}}, r, nil); err == nil {
			g.h.Serve(c, sub)
		}
	}()
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
	c, _, err := d.Dial("ws://hub/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

type hijacked struct {
	conn   net.Conn
	rw     *bufio.ReadWriter
	header http.Header
}

func (h *hijacked) Header() http.Header                          { return h.header }
func (h *hijacked) Write(b []byte) (int, error)                  { return h.rw.Write(b) }
func (h *hijacked) WriteHeader(int)                              {}
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, h.rw, nil }
func inBubble(t *testing.T, f func(t *testing.T, g *stage)) {
	t.Helper()
	t.Parallel()
	db := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		g := newStage(t, db)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); g.h.Run(ctx) }()
		defer func() {
			stop()
			<-ended
			synctest.Wait()
			if n := g.h.Sockets(); n > 0 {
				t.Errorf("%d sockets are left", n)
			}
		}()
		f(t, g)
	})
}

// A hint that is lost costs five seconds, and no event.
func TestLostHint(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		g.mute.Store(true)
		c := g.pipe(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}})
		synctest.Wait()
		begin := time.Now()
		g.happen(event(merchant, 1))
		_, b, err := c.ReadMessage()
		if took := time.Since(begin); err != nil || took > 5*time.Second || !strings.Contains(string(b), g.last().ID) {
			t.Errorf("after %s: %s %v", took, b, err)
		}
	})
}

// A client that answers pings stays for as long as it likes; one that says nothing is
// dropped, and one that only sends JSON pings stays.
func TestSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		sub := notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}}
		answering, silent, talking := g.pipe(t, sub), g.pipe(t, sub), g.pipe(t, sub)
		pings := 0
		pong := answering.PingHandler()
		answering.SetPingHandler(func(s string) error { pings++; return pong(s) })
		silent.SetPingHandler(func(string) error { return nil })
		talking.SetPingHandler(func(string) error { return nil })
		begin := time.Now()
		dropped := make(chan time.Duration)
		gone := make(chan error, 3)
		for _, c := range []*websocket.Conn{answering, talking} {
			go func() {
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						gone <- err
						return
					}
				}
			}()
		}
		go func() {
			for {
				if _, _, err := silent.ReadMessage(); err != nil {
					dropped <- time.Since(begin)
					return
				}
			}
		}()
		go func() {
			for {
				select {
				case <-t.Context().Done():
					return
				case <-time.After(time.Minute):
					_ = talking.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`))
				}
			}
		}()
		if after := <-dropped; after < 60*time.Second || after > 2*time.Minute {
			t.Errorf("a silent client was dropped after %s", after)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		select {
		case err := <-gone:
			t.Errorf("a living client was dropped: %v", err)
		default:
		}
		if g.h.Sockets() != 2 || pings < 20 {
			t.Errorf("%d sockets, %d pings in ten minutes", g.h.Sockets(), pings)
		}
	})
}

// A client that reads nothing is cut off, soon and for good; one that reads slowly is
// told so, and gets the rest with since.
func TestSlowReader(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		g.happenN(1)
		since := g.last().ID
		sub := notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: since}
		_ = g.pipe(t, sub)
		slow := g.pipe(t, sub)
		synctest.Wait()
		for range 12 {
			g.happenN(50)
			synctest.Wait()
		}
		var ids []string
		read := func(c *websocket.Conn) error {
			for {
				_, b, err := c.ReadMessage()
				if err != nil {
					return err
				}
				if s := string(b); strings.Contains(s, `"event"`) {
					ids = append(ids, s[strings.Index(s, "evt_"):strings.Index(s, `","object"`)])
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		err := read(slow)
		if e, ok := err.(*websocket.CloseError); !ok || e.Code != websocket.CloseTryAgainLater { //nolint:errorlint // it is bare
			t.Fatalf("cut off with %v after %d events", err, len(ids))
		}
		if len(ids) >= 600 {
			t.Fatal("nothing was missed")
		}
		if len(ids) > 0 {
			sub.Since = ids[len(ids)-1]
		}
		again := g.pipe(t, sub)
		go func() { _ = read(again) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		for n, e := range g.all()[1:] {
			if n >= len(ids) || ids[n] != e.ID {
				t.Fatalf("event %d of %d is missing or out of place", n, len(ids))
			}
		}
		if len(ids) != 600 {
			t.Errorf("%d events", len(ids))
		}
		if n := g.h.Sockets(); n != 1 {
			t.Errorf("%d sockets: who reads nothing is still there", n)
		}
	})
}

// One that reads just fast enough for each write is cut off as soon as the others.
func TestTricklingReader(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		c := g.pipe(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}})
		synctest.Wait()
		go func() {
			for {
				if _, _, err := c.ReadMessage(); err != nil {
					return
				}
				time.Sleep(9 * time.Second)
			}
		}()
		for range 2 { // the first are being written when the others come
			for range 5 {
				g.happenN(50)
				synctest.Wait()
			}
			time.Sleep(20 * time.Second)
		}
		g.happenN(50)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if n := g.h.Sockets(); n != 0 {
			t.Error("it is still there a quarter of a minute after it was cut off")
		}
	})
}

// A slow replay is waited for, not cut off, and is pinged meanwhile.
func TestSlowReplay(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		g.happenN(1)
		since := g.last().ID
		g.happenN(1500)
		c := g.pipe(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: since})
		n := 0
		for {
			_, b, err := c.ReadMessage()
			if err != nil {
				t.Fatalf("after %d events: %v", n, err)
			}
			if strings.Contains(string(b), "replay_complete") {
				break
			}
			if strings.Contains(string(b), `"event"`) {
				n++
			}
			time.Sleep(100 * time.Millisecond) // two and a half minutes in all
		}
		if n != 1500 {
			t.Errorf("%d events", n)
		}
	})
}

// Joining while the store fails tells the client, and leaves nothing behind.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	g := &stage{t: t, h: &notify.Hub{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
	g.s = brokenStore(t)
	g.h.Store = g.s
	c := testkit.NewSocket(t, g.pipe(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}}))
	if f := c.Next(); f.Object != "ws_error" || f.Code == "" {
		t.Errorf("told %s", f.Raw)
	}
	if code, _ := c.Ended(); code != websocket.CloseInternalServerErr {
		t.Errorf("ended with %d", code)
	}
	testkit.Eventually(t, "it is gone", func() bool { return g.h.Sockets() == 0 })
}
