package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/testkit"
)

// One endpoint of twenty accepts and never answers. The others get everything while
// it still keeps us waiting for its first answer.
func TestDeadAmongTwenty(t *testing.T) {
	t.Parallel()
	eachRig(t, notify.WebhookTimeout, func(t *testing.T, r *rig) {
		begin := time.Now()
		r.endpoint("we_dead", deaf(t))
		sinks := make([]*testkit.Sink, 19)
		for n := range sinks {
			sinks[n] = testkit.NewSink(t, nil)
			r.endpoint(fmt.Sprintf("we_%d", n), sinks[n].URL)
		}
		defer r.work()()
		for range 5 {
			r.happen(20)
		}
		testkit.Eventually(t, "the nineteen get all hundred", func() bool {
			for _, s := range sinks {
				if len(ids(s.Got())) < 100 {
					return false
				}
			}
			return true
		})
		if took := time.Since(begin); took > notify.WebhookTimeout {
			t.Errorf("it took %s, long enough for the dead one's first answer to be given up", took)
		}
		if r.settled("we_dead") {
			t.Error("the dead endpoint took something")
		}
	})
}

// silent is a receiver that hangs until it is told to answer.
type silent struct {
	url   string
	n     atomic.Int32
	well  atomic.Bool
	mu    sync.Mutex
	taken map[string]int
}

func newSilent(t *testing.T) *silent {
	s := &silent{taken: map[string]int{}}
	s.url = receiver(t, func(_ http.ResponseWriter, r *http.Request, release <-chan struct{}) {
		if s.n.Add(1); s.well.Load() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.taken[r.Header.Get("X-Pepay-Event-ID")]++
			return
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	return s
}

// Thousands of deliveries due to an endpoint that hangs cost one attempt now and
// then, however often its job is promised anew; when it is well again it gets them all.
func TestBacklogOfHangingEndpoint(t *testing.T) {
	t.Parallel()
	eachRig(t, 500*time.Millisecond, func(t *testing.T, r *rig) {
		s := newSilent(t)
		r.endpoint("we_1", s.url)
		const n = 1000
		r.happen(n)
		for run := range 8 {
			before := s.n.Load()
			again := r.deliver("we_1")
			if more := s.n.Load() - before; more < 1 || more > 8 || run > 0 && more > 1 {
				t.Fatalf("run %d made %d attempts", run, more)
			}
			pause := again.Sub(r.c.Now())
			if pause < 5*time.Second || pause > 2*time.Minute {
				t.Fatalf("run %d: asked again after %s", run, pause)
			}
			for range 20 { // new events promise the job anew
				r.deliver("we_1")
			}
			if extra := s.n.Load() - before; extra > 8 || run > 0 && extra > 1 {
				t.Fatalf("run %d made %d attempts with the pause not over", run, extra)
			}
			r.c.Add(pause)
		}
		s.well.Store(true)
		for range 20 { // those attempted in vain have their own time to wait
			again := r.deliver("we_1")
			if again.IsZero() {
				break
			}
			r.c.Add(max(again.Sub(r.c.Now()), 0))
		}
		if len(s.taken) != n || !r.settled("we_1") {
			t.Errorf("%d of %d arrived", len(s.taken), n)
		}
		s.well.Store(false)
		r.happen(1)
		if pause := r.deliver("we_1").Sub(r.c.Now()); pause > 6*time.Second {
			t.Errorf("after it was well the first pause is %s", pause)
		}
	})
}

// A job whose time is short stops in time, and keeps what it achieved.
func TestSlowEndpointProgresses(t *testing.T) {
	t.Parallel()
	eachRig(t, 30*time.Second, func(t *testing.T, r *rig) {
		var n atomic.Int32
		url := receiver(t, func(_ http.ResponseWriter, _ *http.Request, release <-chan struct{}) {
			n.Add(1)
			select {
			case <-release:
			case <-time.After(100 * time.Millisecond):
			}
		})
		r.endpoint("we_1", url)
		r.happen(128)
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		again, err := r.d.Deliver(ctx, "we_1")
		if err != nil || !again.Equal(r.c.Now()) {
			t.Fatalf("again %s, %v", again, err)
		}
		first := n.Load()
		if first == 0 || first >= 128 {
			t.Fatalf("%d attempts in 0.7 s of a receiver that takes 80 a second", first)
		}
		if again := r.deliver("we_1"); !again.IsZero() || n.Load() != 128 {
			t.Errorf("%d requests for 128 events: what was done was done again", n.Load())
		}
	})
}

// An event that its receiver chokes on holds up none of the others for good, and not
// even long.
func TestPoison(t *testing.T) {
	t.Parallel()
	eachRig(t, 500*time.Millisecond, func(t *testing.T, r *rig) {
		var poison atomic.Value
		poison.Store("")
		taken := map[string]bool{}
		var mu sync.Mutex
		url := receiver(t, func(_ http.ResponseWriter, q *http.Request, release <-chan struct{}) {
			id := q.Header.Get("X-Pepay-Event-ID")
			if poison.CompareAndSwap("", id); poison.Load() == id {
				select {
				case <-release:
				case <-q.Context().Done():
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			taken[id] = true
		})
		r.endpoint("we_1", url)
		r.happen(1)
		begin := r.c.Now()
		r.deliver("we_1") // the poison alone: it looks as if the endpoint hung
		for range 3 {
			r.happen(100)
			r.c.Add(max(r.deliver("we_1").Sub(r.c.Now()), 0))
		}
		for len(taken) < 300 && r.c.Now().Sub(begin) < time.Hour {
			r.c.Add(max(r.deliver("we_1").Sub(r.c.Now()), time.Millisecond))
		}
		if took := r.c.Now().Sub(begin); len(taken) != 300 || took > 5*time.Minute {
			t.Errorf("%d of 300 others arrived after %s", len(taken), took)
		}
		if r.settled("we_1") {
			t.Error("the poison was forgotten")
		}
	})
}
