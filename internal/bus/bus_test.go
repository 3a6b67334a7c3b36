package bus_test

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/pepay/pepay/internal/bus"
	"github.com/pepay/pepay/internal/testkit"
)

func open(t *testing.T, url string) *bus.Bus {
	t.Helper()
	b, err := bus.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// heard counts the hints of new events by merchant.
type heard struct {
	mu sync.Mutex
	n  map[int64]int
}

func listen(t *testing.T, b *bus.Bus) *heard {
	t.Helper()
	h := &heard{n: map[int64]int{}}
	if err := b.OnEvents(func(m int64) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.n[m]++
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *heard) of(m int64) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n[m]
}

// nats starts a server of the deployment's own on loopback.
func nats(t *testing.T, port int) *server.Server { return guarded(t, port, "") }

// guarded starts one that wants a password, unless that is empty.
func guarded(t *testing.T, port int, password string) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true}
	if password != "" {
		o.Username, o.Password = "pepay", password
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	for range 3 { // stopping leaves nothing behind that would keep the next from starting
		b, err := bus.Open("")
		if err != nil {
			t.Fatal(err)
		}
		h := listen(t, b)
		wake, err := b.OnJobs()
		if err != nil {
			t.Fatal(err)
		}
		if !b.Up() {
			t.Error("not up after it was opened")
		}
		b.Events(7)
		b.Events(-3)
		b.Jobs()
		select {
		case <-wake:
		case <-time.After(30 * time.Second):
			t.Fatal("no hint of a job")
		}
		testkit.Eventually(t, "hints of merchants 7 and -3", func() bool { return h.of(7) == 1 && h.of(-3) == 1 })
		b.Close()
		if b.Up() {
			t.Error("up after it was closed")
		}
		b.Events(7) // too late, and no harm
	}
}

// Hints that nobody could take yet are one hint, and the last is never lost.
func TestHintsMerge(t *testing.T) {
	t.Parallel()
	b := open(t, "")
	h := listen(t, b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for m := range int64(1000) {
				b.Events(m % 10)
				b.Jobs()
			}
		})
	}
	wg.Wait()
	before := h.of(3)
	b.Events(3)
	testkit.Eventually(t, "the last hint", func() bool { return h.of(3) > before })
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	s := nats(t, -1)
	one, two := open(t, s.ClientURL()), open(t, s.ClientURL())
	heardOne, heardTwo := listen(t, one), listen(t, two)
	jobs, err := two.OnJobs()
	if err != nil {
		t.Fatal(err)
	}
	arrive := func() {
		t.Helper()
		testkit.Eventually(t, "both nodes hear of merchant 5", func() bool {
			one.Events(5)
			return heardOne.of(5) > 0 && heardTwo.of(5) > 0
		})
		testkit.Eventually(t, "the other node hears of a job", func() bool {
			one.Jobs()
			select {
			case <-jobs:
				return true
			default:
				return false
			}
		})
	}
	arrive()

	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	testkit.Eventually(t, "both notice", func() bool { return !one.Up() && !two.Up() })
	for range 1000 {
		one.Events(6) // into the void
	}
	heardOne.mu.Lock()
	clear(heardOne.n)
	heardOne.mu.Unlock()
	heardTwo.mu.Lock()
	clear(heardTwo.n)
	heardTwo.mu.Unlock()
	nats(t, port)
	testkit.Eventually(t, "both are back", func() bool { return one.Up() && two.Up() })
	arrive()
}

// A deployment starts before its NATS does.
func TestServerComesLater(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b := open(t, fmt.Sprintf("nats://127.0.0.1:%d", port))
	h := listen(t, b)
	if b.Up() {
		t.Error("up without a server")
	}
	b.Events(1)
	nats(t, port)
	testkit.Eventually(t, "up", b.Up)
	testkit.Eventually(t, "a hint", func() bool { b.Events(2); return h.of(2) > 0 })
}

// A server that refuses our credentials for a while, as one that is being set up anew does,
// is tried until it takes them.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	s := guarded(t, -1, "right")
	port := s.Addr().(*net.TCPAddr).Port
	b := open(t, fmt.Sprintf("nats://pepay:right@127.0.0.1:%d", port))
	h := listen(t, b)
	testkit.Eventually(t, "up", b.Up)
	s.Shutdown()
	s.WaitForShutdown()
	s = guarded(t, port, "wrong")
	testkit.Eventually(t, "refused again and again", func() bool { return tries(t, s) > 3 })
	s.Shutdown()
	s.WaitForShutdown()
	guarded(t, port, "right")
	testkit.Eventually(t, "up again", b.Up)
	testkit.Eventually(t, "a hint", func() bool { b.Events(2); return h.of(2) > 0 })
}

// tries is how often somebody has connected to a server.
func tries(t *testing.T, s *server.Server) uint64 {
	t.Helper()
	v, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.TotalConnections
}

// A server that accepts and then reads nothing must not hold up a commit.
func TestStalledServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, _ = fmt.Fprint(c, `INFO {"server_id":"x","version":"2.11.0","proto":1,"max_payload":1048576}`+"\r\n")
			r := bufio.NewReader(c)
			for line := ""; line != "PING\r\n"; {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
			}
			_, _ = fmt.Fprint(c, "PONG\r\n")
		}
	}()
	b := open(t, "nats://"+l.Addr().String())
	testkit.Eventually(t, "up", b.Up)
	longest := time.Duration(0)
	for m := range int64(300_000) { // far more bytes than the kernel keeps for us
		begin := time.Now()
		b.Events(m)
		longest = max(longest, time.Since(begin))
	}
	if longest > time.Second {
		t.Errorf("a hint to a stalled server took %s", longest)
	}
}
