package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Of all who answer a request with the same key one succeeds, and of the others
// nothing is left, on whatever node and in whatever company they come.
func TestAnswer(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := new(testkit.Clock)
		o := store.Options{URL: url, Now: c.Now}
		nodes := []*store.Store{testkit.OpenStore(t, o), testkit.OpenStore(t, o)}
		answer := func(s *store.Store, key, hash, text string) error {
			return s.Write(ctx, func(tx *store.Tx) error {
				tx.AppendEvent(event(1, key))
				tx.Answer(1, "op", key, hash, []byte(text))
				return nil
			})
		}
		answered := func(key string) (text, hash string, ok bool) {
			read(t, nodes[0], func(tx *store.Tx) error {
				b, h, found, err := tx.Answered(1, "op", key)
				text, hash, ok = string(b), h, found
				return err
			})
			return text, hash, ok
		}
		errs, lone := make([]error, 32), make([]error, 32)
		var g sync.WaitGroup
		for n := range errs {
			g.Go(func() { errs[n] = answer(nodes[n%2], "key", "hash", fmt.Sprint("answer ", n)) })
			g.Go(func() { lone[n] = answer(nodes[n%2], fmt.Sprint("lone ", n), "hash", "x") })
		}
		g.Wait()
		one := slices.Index(errs, nil)
		for n := range errs {
			same(t, fmt.Sprint("error ", n), errors.Is(errs[n], store.ErrAnswered), n != one)
			same(t, fmt.Sprint("error of another request ", n), lone[n], nil)
		}
		same(t, "effects", len(testkit.Events(t, nodes[0], 1)), 33)
		same(t, "another body", errors.Is(answer(nodes[1], "key", "other hash", "y"), store.ErrAnswered), true)
		text, hash, ok := answered("key")
		same(t, "the answer", []any{text, hash, ok}, []any{fmt.Sprint("answer ", one), "hash", true})
		if err := nodes[0].Write(ctx, func(tx *store.Tx) error {
			tx.Answer(1, "op", "failed", "hash", []byte("x"))
			return errMine
		}); !errors.Is(err, errMine) {
			t.Error(err)
		}
		_, _, ok = answered("failed")
		same(t, "a failed request is forgotten", ok, false)
		c.Add(time.Hour)
		same(t, "young", answer(nodes[0], "young", "hash", "y"), nil)
		write(t, nodes[0], func(tx *store.Tx) error {
			soon := testkit.Epoch.Add(time.Minute)
			same(t, "dropped, a piece and the rest", []int64{must(tx.ForgetAnswers(soon, 1)), must(tx.ForgetAnswers(soon, 99))}, []int64{1, 32})
			return nil
		})
		_, _, old := answered("key")
		_, _, young := answered("young")
		same(t, "the old is forgotten, the young is not", []bool{old, young}, []bool{false, true})
	})
}

// A row that is left for the end can be asked for before it; one that the engine
// refuses costs its own unit and no other of the group.
func TestLateRows(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		invoice := func(id string) pay.Invoice {
			return pay.Invoice{ID: id, MerchantID: 1, SessionHash: "of " + id, CreatedAt: testkit.Epoch, ExpiresAt: testkit.Epoch}
		}
		errs := make([]error, 64)
		gate := make(chan struct{})
		var g sync.WaitGroup
		for n := range errs {
			g.Go(func() {
				<-gate
				errs[n] = s.Write(ctx, func(tx *store.Tx) error {
					i := invoice(fmt.Sprint(n))
					if n%8 == 3 {
						i.SessionHash = "of 0" // one of them gets it
					}
					tx.AddInvoice(i)
					tx.AppendEvent(event(1, i.ID))
					if n%8 != 5 {
						return nil
					}
					got, err := tx.Invoice(i.ID)
					same(t, "seen by its own unit", got.ID, i.ID)
					return errors.Join(err, errMine)
				})
			})
		}
		close(gate)
		g.Wait()
		var want, stored []string
		rivals := 0
		for n, err := range errs {
			if rival := n == 0 || n%8 == 3; !rival {
				same(t, fmt.Sprint("error of unit ", n), err != nil, n%8 == 5)
			} else if err == nil {
				rivals++
			}
			read(t, s, func(tx *store.Tx) error {
				_, e := tx.Invoice(fmt.Sprint(n))
				same(t, fmt.Sprint("unit ", n, " left its invoice"), e == nil, err == nil)
				return nil
			})
			if err == nil {
				want = append(want, fmt.Sprint(n))
			}
		}
		for _, e := range testkit.Events(t, s, 1) {
			stored = append(stored, string(e.Object))
		}
		same(t, "rivals that won", rivals, 1)
		slices.Sort(want)
		slices.Sort(stored)
		same(t, "events", strings.Join(stored, " "), strings.Join(want, " "))
	})
}
