package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A webhook of the whole program: its headers, its signature, and the bytes that the
// API gives for the same event.
func TestWebhook(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		a := testkit.StartApp(t, db, nil)
		sink := testkit.NewSink(t, nil)
		key := testkit.Headers{"x-api-key", a.Key}
		e := testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`/hook"}`, key)
		v, _ := a.Open(`{"amount_usd":12.5,"description":"<b>&\u2028\u00fc"}`)
		testkit.Eventually(t, "the webhook arrives", func() bool { return len(sink.Got()) > 0 })
		w := sink.Got()[0]
		genuine(t, e.Secret, w, time.Now())
		id := w.Header.Get("X-Pepay-Event-ID")
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Pepay-Event": "invoice.created", "X-Pepay-Network-Environment": "devnet",
		} {
			if got := w.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		status, body := testkit.Do(t, "GET", a.URL+"/api/v1/events/"+id, "", key)
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(body, &envelope); err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
		if !bytes.Equal(envelope.Data, w.Body) {
			t.Errorf("the webhook and the API differ\n%s\n%s", w.Body, envelope.Data)
		}
		var ev api.Event
		if err := json.Unmarshal(w.Body, &ev); err != nil || ev.ID != id || !bytes.Contains(ev.Data.Object, []byte(v.InvoiceID)) {
			t.Errorf("%v: %s", err, w.Body)
		}
	})
}

// A receiver that always fails is asked over three days and more, and then no more.
// Each attempt is signed anew.
func TestSchedule(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		sink := testkit.NewSink(t, func(int, *http.Request) int { return http.StatusInternalServerError })
		r.endpoint("we_1", sink.URL)
		r.happen(1)
		begin, n := r.c.Now(), 0
		for {
			again := r.deliver("we_1")
			n++
			got := sink.Got()
			if len(got) != n {
				t.Fatalf("%d requests after %d runs", len(got), n)
			}
			genuine(t, secret, got[n-1], r.c.Now())
			if again.IsZero() {
				break
			}
			if early := r.deliver("we_1"); !early.Equal(again) || len(sink.Got()) != n {
				t.Fatal("asked again before its time")
			}
			if !again.After(r.c.Now()) {
				t.Fatalf("again at %s, now %s", again, r.c.Now())
			}
			r.c.Add(again.Sub(r.c.Now()))
		}
		if took := r.c.Now().Sub(begin); took < 75*time.Hour || took > 100*time.Hour {
			t.Errorf("given up after %s", took)
		}
		if len(ids(sink.Got())) != 1 || n < 10 {
			t.Errorf("%d attempts for ids %v", n, ids(sink.Got()))
		}
		r.c.Add(1000 * time.Hour)
		if again := r.deliver("we_1"); !again.IsZero() || len(sink.Got()) != n || !r.settled("we_1") {
			t.Error("a dead delivery lives")
		}
	})
}

func TestFailThenTake(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		sink := testkit.NewSink(t, func(n int, _ *http.Request) int {
			if n <= 3 {
				return []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusNotFound}[n-1]
			}
			return http.StatusNoContent
		})
		r.endpoint("we_1", sink.URL)
		r.happen(1)
		for range 3 {
			again := r.deliver("we_1")
			if again.IsZero() {
				t.Fatal("given up")
			}
			r.c.Add(again.Sub(r.c.Now()))
		}
		if again := r.deliver("we_1"); !again.IsZero() {
			t.Error("asked again after it was taken")
		}
		got := sink.Got()
		if len(got) != 4 || len(ids(got)) != 1 || !bytes.Equal(got[0].Body, got[3].Body) {
			t.Errorf("received %v", ids(got))
		}
	})
}

// What receivers do, and whether the event counts as taken.
func TestReceivers(t *testing.T) {
	t.Parallel()
	elsewhere := testkit.NewSink(t, nil)
	drip := func(w http.ResponseWriter, release <-chan struct{}) {
		for {
			select {
			case <-release:
				return
			case <-time.After(10 * time.Millisecond):
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	refused := testkit.NewSink(t, nil)
	for name, c := range map[string]struct {
		handle func(w http.ResponseWriter, r *http.Request, release <-chan struct{})
		taken  bool
	}{
		"204": {func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) { w.WriteHeader(http.StatusNoContent) }, true},
		"redirect": {func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
			http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
		}, false},
		"hangs": {func(_ http.ResponseWriter, _ *http.Request, release <-chan struct{}) { <-release }, false},
		"resets": {func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}, false},
		"garbage": {func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n\r\n"))
				_ = c.Close()
			}
		}, false},
		"huge header": {func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, false},
		"header drips": {func(w http.ResponseWriter, _ *http.Request, release <-chan struct{}) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer c.Close() //nolint:errcheck // it is over
			for _, b := range []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4000)) {
				select {
				case <-release:
					return
				case <-time.After(10 * time.Millisecond):
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
				}
			}
		}, false},
		"huge body": {func(w http.ResponseWriter, _ *http.Request, release <-chan struct{}) {
			b := make([]byte, 1<<20)
			for {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}, true},
		"body drips": {func(w http.ResponseWriter, _ *http.Request, release <-chan struct{}) {
			w.WriteHeader(http.StatusOK)
			drip(w, release)
		}, true},
		"failing body drips": {func(w http.ResponseWriter, _ *http.Request, release <-chan struct{}) {
			w.WriteHeader(http.StatusBadGateway)
			drip(w, release)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
				r.endpoint("we_1", receiver(t, c.handle))
				r.happen(1)
				begin := time.Now()
				again := r.deliver("we_1")
				if took := time.Since(begin); took > 20*time.Second || c.taken && took > 4*time.Second {
					t.Errorf("took %s", took) // what follows the status is not waited for long
				}
				if r.settled("we_1") != c.taken || again.IsZero() != c.taken {
					t.Errorf("taken %t, again %s", r.settled("we_1"), again)
				}
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
			r.endpoint("we_1", strings.Replace(refused.URL, "127.0.0.1", "127.0.0.2", 1))
			r.happen(3)
			if again := r.deliver("we_1"); again.IsZero() || r.settled("we_1") {
				t.Error("taken by nobody")
			}
		})
	})
	t.Cleanup(func() {
		if len(elsewhere.Got()) > 0 {
			t.Error("a redirect was followed")
		}
	})
}

