package notify_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// An idle socket costs one goroutine and less than 10 KB, what the kernel keeps for it
// not counted. This test is alone while it measures.
func TestIdleSocketIsLight(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's memory is not ours")
	}
	const n, most = 2000, 10 << 10
	g := newStage(t, t.TempDir()+"/test.db")
	s := httptest.NewServer(http.HandlerFunc(g.upgrade))
	t.Cleanup(s.Close)
	weigh := func() (bytes, goroutines int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc + m.StackInuse), runtime.NumGoroutine()
	}
	clients := make([]net.Conn, 0, n) // bare connections: what weighs is the server's end
	connect := func(merchant int64, payor bool) {
		t.Helper()
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
		t.Cleanup(func() { _ = c.Close() })
		p := g.path(notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant, InvoiceID: fmt.Sprintf("inv_%d", len(clients))}, Payor: payor})
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "HTTP/1.1 101 Switching Protocols\r\n" {
			t.Fatal(line, err)
		}
	}
	connect(1, false) // and whatever the first costs
	bytes, goroutines := weigh()
	for range n {
		connect(int64(len(clients)%20), len(clients)%2 == 0)
	}
	testkit.Eventually(t, "all are in", func() bool { _, now := weigh(); return g.h.Sockets() == n+1 && now <= goroutines+n+25 })
	nowBytes, now := weigh()
	each := (nowBytes - bytes) / n
	t.Logf("%d bytes and %.2f goroutines for an idle socket", each, float64(now-goroutines)/n)
	if each > most {
		t.Errorf("more than %d bytes", most)
	}
	runtime.KeepAlive(clients)
}
