package notify_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// A crowd is thousands of real sockets of many merchants and payors, that come from
// random places in their streams while events happen all the time. Each comes again
// with since when it is cut off, as clients do.
const (
	crowdMerchants = 25
	crowdHistory   = 100 // events of each merchant before anybody comes
	crowdRate      = 200 // events a second, of all together
	crowdTime      = 5 * time.Second
)

// TestCrowd: every client gets every event that it asked for, once, in order. It is
// not parallel: it needs the machine, and the descriptors, for itself.
func TestCrowd(t *testing.T) {
	n := 5000
	if raceEnabled {
		n = 1000
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur = limit.Max; syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur < uint64(2*n+500) { // both ends are here
		n = int(limit.Cur-500) / 2
		t.Logf("the limit of open files allows %d sockets", n)
	}
	t.Run("sqlite", func(t *testing.T) { crowd(t, filepath.Join(t.TempDir(), "test.db"), n) })
	t.Run("postgres", func(t *testing.T) { crowd(t, testkit.Postgres(t), n) })
}

func crowd(t *testing.T, db string, n int) {
	g := newStage(t, db)
	s := httptest.NewServer(http.HandlerFunc(g.upgrade))
	t.Cleanup(s.Close)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); g.h.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ran })
	start := time.Now()
	streams := make([][]pay.Event, crowdMerchants)
	for m := range streams {
		for from := 0; from < crowdHistory; from += 50 {
			var es []pay.Event
			for i := from; i < from+50; i++ {
				es = append(es, event(int64(m), i))
			}
			g.happen(es...)
		}
		streams[m] = testkit.Events(t, g.s, int64(m))
	}
	var writing, reading sync.WaitGroup
	writing.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range int(crowdTime/time.Second) * crowdRate {
			if i%(crowdRate/10) == 0 {
				<-tick.C
			}
			g.happen(event(int64(i%crowdMerchants), i/crowdMerchants))
		}
	})
	clients, dialing, again := make([]*client, n), make(chan struct{}, 64), new(atomic.Int64)
	for i := range clients {
		m := i % crowdMerchants
		c := &client{stage: g, addr: s.Listener.Addr().String(), dialing: dialing, again: again}
		c.sub.MerchantID = int64(m)
		c.since = streams[m][rand.IntN(crowdHistory)]
		if i/crowdMerchants%4 == 3 {
			c.sub.Payor, c.sub.InvoiceID = true, "inv_"+strconv.Itoa(i%3)
		}
		clients[i] = c
		reading.Go(c.follow)
	}
	writing.Wait()
	for m := range crowdMerchants { // the last that each client waits for
		for i := range 3 {
			e := event(int64(m), i)
			e.Object = []byte(`{"last":true}`)
			g.happen(e)
		}
		streams[m] = testkit.Events(t, g.s, int64(m))
	}
	reading.Wait()
	frames := 0
	for i, c := range clients {
		var want []int64
		for _, e := range streams[i%crowdMerchants][c.since.Seq:] {
			if c.sub.InvoiceID == "" || c.sub.InvoiceID == e.InvoiceID {
				want = append(want, e.Seq)
			}
		}
		if frames += len(c.got); !slices.Equal(c.got, want) || c.err != nil {
			t.Errorf("client %d, since %s: %d events, want %d; %v", i, c.since.ID, len(c.got), len(want), c.err)
		}
	}
	t.Logf("%d sockets, %d events, %d frames, %d reconnects in %s", n, crowdMerchants*(crowdHistory+3)+int(crowdTime/time.Second)*crowdRate, frames, again.Load(), time.Since(start).Truncate(time.Millisecond))
}

// client is one of the crowd. It reads frames by hand: thousands of them share the
// machine with what they test.
type client struct {
	*stage
	addr    string
	dialing chan struct{}
	again   *atomic.Int64
	sub     notify.Subscription
	since   pay.Event
	got     []int64
	lasts   int
	err     error
}

// follow reads until the last event has come.
func (c *client) follow() {
	last := c.since.ID
	for try := 0; try < 50; try++ {
		if try > 0 {
			c.again.Add(1)
		}
		sub := c.sub
		sub.Since = last
		conn, err := c.connect(c.path(sub))
		if err != nil {
			c.err = err
			continue
		}
		done := c.read(bufio.NewReaderSize(conn, 1024), &last)
		if _ = conn.Close(); done {
			c.err = nil
			return
		}
	}
	c.err = fmt.Errorf("gave up: %w", c.err)
}

func (c *client) connect(path string) (net.Conn, error) {
	c.dialing <- struct{}{}
	defer func() { <-c.dialing }()
	conn, err := net.DialTimeout("tcp", c.addr, 30*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(50 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path); err != nil {
		return nil, err
	}
	for b, end := make([]byte, 1), ""; !strings.HasSuffix(end, "\r\n\r\n"); end += string(b) { // and not a byte of the frames
		if _, err := conn.Read(b); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// read takes events until the last one, true, or the end of the connection.
func (c *client) read(r *bufio.Reader, last *string) bool {
	for {
		var head [2]byte
		if _, c.err = io.ReadFull(r, head[:]); c.err != nil {
			return false
		}
		size := int(head[1] & 127)
		if size == 126 {
			var long [2]byte
			if _, c.err = io.ReadFull(r, long[:]); c.err != nil {
				return false
			}
			size = int(binary.BigEndian.Uint16(long[:]))
		}
		b := make([]byte, size)
		if _, c.err = io.ReadFull(r, b); c.err != nil {
			return false
		}
		if head[0]&15 == 8 {
			c.err = fmt.Errorf("closed: %q", b)
			return false
		}
		id, isEvent := bytes.CutPrefix(b, []byte(`{"id":"`))
		if !isEvent {
			continue
		}
		id = id[:bytes.IndexByte(id, '"')]
		seq, _ := strconv.ParseInt(string(id[bytes.LastIndexByte(id, '-')+1:]), 10, 64)
		*last, c.got = string(id), append(c.got, seq)
		if bytes.Contains(b, []byte(`"last":true`)) {
			if c.lasts++; c.sub.Payor || c.lasts == 3 {
				return true
			}
		}
	}
}
