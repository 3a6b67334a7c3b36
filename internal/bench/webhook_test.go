package bench_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

const living = 19 // endpoints, and one that accepts and never answers

func BenchmarkWebhooks(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		var committed sync.Map // event id → when
		a := testkit.StartApp(b, url, func(o *app.Options) {
			still(o)
			o.Committed = func(es []pay.Event) {
				for _, e := range es {
					committed.Store(e.ID, time.Now())
				}
			}
		})
		var mu sync.Mutex
		var each durations
		var received atomic.Int64
		answer := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			now := time.Now()
			_, _ = io.Copy(io.Discard, r.Body)
			if t, ok := committed.Load(r.Header.Get(api.HeaderEventID)); ok {
				mu.Lock()
				each = append(each, now.Sub(t.(time.Time)))
				mu.Unlock()
			}
			received.Add(1)
		})
		register := func(url string) {
			testkit.Do(b, "POST", a.URL+"/api/v1/webhooks", fmt.Sprintf(`{"url":%q,"enabled_events":["invoice.created"]}`, url), testkit.Headers{"x-api-key", a.Key})
		}
		register(deaf(b))
		for range living {
			s := httptest.NewServer(answer)
			b.Cleanup(s.Close)
			register(s.URL)
		}
		cs := dial(b, a.URL)
		wait := func(events int) {
			testkit.Eventually(b, fmt.Sprintf("%d events reach %d endpoints", events, living), func() bool { return received.Load() >= int64(events*living) })
		}
		at(b, clients, 20, func(worker, _ int) error { return cs[worker].invoice(a) })
		wait(20)
		const burst, quiet = 600, 150
		received.Store(0)
		start := time.Now()
		at(b, clients, burst, func(worker, _ int) error { return cs[worker].invoice(a) })
		wait(burst)
		rate := perSecond(burst*living, time.Since(start))
		mu.Lock()
		each = nil
		mu.Unlock()
		for range quiet {
			received.Store(0)
			at(b, 1, 1, func(worker, _ int) error { return cs[worker].invoice(a) })
			wait(1)
		}
		line{what: "webhooks, 600 events to 19 endpoints and a dead one", engine: engine, figure: rate, unit: "/s", goal: "≥ 1000"}.print()
		mu.Lock()
		defer mu.Unlock()
		each.sorted()
		line{what: "  commit → received, one event at a time, p50", engine: engine, figure: each.ms(50), unit: "ms", goal: "< 30"}.print()
		line{what: "  commit → received, one event at a time, p99", engine: engine, figure: each.ms(99), unit: "ms"}.print()
	})
}

// deaf starts a server that accepts connections and never answers.
func deaf(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
		}
	}()
	return "http://" + l.Addr().String()
}
