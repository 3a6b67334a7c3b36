package notify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// change changes an endpoint.
func (r *rig) change(id string, f func(pay.Endpoint) pay.Endpoint) {
	r.t.Helper()
	r.write(func(tx *store.Tx) error {
		e, _, err := tx.EndpointForUpdate(id)
		if err != nil {
			return err
		}
		return tx.SaveEndpoint(f(e))
	})
}

// stored returns an endpoint as it is.
func (r *rig) stored(id string) (e pay.Endpoint) {
	r.t.Helper()
	if err := r.s.Read(r.t.Context(), func(tx *store.Tx) (err error) {
		e, _, err = tx.Endpoint(id)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return e
}

// enable does what enabling an endpoint means to its deliveries.
func (r *rig) enable(id string) {
	r.t.Helper()
	r.write(func(tx *store.Tx) error {
		e, _, err := tx.EndpointForUpdate(id)
		if err != nil {
			return err
		}
		if err := tx.ReviveDeliveries(id, e.FailingSince); err != nil {
			return err
		}
		return tx.SaveEndpoint(e.Enable())
	})
}

// For a day after a rotation both secrets sign the same timestamp and body; a second
// rotation keeps the newest of the old ones.
func TestRotation(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		sink := testkit.NewSink(t, nil)
		r.endpoint("we_1", sink.URL)
		secrets := []string{"whsec_first", "whsec_second", "whsec_third"}
		rotate := func(n int) {
			r.change("we_1", func(e pay.Endpoint) pay.Endpoint {
				return e.Rotate(r.d.Auth.Seal([]byte(secrets[n]), "webhook we_1"), r.c.Now())
			})
		}
		sent := func(now, previous string) {
			t.Helper()
			r.happen(1)
			r.deliver("we_1")
			got := sink.Got()
			w := got[len(got)-1]
			genuine(t, now, w, r.c.Now())
			old := w.Header.Get("X-Pepay-Signature-Previous")
			if previous == "" {
				if old != "" {
					t.Errorf("a previous signature at %s", r.c.Now())
				}
				return
			}
			w.Header.Set("X-Pepay-Signature", old)
			genuine(t, previous, w, r.c.Now())
		}
		sent(secret, "")
		rotate(0)
		sent(secrets[0], secret)
		r.c.Add(23 * time.Hour)
		sent(secrets[0], secret)
		rotate(1)
		sent(secrets[1], secrets[0])
		rotate(2)
		sent(secrets[2], secrets[1])
		r.c.Add(24*time.Hour - time.Millisecond)
		sent(secrets[2], secrets[1])
		r.c.Add(time.Millisecond)
		sent(secrets[2], "")
	})
}

// disabled holds the only webhook_endpoint.disabled of a merchant against the endpoint.
func (r *rig) disabled(id string, reason pay.DisabledReason) {
	r.t.Helper()
	e := r.stored(id)
	if e.Enabled() || e.DisabledReason != reason || !e.DisabledAt.Equal(r.c.Now()) {
		r.t.Errorf("disabled at %s for %q", e.DisabledAt, e.DisabledReason)
	}
	n := 0
	for _, ev := range testkit.Events(r.t, r.s, merchant) {
		if ev.Type != pay.EndpointDisabled {
			continue
		}
		n++
		var v api.Endpoint
		if err := json.Unmarshal(ev.Object, &v); err != nil || v.ID != id || v.Status != "disabled" || *v.Reason != string(reason) || v.Secret != "" ||
			!strings.Contains(string(ev.Previous), `"status":"enabled"`) || ev.Environment != pay.Devnet {
			r.t.Errorf("told %s, before %s (%v)", ev.Object, ev.Previous, err)
		}
	}
	if n != 1 {
		r.t.Errorf("told %d times", n)
	}
}

