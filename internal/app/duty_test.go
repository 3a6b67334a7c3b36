package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// What has had its time is dropped in pieces, one after the other, and then nothing is for
// a day; what is young stays.
func TestForget(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := s.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		answered := func(n int) (ok bool) {
			write(func(tx *store.Tx) (err error) {
				_, _, ok, err = tx.Answered(1, "op", fmt.Sprint(n))
				return err
			})
			return ok
		}
		const old = 1100
		write(func(tx *store.Tx) error {
			for n := range old {
				tx.Answer(1, "op", fmt.Sprint(n), "", []byte("{}"))
			}
			return tx.AddLogin(pay.Login{ID: "l", CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(100 * time.Hour)})
		})
		c.Add(49 * time.Hour)
		write(func(tx *store.Tx) error { tx.Answer(1, "op", fmt.Sprint(old), "", []byte("{}")); return nil })
		var waits []time.Duration
		for range 3 {
			again, err := app.Forget(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, again.Sub(c.Now()))
		}
		if got, want := fmt.Sprint(waits), "[0s 0s 24h0m0s]"; got != want {
			t.Errorf("it goes on after %s, want %s", got, want)
		}
		for n, want := range map[int]bool{0: false, old / 2: false, old - 1: false, old: true} {
			if answered(n) != want {
				t.Errorf("answer %d is there: %v", n, !want)
			}
		}
		write(func(tx *store.Tx) error {
			if _, ok, err := tx.Login("l"); !ok || err != nil {
				t.Errorf("a login that is not over is gone: %v", err)
			}
			return nil
		})
	})
}
