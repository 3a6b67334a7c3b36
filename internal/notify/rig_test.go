package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/jobs"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	merchant = 7
	secret   = "whsec_0123456789abcdef"
)

// rig is a deliverer on a store of its own.
type rig struct {
	t *testing.T
	s *store.Store
	c *testkit.Clock
	d *notify.Deliverer
}

func newRig(t *testing.T, s *store.Store, c *testkit.Clock, timeout time.Duration) *rig {
	t.Helper()
	keys, err := auth.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	client := notify.NewGuard(true).Client(timeout)
	t.Cleanup(client.CloseIdleConnections)
	return &rig{t, s, c, &notify.Deliverer{Store: s, Auth: keys, Client: client, Now: c.Now, Log: slog.New(slog.DiscardHandler)}}
}

func eachRig(t *testing.T, timeout time.Duration, f func(t *testing.T, r *rig)) {
	t.Helper()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) { f(t, newRig(t, s, c, timeout)) })
}

func (r *rig) write(f func(tx *store.Tx) error) {
	r.t.Helper()
	if err := r.s.Write(context.Background(), f); err != nil {
		r.t.Fatal(err)
	}
}

// endpoint adds an endpoint of the merchant.
func (r *rig) endpoint(id, url string, types ...string) pay.Endpoint {
	r.t.Helper()
	return r.add(pay.Endpoint{ID: id, URL: url, Types: types})
}

func (r *rig) add(e pay.Endpoint) pay.Endpoint {
	r.t.Helper()
	e.MerchantID, e.Secret, e.CreatedAt = merchant, r.d.Auth.Seal([]byte(secret), "webhook "+e.ID), r.c.Now()
	r.write(func(tx *store.Tx) error { return tx.AddEndpoint(e) })
	return e
}

func event(merchant int64, n int) pay.Event {
	return pay.Event{
		MerchantID: merchant, Type: pay.InvoiceUpdated, Environment: pay.Devnet, InvoiceID: "inv_" + strconv.Itoa(n%3), CustomerID: "cus_" + strconv.Itoa(n%2),
		Object: fmt.Appendf(nil, `{"object":"invoice","n":%d}`, n), Previous: []byte(`{}`),
	}
}

// happen appends n events, many to a commit.
func (r *rig) happen(n int) {
	r.t.Helper()
	for from := 0; from < n; from += 50 {
		r.write(func(tx *store.Tx) error {
			for i := from; i < min(from+50, n); i++ {
				tx.AppendEvent(event(merchant, i))
			}
			return nil
		})
	}
}

// deliver runs the job of an endpoint once.
func (r *rig) deliver(endpoint string) (again time.Time) {
	r.t.Helper()
	again, err := r.d.Deliver(r.t.Context(), endpoint)
	if err != nil {
		r.t.Fatal(err)
	}
	return again
}

// settled reports whether nothing of an endpoint is yet to succeed or die.
func (r *rig) settled(endpoint string) bool {
	r.t.Helper()
	var more bool
	if err := r.s.Read(context.Background(), func(tx *store.Tx) (err error) {
		_, more, err = tx.NextDelivery(endpoint)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return !more
}

// work runs jobs as the program does, until stop is called.
func (r *rig) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	runner := &jobs.Runner{
		Store: r.s, Handlers: map[string]jobs.Handler{store.JobDeliver: r.d.Deliver}, Lease: 40 * time.Second,
		Parallel: 128, Poll: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx, nil) }()
	return func() { cancel(); <-done }
}

// receiver starts a server of webhooks whose handlers are released when the test ends.
func receiver(t *testing.T, h func(w http.ResponseWriter, r *http.Request, release <-chan struct{})) string {
	t.Helper()
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r, release) }))
	t.Cleanup(func() { close(release); s.CloseClientConnections(); s.Close() })
	return s.URL
}

// deaf returns the address of a receiver that accepts and never answers.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

// genuine checks a webhook as a merchant would, by contract 6.2 alone.
func genuine(t *testing.T, secret string, w testkit.Received, sent time.Time) {
	t.Helper()
	stamp := w.Header.Get("X-Pepay-Timestamp")
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(stamp + "."))
	m.Write(w.Body)
	if got := w.Header.Get("X-Pepay-Signature"); got != hex.EncodeToString(m.Sum(nil)) {
		t.Errorf("signature %q does not verify", got)
	}
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if d := time.UnixMilli(ms).Sub(sent).Abs(); err != nil || d > 5*time.Minute {
		t.Errorf("timestamp %q is %s from when it was sent", stamp, d)
	}
}

// ids is how often each event was received.
func ids(got []testkit.Received) map[string]int {
	n := map[string]int{}
	for _, w := range got {
		n[w.Header.Get("X-Pepay-Event-ID")]++
	}
	return n
}

// prodClient is the client of a deployment that is no development.
func prodClient(t *testing.T) *http.Client {
	t.Helper()
	c := notify.NewGuard(false).Client(5 * time.Second)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func eachSQLite(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	c := new(testkit.Clock)
	f(t, newRig(t, testkit.OpenStore(t, store.Options{URL: t.TempDir() + "/test.db", Now: c.Now}), c, 5*time.Second))
}

func textLog(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// brokenStore returns a store that answers nothing any more.
func brokenStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: t.TempDir() + "/test.db", Now: new(testkit.Clock).Now, Rand: rand.Reader})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
