package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// seqs are the sequence numbers of the events of deliveries.
func seqs(ds []pay.Delivery) (all []int64) {
	for _, d := range ds {
		all = append(all, d.Event.Seq)
	}
	return all
}

// A delivery is found by its event, listed both ways, kept with its attempts, and made
// due anew with a whole schedule before it.
func TestDeliveryHistory(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			return tx.AddEndpoint(pay.Endpoint{ID: "we", MerchantID: 1, Secret: []byte("s")})
		})
		write(t, s, func(tx *store.Tx) error {
			for n := range 6 {
				tx.AppendEvent(event(1, fmt.Sprint(n)))
			}
			return nil
		})
		attempt := func(d pay.Delivery, number int) pay.Attempt {
			return pay.Attempt{EndpointID: "we", Number: number, Status: 500, Error: "why", Body: "é\uFFFD", Latency: 1234 * time.Millisecond, At: d.Due}
		}
		write(t, s, func(tx *store.Tx) error {
			same(t, "newest first", seqs(must(tx.Deliveries("we", 0, 0, 4))), []int64{6, 5, 4, 3})
			same(t, "older", seqs(must(tx.Deliveries("we", 4, 0, 2))), []int64{3, 2})
			same(t, "newer, nearest first", seqs(must(tx.Deliveries("we", 0, 3, 2))), []int64{4, 5})
			same(t, "a stranger's", len(must(tx.Deliveries("x", 0, 0, 4))), 0)
			same(t, "backlog", []int{must(tx.Backlog("we", 4)), must(tx.Backlog("we", 40)), must(tx.Backlog("x", 4))}, []int{4, 6, 0})
			for n, state := range []pay.DeliveryState{pay.DeliveryDone, pay.DeliveryDead, pay.DeliveryDead, pay.DeliveryDue} {
				d, ok, err := tx.Delivery("we", int64(n)+1)
				same(t, "found", []any{d.Event.Seq, ok, err}, []any{n + 1, true, nil})
				was := d.Due
				d.State, d.Attempts, d.Due = state, 2, tx.Now().Add(time.Duration(n)*time.Hour)
				check(tx.SaveDelivery(d, was, attempt(d, 1)))
				check(tx.SaveDelivery(d, d.Due, attempt(d, 2)))
			}
			_, ok, err := tx.Delivery("we", 7)
			same(t, "none", []any{ok, err}, []any{false, nil})
			as := must(tx.Attempts("we", 2, 3))
			same(t, "attempts", []int{len(as), len(as[2]), len(as[3])}, []int{2, 2, 2})
			want := attempt(pay.Delivery{Due: tx.Now().Add(time.Hour)}, 2)
			same(t, "an attempt", as[2][1], want)
			return nil
		})
		c.Add(time.Minute)
		state := func(tx *store.Tx) (all []string) {
			for seq := range int64(6) {
				d, _, err := tx.Delivery("we", seq+1)
				check(err)
				all = append(all, fmt.Sprint(d.State, d.Attempts, d.Earlier, d.Due.Sub(testkit.Epoch)))
			}
			return all
		}
		write(t, s, func(tx *store.Tx) error {
			check(tx.ReviveDeliveries("we", testkit.Epoch.Add(2*time.Hour)))
			same(t, "revived", state(tx), []string{"done2 0 0s", "dead2 0 1h0m0s", "due2 2 1m0s", "due2 2 1m0s", "due0 0 0s", "due0 0 0s"})
			check(tx.RetryDelivery("we", 1))
			same(t, "retried", state(tx)[0], "due2 2 1m0s")
			return nil
		})
		write(t, s, func(tx *store.Tx) error { // an attempt that began before the retry does not end it
			d, _, err := tx.Delivery("we", 1)
			check(err)
			d.State, d.Attempts = pay.DeliveryDone, 3
			check(tx.SaveDelivery(d, testkit.Epoch, attempt(d, 3)))
			same(t, "still due", state(tx)[0], "due3 2 1m0s")
			check(tx.SaveDelivery(d, d.Due, attempt(d, 4)))
			same(t, "done", state(tx)[0], "done3 2 1m0s")
			return nil
		})
	})
}

// A clock that was ahead for a moment and was put right holds up nothing that happens
// after, though the stream's times go on from there.
func TestClockWasAhead(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			return tx.AddEndpoint(pay.Endpoint{ID: "we", MerchantID: 1, Secret: []byte("s")})
		})
		for _, by := range []time.Duration{24 * time.Hour, time.Minute - 24*time.Hour} {
			c.Add(by)
			write(t, s, func(tx *store.Tx) error { tx.AppendEvent(event(1, "{}")); return nil })
		}
		read(t, s, func(tx *store.Tx) error {
			ds := must(tx.DueDeliveries("we", 9))
			same(t, "due", seqs(ds), []int64{2})
			same(t, "since now, though it is told to be of tomorrow", []time.Time{ds[0].Due, ds[0].Event.CreatedAt}, []time.Time{c.Now(), testkit.Epoch.Add(24 * time.Hour)})
			return nil
		})
	})
}

