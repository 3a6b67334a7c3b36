package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Old events are dropped from the beginning of a stream, piece by piece, but never the
// last one, nor any from the first on that is still owed. Ids go on where they were.
func TestForgetEvents(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			return tx.AddEndpoint(pay.Endpoint{ID: "e1", MerchantID: 1, Secret: []byte("s"), CreatedAt: tx.Now()})
		})
		for day := range 10 {
			for m := range 3 {
				write(t, s, func(tx *store.Tx) error {
					for n := range 3 {
						tx.AppendEvent(event(int64(1+m), fmt.Sprint(day, n)))
					}
					return nil
				})
			}
			c.Add(24 * time.Hour)
		}
		write(t, s, func(tx *store.Tx) error { // two are delivered; the third and all later ones are not
			due, err := tx.DueDeliveries("e1", 2)
			for _, d := range due {
				d.State = pay.DeliveryDone
				if err == nil {
					err = tx.SaveDelivery(d, d.Due, pay.Attempt{Number: 1, Status: 200, At: tx.Now()})
				}
			}
			return err
		})
		all := testkit.Events(t, s, 2)
		before := testkit.Epoch.Add(5*24*time.Hour - time.Hour) // the events of five days are older
		aged := func(want ...int64) {
			t.Helper()
			read(t, s, func(tx *store.Tx) error {
				same(t, "aged streams", must(tx.AgedStreams(before, 0, 10)), want)
				return nil
			})
		}
		forget := func(merchant int64, before time.Time, n, want int) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				same(t, fmt.Sprintf("dropped of %d", merchant), must(tx.ForgetEvents(merchant, before, n)), int64(want))
				return nil
			})
		}
		aged(1, 2, 3)
		read(t, s, func(tx *store.Tx) error {
			same(t, "aged after 1, one of them", must(tx.AgedStreams(before, 1, 1)), []int64{2})
			return nil
		})
		forget(1, before, 100, 2)
		forget(1, before, 100, 0) // the rest is owed
		forget(2, before, 4, 4)
		forget(2, before, 100, 11)
		forget(2, before, 100, 0)
		forget(3, before.Add(365*24*time.Hour), 1000, 29) // all but the last
		forget(4, before, 100, 0)
		aged(1)
		same(t, "what is kept", ids(testkit.Events(t, s, 2)), ids(all[15:]))
		read(t, s, func(tx *store.Tx) error {
			for n, e := range all {
				same(t, "forgotten "+e.ID, must(tx.Forgotten(2, e.ID)), n < 15)
			}
			for _, id := range []string{"", "evt_1-0", "evt_1-99", "x", "evt_1--1"} {
				same(t, "forgotten "+id, must(tx.Forgotten(2, id)), false)
			}
			same(t, "forgotten by nobody", must(tx.Forgotten(9, "evt_1-1")), false)
			return nil
		})
		write(t, s, func(tx *store.Tx) error {
			same(t, "first endpoint", must(tx.NextDelivered("")), "e1")
			same(t, "second endpoint", must(tx.NextDelivered("e1")), "")
			same(t, "deliveries, a piece", must(tx.ForgetDeliveries("e1", 1)), int64(1))
			same(t, "deliveries", must(tx.ForgetDeliveries("e1", 100)), int64(1))
			same(t, "deliveries of events that are kept", must(tx.ForgetDeliveries("e1", 100)), int64(0))
			same(t, "deliveries of nobody", must(tx.ForgetDeliveries("e9", 100)), int64(0))
			same(t, "still owed", len(must(tx.DueDeliveries("e1", 100))), 28)
			return nil
		})
		write(t, s, func(tx *store.Tx) error { tx.AppendEvent(event(3, "next")); return nil })
		last := testkit.Events(t, s, 3)
		same(t, "the next number", []int64{last[0].Seq, last[1].Seq}, []int64{30, 31})
	})
}

// An endpoint that was disabled for longer than events are kept holds none of them; one
// that was not does. What lost its event is not waited for once it is enabled.
func TestForgetDisabled(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		e := pay.Endpoint{ID: "e1", MerchantID: 1, Secret: []byte("s"), CreatedAt: testkit.Epoch}
		write(t, s, func(tx *store.Tx) error { return tx.AddEndpoint(e.Disable(pay.DisabledFailing, tx.Now())) })
		for range 3 {
			write(t, s, func(tx *store.Tx) error { tx.AppendEvent(event(1, "{}")); return nil })
			c.Add(time.Minute)
		}
		const keep = 90 * 24 * time.Hour
		dropped := func(want int64) {
			t.Helper()
			write(t, s, func(tx *store.Tx) error {
				same(t, "dropped", must(tx.ForgetEvents(1, tx.Now().Add(-keep), 100)), want)
				return nil
			})
		}
		c.Add(keep - 3*time.Minute) // it was disabled just then
		dropped(0)
		c.Add(time.Minute)
		dropped(1) // one event is older
		write(t, s, func(tx *store.Tx) error {
			same(t, "what is left", seqs(must(tx.DueDeliveries("e1", 9))), []int64{2, 3})
			at, _, err := tx.NextDelivery("e1")
			same(t, "next", []any{at, err}, []any{testkit.Epoch.Add(time.Minute), nil})
			return tx.SaveEndpoint(e)
		})
		c.Add(time.Hour)
		dropped(0) // it is enabled, and is owed the rest
	})
}
