package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/testkit"
)

// Two nodes on one database and one NATS keep a limit together: what one gave out the
// other counts, and what both gave out before they heard of each other is waited off.
func TestNodesShareLimits(t *testing.T) {
	t.Parallel()
	clock := new(testkit.Clock)
	nats, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(nats.Shutdown)
	if !nats.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	const limit, first = 40, 30
	o := testkit.OptionsAt(testkit.Postgres(t), "")
	o.Now, o.Networks, o.NATS, o.Limits = clock.Now, nil, nats.ClientURL(), app.LimitOptions{Rates: server.Rates{PerKey: limit, PerAddress: limit}}
	o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	nodes := []*app.App{testkit.Run(t, o), testkit.Run(t, o)}
	_, key, _ := testkit.AddMerchant(t, nodes[0])
	// ask returns what is left to a caller, -1 when it was refused.
	ask := func(node int, h testkit.Headers) int {
		a := send(t, http.DefaultClient, nodes[node].URL, "GET /api/v1/events", "", h)
		left, err := strconv.Atoi(a.header.Get("X-RateLimit-Remaining"))
		if err != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a.status == 429 {
			return -1
		}
		return left
	}
	n := 0
	for name, h := range map[string]func() testkit.Headers{
		"key": func() testkit.Headers { // from ever another address
			n++
			return testkit.Headers{"x-api-key", key, "X-Forwarded-For", fmt.Sprintf("192.0.%d.%d", n/250, n%250)}
		},
		"address": func() testkit.Headers { return testkit.Headers{"x-api-key", "", "X-Forwarded-For", "198.51.100.1"} },
	} {
		for range first {
			if ask(0, h()) < 0 {
				t.Fatalf("%s: refused too early", name)
			}
		}
		given, left := first, limit
		testkit.Eventually(t, "the other node hears of it", func() bool {
			if left = ask(1, h()); left >= 0 {
				given++
			}
			return left <= limit-given
		})
		for bound := max(limit, given); left > 0 && given <= bound; left = ask(1, h()) {
			given++ // the one asked for next
			if given > bound {
				t.Errorf("%s: together they gave out more than %d", name, bound)
			}
		}
		if ask(1, h()) >= 0 {
			t.Errorf("%s: the limit has no end", name)
		}
	}
}

// What nodes tell each other, and what only looks like it.
func TestHeard(t *testing.T) {
	t.Parallel()
	clock := new(testkit.Clock)
	l := server.NewLimits(server.Rates{PerKey: 6}, nil)
	for _, b := range []string{"", "x", "[]", `{"key":3}`, `{"key":{"a":-5}}`, `{"key":{"a":"5"}}`, `{"odd":{"a":5}}`, `{"session":{"a":5}}`} {
		l.Heard([]byte(b), clock.Now())
	}
	if left, ok := l.Ask("a", clock.Now()); left != 5 || !ok {
		t.Errorf("%d left", left)
	}
	l.Heard([]byte(`{"key":{"a":4}}`), clock.Now())
	if left, ok := l.Ask("a", clock.Now()); left != 0 || !ok {
		t.Errorf("%d left", left)
	}
	l.Heard([]byte(`{"key":{"a":1000000}}`), clock.Now()) // a debt of one whole limit at most
	clock.Add(60 * time.Second)
	if _, ok := l.Ask("a", clock.Now()); ok {
		t.Error("the debt was forgiven")
	}
	clock.Add(10 * time.Second)
	if _, ok := l.Ask("a", clock.Now()); !ok {
		t.Error("the debt is for ever")
	}
}

// Names that somebody invents do not take all memory.
func TestBucketsHaveABound(t *testing.T) {
	t.Parallel()
	clock := new(testkit.Clock)
	l := server.NewLimits(server.Rates{PerKey: 6}, nil)
	for n := range 500_000 {
		l.Ask(strconv.Itoa(n), clock.Now())
	}
	if n := l.Buckets(); n > 200_000 {
		t.Errorf("%d buckets", n)
	}
	clock.Add(time.Minute)
	for n := range 200_000 {
		l.Ask("b"+strconv.Itoa(n%10), clock.Now())
	}
	for n := range 200_001 {
		l.Ask("c"+strconv.Itoa(n), clock.Now())
	}
	if n := l.Buckets(); n > 200_001 {
		t.Errorf("%d buckets", n)
	}
}

// BenchmarkLimit is what a limit costs a request: alone, and among nodes that share.
func BenchmarkLimit(b *testing.B) {
	for _, shared := range []bool{false, true} {
		b.Run(fmt.Sprintf("shared=%v", shared), func(b *testing.B) {
			l, clock := server.NewLimits(server.Rates{PerKey: 1e9}, nil), new(testkit.Clock)
			if shared {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				go l.Share(ctx, func([]byte) {})
				time.Sleep(time.Millisecond)
			}
			names := make([]string, 100)
			for n := range names {
				names[n] = testkit.UUID()
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				l.Ask(names[n%len(names)], clock.Now())
			}
		})
	}
}