// The URL, which may hold the receiver's own secret, is in no error that is kept.
func TestErrorsHideURL(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	eachSQLite(t, func(t *testing.T, r *rig) {
		r.d.Log = textLog(&log)
		r.endpoint("we_1", "http://127.0.0.2:9/token-of-theirs")
		r.happen(1)
		r.deliver("we_1")
		if !strings.Contains(log.String(), "refused") || strings.Contains(log.String(), "token-of-theirs") {
			t.Errorf("logged %s", &log)
		}
	})
}

func TestDeletedWhileDue(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		var deleted atomic.Bool
		sink := testkit.NewSink(t, func(int, *http.Request) int {
			if !deleted.Swap(true) {
				r.write(func(tx *store.Tx) error {
					ok, err := tx.DeleteEndpoint(merchant, "we_1")
					if !ok {
						err = errors.Join(err, errors.New("nothing to delete"))
					}
					return err
				})
			}
			return http.StatusInternalServerError
		})
		r.endpoint("we_1", sink.URL)
		r.happen(100)
		if again := r.deliver("we_1"); !again.IsZero() {
			t.Error("more is to come")
		}
		n := len(sink.Got())
		r.c.Add(time.Hour)
		if again := r.deliver("we_1"); !again.IsZero() || len(sink.Got()) != n || n > 64 {
			t.Errorf("%d, then %d requests", n, len(sink.Got()))
		}
		r.happen(1)
		r.write(func(tx *store.Tx) error {
			if _, promised, err := tx.Delivery("we_1", 101); promised || err != nil {
				t.Errorf("a deleted endpoint is promised an event: %v", err)
			}
			return nil
		})
	})
}

// A process that dies before it sends, or after it sent and before it wrote that
// down, loses nothing: the next one sends, at worst a second time.
func TestCrash(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		c := new(testkit.Clock)
		s := testkit.OpenStore(t, store.Options{URL: db, Now: c.Now})
		r := newRig(t, s, c, 5*time.Second)
		ctx, die := context.WithCancel(t.Context())
		url := make(chan struct{})
		var n atomic.Int32
		sink := testkit.NewSink(t, func(_ int, q *http.Request) int {
			if n.Add(1) == 15 {
				die()
				<-q.Context().Done() // the connection goes with the process
				close(url)
			}
			return http.StatusOK
		})
		r.endpoint("we_1", sink.URL)
		r.happen(60)
		if _, err := r.d.Deliver(ctx, "we_1"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		<-url
		before := len(sink.Got())
		next := newRig(t, testkit.OpenStore(t, store.Options{URL: db, Now: c.Now}), c, 5*time.Second)
		if again := next.deliver("we_1"); !again.IsZero() || !next.settled("we_1") {
			t.Error("more is to come")
		}
		got := ids(sink.Got())
		twice := 0
		for _, k := range got {
			twice += k - 1
		}
		if len(got) != 60 || twice > 8 || before == 60 {
			t.Errorf("%d of 60 events arrived, %d a second time; %d before the crash", len(got), twice, before)
		}
	})
}

// Two nodes that run the same jobs deliver everything, and as a rule once.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		c := new(testkit.Clock)
		sink := testkit.NewSink(t, nil)
		var first *rig
		for range 2 {
			r := newRig(t, testkit.OpenStore(t, store.Options{URL: db, Now: c.Now}), c, 5*time.Second)
			if first == nil {
				first = r
				r.endpoint("we_1", sink.URL)
			}
			stop := r.work()
			t.Cleanup(stop)
		}
		for range 20 {
			first.happen(25)
			c.Add(time.Millisecond)
		}
		testkit.Eventually(t, "500 events arrive", func() bool { return len(ids(sink.Got())) == 500 })
		testkit.Eventually(t, "all is recorded", func() bool { return first.settled("we_1") })
		if got := sink.Got(); len(got) != 500 {
			t.Errorf("%d requests for 500 events", len(got))
		}
	})
}