// A replay promises what the endpoint asks for in its range again, and nothing else.
func TestReplays(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		e := pay.Endpoint{ID: "we", MerchantID: 1, Types: []string{"invoice.*"}, Secret: []byte("s")}
		types := []pay.EventType{pay.InvoiceCreated, pay.QuoteUpdated, pay.PaymentCreated, pay.InvoiceUpdated, pay.EndpointDisabled, pay.TestPing}
		for n := range 12 {
			write(t, s, func(tx *store.Tx) error {
				ev := event(1, fmt.Sprint(n))
				if ev.Type = types[n%6]; ev.Type == pay.TestPing {
					ev.EndpointID = "we"
				}
				tx.AppendEvent(ev)
				tx.AppendEvent(event(2, ""))
				if n == 5 {
					check(tx.AddEndpoint(e))
				}
				return nil
			})
			c.Add(time.Second)
		}
		write(t, s, func(tx *store.Tx) error {
			same(t, "promised when they happened", seqs(must(tx.Deliveries("we", 0, 0, 99))), []int64{12, 10, 7, 6})
			for at, want := range map[time.Duration]int64{-time.Hour: 1, 0: 1, 1: 2, time.Second: 2, 1500 * time.Millisecond: 3, 11 * time.Second: 12, time.Hour: 13} {
				same(t, fmt.Sprint("first event at ", at), must(tx.FirstEventAt(1, testkit.Epoch.Add(at))), want)
			}
			same(t, "of nobody", must(tx.FirstEventAt(9, testkit.Epoch)), 1)
			same(t, "asked", []int64{must(tx.CountAsked(e, 1, 12)), must(tx.CountAsked(e, 2, 6)), must(tx.CountAsked(e, 5, 4))}, []int64{4, 1, 0})
			d, _, err := tx.Delivery("we", 7)
			check(err)
			was := d.Due
			d.State, d.Attempts = pay.DeliveryDone, 1
			return tx.SaveDelivery(d, was, pay.Attempt{Number: 1, Status: 200})
		})
		write(t, s, func(tx *store.Tx) error {
			same(t, "promised again", []int64{must(tx.DeliverAgain(e, 1, 9)), must(tx.DeliverAgain(e, 1, 9))}, []int64{3, 3})
			same(t, "all", seqs(must(tx.Deliveries("we", 0, 0, 99))), []int64{12, 10, 7, 6, 4, 1})
			d, _, err := tx.Delivery("we", 7)
			same(t, "due again", []any{d.State, d.Earlier, d.Due, err}, []any{pay.DeliveryDue, 1, tx.Now(), nil})
			return nil
		})
		write(t, s, func(tx *store.Tx) error {
			_, ok, err := tx.Replay("we")
			same(t, "no replay", []any{ok, err}, []any{false, nil})
			done, running := fill[pay.Replay](3), fill[pay.Replay](4)
			done.EndpointID, running.EndpointID, running.FinishedAt, running.CreatedAt = "we", "we", time.Time{}, done.CreatedAt
			check(tx.AddReplay(done))
			check(tx.AddReplay(running))
			got, ok, err := tx.Replay("we")
			same(t, "the one under way", []any{got, ok, err}, []any{running, true, nil})
			running.Position, running.Total, running.Done, running.FinishedAt = 91, 92, 93, done.FinishedAt
			check(tx.SaveReplay(running))
			check(tx.AddReplay(pay.Replay{ID: "older", EndpointID: "we", CreatedAt: done.CreatedAt.Add(-time.Hour)}))
			check(tx.SaveReplay(pay.Replay{ID: "older", FinishedAt: done.FinishedAt}))
			got, _, err = tx.Replay("we")
			same(t, "the newest", []any{got.CreatedAt, got.Running(), err}, []any{running.CreatedAt, false, nil})
			same(t, "deleted", must(tx.DeleteEndpoint(1, "we")), true)
			_, ok, err = tx.Replay("we")
			same(t, "no replay", []any{ok, err}, []any{false, nil})
			return nil
		})
	})
}

// Events that are flushed have their ids at once, are announced with the commit, and
// go with a unit that fails.
func TestFlush(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		var told atomic.Int64
		c := new(testkit.Clock)
		s := testkit.OpenStore(t, store.Options{URL: url, Now: c.Now, Committed: func(es []pay.Event) { told.Add(int64(len(es))) }})
		for n, fail := range []error{fmt.Errorf("no"), nil, nil} {
			var id string
			err := s.WriteAlone(ctx, func(tx *store.Tx) error {
				tx.AppendEvent(event(1, "a"))
				es := must(tx.Flush())
				id = es[0].ID
				if n == 2 {
					tx.AppendEvent(event(1, "b"))
				}
				return fail
			})
			same(t, "outcome", err, fail)
			if fail == nil {
				same(t, "the id", id, testkit.Events(t, s, 1)[n-1].ID)
			}
		}
		same(t, "events and announcements", []int64{int64(len(testkit.Events(t, s, 1))), told.Load()}, []int64{3, 3})
	})
}
