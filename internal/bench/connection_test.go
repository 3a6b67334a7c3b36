package bench_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// readersEnv, when set, makes the process the readers of many sockets; it is the
// address they connect from, because one address has too few ports.
const readersEnv = "BENCH_SOCKETS_FROM"

const sockets = 10_000

// readSockets connects to each address it reads from stdin, up to an empty line, and
// says so; then, whenever each socket has got a frame, it prints when half of them
// and when 99 % of them had, in nanoseconds since 1970. It ends with its stdin.
func readSockets(local string) {
	in := bufio.NewScanner(os.Stdin)
	d := websocket.Dialer{
		HandshakeTimeout: 30 * time.Second, ReadBufferSize: 512, WriteBufferPool: &sync.Pool{},
		NetDialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}).DialContext,
	}
	var mu sync.Mutex
	var got durations
	conns, g := []*websocket.Conn{}, errgroup.Group{}
	g.SetLimit(64)
	for in.Scan() && in.Text() != "" {
		url := in.Text()
		g.Go(func() error {
			c, _, err := d.Dial(url, nil)
			if err != nil {
				return err
			}
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			for joined := !strings.Contains(url, "since="); !joined; {
				_, m, err := c.ReadMessage()
				if err != nil {
					return err
				}
				joined = strings.Contains(string(m), "replay_complete")
			}
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, c)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("open", len(conns))
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Time{})
		go func() {
			for {
				if _, _, err := c.ReadMessage(); err != nil {
					fmt.Println("failed", err)
					return
				}
				now := time.Duration(time.Now().UnixNano())
				mu.Lock()
				if got = append(got, now); len(got) == len(conns) {
					got.sorted()
					fmt.Println("got", int64(got[len(got)/2]), int64(got[len(got)*99/100]))
					got = got[:0]
				}
				mu.Unlock()
			}
		}()
	}
	in.Scan()
}

// readers are those sockets, in another process.
type readers struct {
	b   *testing.B
	out *bufio.Scanner
}

func startReaders(b *testing.B, local string, url func(i int) string) *readers {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), readersEnv+"="+local), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		testkit.Eventually(b, "the server has closed the sockets too", func() bool { // there are not enough descriptors for twice as many
			open, err := os.ReadDir("/proc/self/fd")
			return err != nil || len(open) < sockets/2
		})
	})
	w := bufio.NewWriter(in)
	for i := range sockets {
		fmt.Fprintln(w, url(i))
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	r := &readers{b, bufio.NewScanner(out)}
	r.expect("open")
	return r
}

// expect reads one line that begins with a word and returns its numbers.
func (r *readers) expect(word string) (n []int64) {
	r.b.Helper()
	if !r.out.Scan() {
		r.b.Fatal("the readers ended")
	}
	fields := strings.Fields(r.out.Text())
	if fields[0] != word {
		r.b.Fatal(r.out.Text())
	}
	for _, f := range fields[1:] {
		i, _ := strconv.ParseInt(f, 10, 64)
		n = append(n, i)
	}
	return n
}

// rounds has every socket sent a frame, again and again, and returns the usual p50
// and p99 in milliseconds after send said it began.
func (r *readers) rounds(send func() time.Time) (p50, p99 float64) {
	r.b.Helper()
	var half, most durations
	for range 15 {
		start := time.Duration(send().UnixNano())
		at := r.expect("got")
		half, most = append(half, time.Duration(at[0])-start), append(most, time.Duration(at[1])-start)
	}
	return half.sorted().ms(50), most.sorted().ms(50)
}

func resident(b *testing.B, pid string) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		b.Skip("resident memory is read from /proc")
	}
	kb, err := strconv.ParseFloat(strings.TrimSuffix(after(string(text), "VmRSS:", ""), " kB"), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb
}

func BenchmarkSockets(b *testing.B) {
	start := make(chan time.Time, 10)
	a := testkit.StartApp(b, filepath.Join(b.TempDir(), "bench.db"), func(o *app.Options) {
		still(o)
		o.Committed = func([]pay.Event) {
			select {
			case start <- time.Now():
			default:
			}
		}
	})
	open(b, a, 1)
	since := latest(b, a)
	by, err := a.Billing.ByKey(b.Context(), a.Key)
	if err != nil {
		b.Fatal(err)
	}
	ticket := func(s auth.Stream, path, invoice string) string {
		t, err := a.Billing.Auth.NewTicket(auth.Ticket{Stream: s, MerchantID: a.Merchant.ID, InvoiceID: invoice, KeyID: by.Key.ID}, time.Now().Add(time.Hour))
		if err != nil {
			b.Fatal(err)
		}
		return "ws" + strings.TrimPrefix(a.URL, "http") + path + "?since=" + since + "&token=" + t
	}
	b.Run("idle", func(b *testing.B) {
		debug.FreeOSMemory()
		before := resident(b, "self")
		startReaders(b, "127.0.0.2", func(int) string { return ticket(auth.StreamPayment, "/ws/payment", testkit.UUID()) })
		debug.FreeOSMemory()
		line{what: "10,000 idle payor sockets, resident memory each", engine: "sqlite", figure: (resident(b, "self") - before) / sockets, unit: "KB", goal: "≤ 10"}.print()
	})
	b.Run("event", func(b *testing.B) {
		var hub, loop [2]float64
		b.Run("hub", func(b *testing.B) {
			r := startReaders(b, "127.0.0.3", func(int) string { return ticket(auth.StreamMerchant, "/ws/merchant/events", "") })
			hub[0], hub[1] = r.rounds(func() time.Time {
				for len(start) > 0 {
					<-start
				}
				open(b, a, 1)
				return <-start
			})
		})
		b.Run("loop", func(b *testing.B) {
			e := testkit.Events(b, a.Store, a.Merchant.ID)[0]
			loop[0], loop[1] = bareLoop(b, e.Object)
		})
		line{what: "an event to 10,000 merchant sockets, p50", engine: "sqlite", figure: hub[0], unit: "ms", versus: "ms in a bare loop of the library", than: loop[0], goal: "≤ 1.2", ofRatio: true}.print()
		line{what: "an event to 10,000 merchant sockets, p99", engine: "sqlite", figure: hub[1], unit: "ms", versus: "ms in a bare loop of the library", than: loop[1], goal: "≤ 1.2", ofRatio: true}.print()
	})
}

// bareLoop writes one prepared message to as many sockets, one after the other.
func bareLoop(b *testing.B, body []byte) (p50, p99 float64) {
	b.Helper()
	var mu sync.Mutex
	var conns []*websocket.Conn
	up := websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Upgrade(w, r, nil); err == nil {
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		}
	}))
	b.Cleanup(s.Close)
	r := startReaders(b, "127.0.0.4", func(int) string { return "ws" + strings.TrimPrefix(s.URL, "http") })
	b.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, append(make([]byte, 0, 2*len(body)), body...))
	if err != nil {
		b.Fatal(err)
	}
	return r.rounds(func() time.Time {
		t := time.Now()
		for _, c := range conns {
			if err := c.WritePreparedMessage(m); err != nil {
				b.Fatal(err)
			}
		}
		return t
	})
}