// 410 disables at once. What happens meanwhile waits, and comes when it is enabled.
func TestGone(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		status := http.StatusGone
		sink := testkit.NewSink(t, func(int, *http.Request) int { return status })
		other := testkit.NewSink(t, nil)
		r.endpoint("we_1", sink.URL)
		r.endpoint("we_2", other.URL)
		r.happen(30)
		if again := r.deliver("we_1"); !again.IsZero() {
			t.Errorf("more at %s", again)
		}
		n := len(sink.Got())
		if n > 8 {
			t.Errorf("%d requests to one that is gone", n)
		}
		r.disabled("we_1", pay.DisabledGone)
		r.happen(5)
		r.c.Add(1000 * time.Hour)
		if again := r.deliver("we_1"); !again.IsZero() || len(sink.Got()) != n {
			t.Error("a disabled endpoint is asked")
		}
		status = http.StatusOK
		r.enable("we_1")
		r.deliver("we_1")
		if got := ids(sink.Got()); len(got) != 35 || !r.settled("we_1") {
			t.Errorf("%d of 35 events arrived", len(got))
		}
		r.deliver("we_2")
		for _, w := range other.Got() {
			if w.Header.Get("X-Pepay-Event") == string(pay.EndpointDisabled) {
				t.Error("the other endpoint was told of it")
			}
		}
	})
}

// An endpoint that takes nothing for five days is disabled, not sooner; enabled again
// it gets everything it missed, also what had been given up.
func TestFiveDays(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		status := http.StatusInternalServerError
		sink := testkit.NewSink(t, func(int, *http.Request) int { return status })
		r.endpoint("we_1", sink.URL)
		begin, n := r.c.Now(), 0
		for r.stored("we_1").Enabled() {
			if n%8 == 0 {
				r.happen(1)
			}
			n++
			r.deliver("we_1")
			if after := r.c.Now().Sub(begin); after > 6*24*time.Hour {
				t.Fatalf("still enabled after %s", after)
			}
			if r.stored("we_1").Enabled() {
				r.c.Add(time.Hour)
			}
		}
		if after := r.c.Now().Sub(begin); after < 5*24*time.Hour || after > 5*24*time.Hour+2*time.Hour {
			t.Errorf("disabled after %s", after)
		}
		r.disabled("we_1", pay.DisabledFailing)
		var dead int
		if err := r.s.Read(t.Context(), func(tx *store.Tx) error {
			ds, err := tx.Deliveries("we_1", 0, 0, 100)
			for _, d := range ds {
				if d.State == pay.DeliveryDead {
					dead++
				}
			}
			return err
		}); err != nil || dead == 0 {
			t.Fatalf("%d were given up, %v", dead, err)
		}
		r.c.Add(100 * time.Hour)
		r.happen(1)
		status = http.StatusOK
		r.enable("we_1")
		r.deliver("we_1")
		taken := map[string]bool{}
		for _, w := range sink.Got() {
			if w.Status == http.StatusOK {
				taken[w.Header.Get("X-Pepay-Event-ID")] = true
			}
		}
		if want := len(testkit.Events(t, r.s, merchant)) - 1; len(taken) != want { // all but the one that tells of the disabling
			t.Errorf("%d of %d events arrived", len(taken), want)
		}
		r.happen(1)
		status = http.StatusBadGateway
		r.deliver("we_1")
		if !r.stored("we_1").Enabled() {
			t.Error("disabled by the first failure after it was enabled")
		}
	})
}

// A receiver that is too busy is left alone for as long as it asks, at most twelve
// hours, with everything.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string { return testkit.Epoch.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		status int
		header string
		want   time.Duration // least; zero for the schedule's
	}{
		"seconds":            {429, "120", 2 * time.Minute},
		"503":                {503, " 120 ", 2 * time.Minute},
		"a date":             {503, at(time.Hour), time.Hour},
		"a long time":        {429, "999999", 12 * time.Hour},
		"beyond int64":       {429, strings.Repeat("9", 40), 12 * time.Hour},
		"a far date":         {429, at(1000 * time.Hour), 12 * time.Hour},
		"no time":            {429, "0", 0},
		"a past date":        {429, at(-time.Hour), 0},
		"negative":           {429, "-5", 0},
		"a fraction":         {429, "1.5", 0},
		"nonsense":           {503, "soon", 0},
		"empty":              {429, "", 0},
		"of another failure": {500, "120", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
				var n atomic.Int32 // its requests may come on several connections
				url := receiver(t, func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
					if n.Add(1) == 1 {
						w.Header().Set("Retry-After", c.header)
						w.WriteHeader(c.status)
					}
				})
				r.endpoint("we_1", url)
				r.happen(1)
				again := r.deliver("we_1").Sub(r.c.Now())
				if c.want == 0 {
					if again < 5*time.Second || again > 6*time.Second {
						t.Fatalf("again after %s", again)
					}
					return
				}
				if again != c.want {
					t.Fatalf("again after %s, want %s", again, c.want)
				}
				r.c.Add(c.want - time.Millisecond)
				r.happen(1)
				if r.deliver("we_1"); n.Load() != 1 {
					t.Error("asked in the meantime")
				}
				r.c.Add(time.Millisecond)
				if again := r.deliver("we_1"); n.Load() != 3 || !again.IsZero() || !r.settled("we_1") {
					t.Errorf("%d requests, again %s", n.Load(), again)
				}
			})
		})
	}
}

