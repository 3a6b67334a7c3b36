package sui_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
)

var (
	ourA     = sui.Address{0xaa, 31: 1}
	ourB     = sui.Address{0xbb, 31: 2}
	stranger = sui.Address{0x55, 31: 3}
	merchant = sui.Address{0x66, 31: 4}
)

var tokens = []pay.Token{{Symbol: "SUI", Decimals: 9}, {Symbol: "USDC", Address: devchain.Dollar, Decimals: 6}}

func full(token string) string {
	if token == "" {
		return sui.Native
	}
	return token
}

func address(t testing.TB, s string) sui.Address {
	a, err := sui.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func transfers(t testing.TB, ts []chaintest.Transfer) (out []devchain.Transfer) {
	for i, x := range ts {
		// In turns as coins and without objects: both are seen.
		out = append(out, devchain.Transfer{To: address(t, x.Address), Coin: full(x.Token), Units: uint64(x.Units), Direct: i%2 == 1})
	}
	return out
}

func mine(t testing.TB, c *devchain.Chain, ts ...chaintest.Transfer) {
	for i, x := range transfers(t, ts) {
		if ts[i].Sweep {
			c.Move(x.To, merchant, x.Coin)
		} else {
			c.Pay(x)
		}
	}
	c.Mine()
}

func together(t testing.TB, c *devchain.Chain, ts ...chaintest.Transfer) {
	c.Pay(transfers(t, ts)...)
	c.Mine()
}

func fork(t testing.TB, c *devchain.Chain, depth int, ts ...chaintest.Transfer) {
	if err := c.Fork(depth, transfers(t, ts)...); err != nil {
		t.Fatal(err)
	}
}

// proxy is a node: the network behind HTTP/2, with faults.
type proxy struct {
	url string

	mu     sync.Mutex
	faults faults
	last   http.Header
}

// faults are what is wrong with a node.
type faults struct {
	hang    bool
	body    string // what it answers with, whatever it is asked
	huge    bool
	html    bool
	status  string // of gRPC
	lag     uint64
	newest  bool            // it answers with the newest checkpoint, whichever it is asked for
	edit    map[string]edit // by method
	trusted bool            // one node alone is believed this: nothing on chain commits to it
}

// edit changes an answer.
type edit func([]byte) []byte

func newProxy(t testing.TB, c *devchain.Chain) *proxy {
	p := new(proxy)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(c, w, r) }))
	server.Config.Protocols = c.Server().Protocols
	server.Start()
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *proxy) set(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// header returns a header of the newest request.
func (p *proxy) header(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Get(name)
}

func (p *proxy) serve(c *devchain.Chain, w http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, sui.Prefix)
	p.mu.Lock()
	f := p.faults
	p.last = r.Header.Clone()
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/grpc")
	switch {
	case f.hang:
		<-r.Context().Done()
		return
	case f.html:
		http.Error(w, "<html>", http.StatusBadGateway)
		return
	case f.huge:
		chunk := bytes.Repeat([]byte("aaaaaaaa"), 1<<16)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case f.status != "":
		w.Header().Set("Grpc-Status", f.status)
		w.Header().Set("Grpc-Message", "no%20such%luck")
		return
	case f.body != "":
		_, _ = w.Write([]byte(f.body))
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		return
	}
	if f.lag > 0 && method == sui.GetCheckpoint {
		body := message(r)
		m, _ := sui.ParseMessage(body)
		top := c.Height() - f.lag
		if m.Has(1) && m.Uint(1) > top {
			w.Header().Set("Grpc-Status", strconv.Itoa(sui.CodeNotFound))
			return
		}
		if !m.Has(1) {
			body = sui.Fields(body).Uint(1, top)
		}
		r.Body = io.NopCloser(bytes.NewReader(sui.Frame(body)))
	}
	if f.newest && method == sui.GetCheckpoint {
		body := rewrite(message(r), func(b []byte) []byte { return b }, 3)
		if m, _ := sui.ParseMessage(body); m.Has(1) {
			body = sui.Fields(body).Uint(1, c.Height())
		}
		r.Body = io.NopCloser(bytes.NewReader(sui.Frame(body)))
	}
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	out := rec.Body.Bytes()
	if change := f.edit[method]; change != nil && len(out) > 5 {
		out = sui.Frame(change(out[5:]))
	}
	_, _ = w.Write(out)
	maps.Copy(w.Header(), rec.Header())
}

// message returns the message of a request.
func message(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body)
	m, _ := sui.Unframe(body)
	return m
}

// rewrite changes the values of a field, however deep; nil leaves a value out.
func rewrite(raw []byte, change func([]byte) []byte, path ...protowire.Number) (out []byte) {
	for len(raw) > 0 {
		num, kind, n := protowire.ConsumeTag(raw)
		size := protowire.ConsumeFieldValue(num, kind, raw[n:])
		if n < 0 || size < 0 {
			panic("not a message")
		}
		field := raw[:n+size]
		if raw = raw[n+size:]; num != path[0] || kind != protowire.BytesType {
			out = append(out, field...)
			continue
		}
		v, _ := protowire.ConsumeBytes(field[n:])
		if v = bytes.Clone(v); len(path) > 1 {
			v = rewrite(v, change, path[1:]...)
		} else {
			v = change(v)
		}
		if v != nil || len(path) > 1 {
			out = sui.Fields(out).Bytes(num, v)
		}
	}
	return out
}

// clock is moved by hand. It starts well after the checkpoints.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newDriver(k *clock, c *devchain.Chain, nodes ...*proxy) *sui.Driver {
	d := &sui.Driver{
		Network: "sui", Chain: c.ID(), Tokens: tokens, Log: slog.New(slog.DiscardHandler), Now: k.Now, Timeout: 10 * time.Second,
	}
	for _, n := range nodes {
		d.Nodes = append(d.Nodes, n.url)
	}
	return d
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel()
			chaintest.Run(t, func(t testing.TB) chaintest.Harness {
				c := devchain.New(devchain.Options{})
				var ps []*proxy
				for range nodes {
					ps = append(ps, newProxy(t, c))
				}
				return chaintest.Harness{
					Driver: newDriver(newClock(), c, ps...), Addresses: []string{ourA.String(), ourB.String()}, Stranger: stranger.String(),
					Token: devchain.Dollar, Fake: devchain.FakeDollar,
					Mine:     func(t testing.TB, ts ...chaintest.Transfer) { mine(t, c, ts...) },
					Together: func(t testing.TB, ts ...chaintest.Transfer) { together(t, c, ts...) },
					Fork:     func(t testing.TB, depth int, ts ...chaintest.Transfer) { fork(t, c, depth, ts...) },
				}
			})
		})
	}
}