// How a receiver's answer begins is kept, as text that JSON and both engines can hold.
func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		answers := []string{"", "why not", strings.Repeat("é", 600), "x" + strings.Repeat("é", 600), "\x00\xff\xfe", strings.Repeat("\xff", 3000), "<b>\u2028"}
		want := []string{"", "why not", strings.Repeat("é", 512), "x" + strings.Repeat("é", 511), "\uFFFD\uFFFD", "\uFFFD", "<b>\u2028"}
		n := 0
		r.endpoint("we_1", receiver(t, func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte(answers[n]))
			n++
		}))
		r.happen(1)
		for range answers {
			r.c.Add(max(r.deliver("we_1").Sub(r.c.Now()), 0))
		}
		if err := r.s.Read(t.Context(), func(tx *store.Tx) error {
			as, err := tx.Attempts("we_1", 1, 1)
			for n, a := range as[1] {
				if a.Body != want[n] || len(a.Body) > pay.MaxAnswer || a.Status != http.StatusTeapot || a.Number != n+1 || a.Error != "" {
					t.Errorf("attempt %d: %d %q", n, a.Status, a.Body)
				}
			}
			if len(as[1]) != len(answers) {
				t.Errorf("%d attempts", len(as[1]))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// An endpoint that was allowed when it was stored is judged at each send.
func TestJudgedAtEachSend(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		sink := testkit.NewSink(t, nil)
		r.endpoint("we_http", "http://hooks.example.com/x")
		r.endpoint("we_here", sink.URL)
		r.happen(1)
		r.d.Client = prodClient(t)
		for _, id := range []string{"we_http", "we_here"} {
			r.deliver(id)
			if err := r.s.Read(t.Context(), func(tx *store.Tx) error {
				as, err := tx.Attempts(id, 1, 1)
				if len(as[1]) != 1 || as[1][0].Error != "url must begin with https://" {
					t.Errorf("%s: %+v", id, as)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if len(sink.Got()) > 0 {
			t.Error("plain http was sent in production")
		}
	})
}

// A ping reaches the endpoint it is for, whatever that asks for, and no other.
func TestPing(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		sinks := map[string]*testkit.Sink{}
		for id, types := range map[string][]string{"we_1": {"commerce.order.*"}, "we_2": nil, "we_3": {"test.ping"}} {
			sinks[id] = testkit.NewSink(t, nil)
			r.endpoint(id, sinks[id].URL, types...)
		}
		r.write(func(tx *store.Tx) error {
			tx.AppendEvent(pay.Event{
				MerchantID: merchant, Type: pay.TestPing, Environment: pay.Devnet, EndpointID: "we_1",
				Object: []byte(`{"object":"ping","status":"ok"}`), Previous: []byte("{}"),
			})
			return nil
		})
		for id, want := range map[string]int{"we_1": 1, "we_2": 0, "we_3": 0} {
			r.deliver(id)
			if got := sinks[id].Got(); len(got) != want {
				t.Errorf("%s got %d", id, len(got))
			} else if want == 1 && !strings.Contains(string(got[0].Body), `"data":{"object":{"object":"ping","status":"ok"},"previous_attributes":{}}`) {
				t.Errorf("%s", got[0].Body)
			}
		}
	})
}
