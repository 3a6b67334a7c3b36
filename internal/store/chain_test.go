package store_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

func TestChain(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			_, _, known, err := tx.Position("ethereum")
			same(t, "never watched", []any{known, err}, []any{false, nil})
			for n := range 2 {
				scanned, final := fill[pay.Block](n), fill[pay.Block](n+5)
				check(tx.SavePosition("ethereum", scanned, final))
				a, b, known, err := tx.Position("ethereum")
				same(t, "position", []any{a, b, known, err}, []any{scanned, final, true, nil})
				a, b, err = tx.HoldPosition("ethereum")
				same(t, "position, held", []any{a, b, err}, []any{scanned, final, nil})
			}

			same(t, "proof", must(tx.Proof("ethereum")), pay.Proof{Since: fill[pay.Block](5).Height, Seen: fill[pay.Block](1), Final: fill[pay.Block](6)})
			same(t, "proof of nothing", must(tx.Proof("base")), pay.Proof{})

			var sweeps []pay.Sweep
			for n, height := range []uint64{30, 10, 20, 20} {
				v := fill[pay.Sweep](n)
				v.Network, v.Address, v.Token, v.Block.Height = "ethereum", "a", "t", height
				check(tx.AddSweep(v))
				sweeps = append(sweeps, v)
			}
			sweeps[0].Block.Height = 40 // seen again in another block
			check(tx.AddSweep(sweeps[0]))
			order := []pay.Sweep{sweeps[1], sweeps[2], sweeps[3], sweeps[0]}
			same(t, "sweeps in the chain's order", must(tx.SweepsAt("ethereum", "a", "t", false)), order)
			same(t, "none is final", len(must(tx.SweepsAt("ethereum", "a", "t", true))), 0)
			same(t, "made final", len(must(tx.FinalizeSweeps("ethereum", 20))), 3)
			same(t, "made final once", len(must(tx.FinalizeSweeps("ethereum", 20))), 0)
			if plan := must(tx.FinalizePlan()); s.Engine() == "sqlite" && !strings.Contains(plan, "sweeps_by_height (network=? AND final=? AND height<?)") {
				t.Errorf("a block costs all sweeps there ever were: %s", plan) // PostgreSQL knows that these are few
			}
			same(t, "blocks of sweeps", must(tx.Above("ethereum", 0)), []string{sweeps[0].Block.Hash})
			check(tx.ForgetSweeps("ethereum", 5)) // what is final stays
			same(t, "blocks of sweeps that are forgotten", len(must(tx.Above("ethereum", 0))), 0)
			same(t, "final sweeps", must(tx.SweepsAt("ethereum", "a", "t", true)), order[:3])
			same(t, "others are forgotten", len(must(tx.SweepsAt("ethereum", "a", "t", false))), 3)
			return nil
		})
		hold := func(name, holder string, d time.Duration) (ok bool) {
			write(t, s, func(tx *store.Tx) (err error) { ok, err = tx.Lease(name, holder, tx.Now().Add(d)); return err })
			return ok
		}
		same(t, "first", hold("x", "a", time.Minute), true)
		same(t, "other", hold("x", "b", time.Minute), false)
		same(t, "another name", hold("y", "b", time.Minute), true)
		c.Add(time.Minute)
		same(t, "at its very end", hold("x", "b", time.Minute), false)
		same(t, "renewed", hold("x", "a", time.Minute), true)
		c.Add(time.Minute + time.Millisecond)
		same(t, "taken over", hold("x", "b", time.Minute), true)
		same(t, "lost", hold("x", "a", time.Minute), false)
		write(t, s, func(tx *store.Tx) error { return tx.Unlease("x", "a") })
		same(t, "given back by another", hold("x", "a", time.Minute), false)
		write(t, s, func(tx *store.Tx) error { return tx.Unlease("x", "b") })
		same(t, "given back", hold("x", "a", time.Minute), true)
		write(t, s, func(tx *store.Tx) error { return tx.EndLeases() })
		same(t, "ended", hold("x", "c", time.Minute), true)
	})
}

// Of a merchant's payments those that wait for it come before those that reached it, newest
// first; the others, and other merchants', are not there.
func TestUncounted(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			for n, p := range []pay.Payment{
				{ID: "older", Status: pay.PaymentManualRetry, Sight: pay.Final},
				{ID: "newer", Status: pay.PaymentManualRetry, Sight: pay.Final},
				{ID: "settled", Status: pay.PaymentManualRetry, Sight: pay.Final, Settlement: pay.Settlement{Status: pay.SettlementSettled}},
				{ID: "seen", Status: pay.PaymentManualRetry, Sight: pay.Seen},
				{ID: "counts", Status: pay.PaymentConfirmed, Sight: pay.Final},
				{ID: "another's", Status: pay.PaymentManualRetry, Sight: pay.Final},
			} {
				i, full := fill[pay.Invoice](n), fill[pay.Payment](n)
				full.ID, full.Status, full.Sight, full.InvoiceID, full.MerchantID = p.ID, p.Status, p.Sight, i.ID, 7
				full.Settlement.Status, full.ConfirmedAt = pay.SettlementPending, c.Now().Add(time.Duration(n)*time.Second)
				if p.Settlement.Status != "" {
					full.Settlement.Status = p.Settlement.Status
				}
				if p.ID == "another's" {
					full.MerchantID = 8
				}
				tx.AddInvoice(i)
				check(tx.SavePayment(full))
			}
			for limit, want := range map[int][]string{9: {"newer", "older", "settled"}, 2: {"newer", "older"}} {
				var got []string
				for _, p := range must(tx.UncountedPayments(7, limit)) {
					got = append(got, p.ID)
				}
				same(t, "payments that do not count", got, want)
			}
			return nil
		})
	})
}

func TestSights(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			var ps []pay.Payment
			for n, sight := range []pay.Sight{pay.Seen, pay.Seen, pay.Final, pay.Gone, pay.Seen} {
				i, p := fill[pay.Invoice](n), fill[pay.Payment](n)
				p.Depth = 0 // is not kept
				p.InvoiceID, p.Network, p.Address, p.Token, p.Block.Height, p.Sight = i.ID, "ethereum", "a", "t", uint64(50-n), sight
				p.Expected = ""
				p.Settlement.Status = pay.SettlementPending
				tx.AddInvoice(i)
				check(tx.SavePayment(p))
				ps = append(ps, p)
			}
			slices.Reverse(ps)
			same(t, "payments in the chain's order", must(tx.PaymentsAt("ethereum", "a", "t")), ps)
			same(t, "of another token", len(must(tx.PaymentsAt("ethereum", "a", ""))), 0)
			same(t, "to settle", must(tx.UnsettledPayments("ethereum", pay.SettlementPending, store.Rest{}, 9)), []pay.Payment{ps[2]})
			open, stray := fill[pay.Invoice](8), ps[2]
			open.Status, stray.ID, stray.InvoiceID, stray.Network, stray.TxHash = pay.Unpaid, "stray", open.ID, "base", "s"
			tx.AddInvoice(open)
			check(tx.SavePayment(stray))
			same(t, "to settle of an invoice that wants more", len(must(tx.UnsettledPayments("base", pay.SettlementPending, store.Rest{}, 9))), 0)
			stray.ID, stray.TxHash, stray.Expected = "stray 2", "s2", "ethereum"
			check(tx.SavePayment(stray))
			same(t, "to settle where it was not expected", must(tx.UnsettledPayments("base", pay.SettlementPending, store.Rest{}, 9)), []pay.Payment{stray})
			same(t, "seen up to a height", must(tx.InvoicesInSight("ethereum", pay.Seen, 49)), []string{ps[3].InvoiceID, ps[0].InvoiceID})
			same(t, "blocks of what is seen above a height", must(tx.Above("ethereum", 46)), blocks(ps[3], ps[4]))
			check(tx.Doubt("base", 0))
			check(tx.Doubt("ethereum", 46))
			same(t, "blocks of what is seen when there is doubt", len(must(tx.Above("ethereum", 46))), 0)
			same(t, "in doubt", len(must(tx.InvoicesInSight("ethereum", pay.Doubtful, 100))), 2)
			same(t, "not in doubt", must(tx.InvoicesInSight("ethereum", pay.Seen, 100)), []string{ps[0].InvoiceID})
			return nil
		})
	})
}

// Settlements that fail rest ever longer, keep no other waiting, and are left alone by who asks for another state.
func TestSettlementsRest(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, clock *testkit.Clock) {
		rest := store.Rest{Least: 10 * time.Minute, Most: time.Hour}
		save := func(id string, n int, status pay.SettlementStatus, reason string, tried time.Duration) {
			write(t, s, func(tx *store.Tx) error {
				i, p := fill[pay.Invoice](n), fill[pay.Payment](n)
				if _, known, err := tx.Payment(id); err != nil || !known {
					tx.AddInvoice(i)
				}
				p.ID, p.InvoiceID, p.TxHash, p.Network, p.Expected, p.Sight = id, i.ID, id, "ethereum", "base", pay.Final
				p.ConfirmedAt, p.Settlement.Since = tx.Now().Add(-90*24*time.Hour), tx.Now().Add(-tried)
				p.Settlement.Status, p.Settlement.Reason, p.Settlement.At = status, reason, tx.Now()
				return tx.SavePayment(p)
			})
		}
		want := func(when string, ids ...string) {
			t.Helper()
			read(t, s, func(tx *store.Tx) error {
				got := []string{}
				for _, p := range must(tx.UnsettledPayments("ethereum", pay.SettlementFailed, rest, 2)) {
					got = append(got, p.ID)
				}
				same(t, when, got, append([]string{}, ids...))
				same(t, when+", any", must(tx.Unsettled("ethereum", pay.SettlementFailed)), true)
				same(t, when+", pending", must(tx.Unsettled("ethereum", pay.SettlementPending)), false)
				return nil
			})
		}
		save("new", 1, pay.SettlementFailed, "frozen", 0)
		save("tried for 20 minutes", 2, pay.SettlementFailed, "frozen", 20*time.Minute)
		save("tried for days", 3, pay.SettlementFailed, "frozen", 48*time.Hour)
		save("left", 4, pay.SettlementManual, "no key", 0)
		want("at once")
		clock.Add(10 * time.Minute)
		want("after the least", "new")
		save("new", 1, pay.SettlementFailed, "frozen", 10*time.Minute)
		clock.Add(10 * time.Minute)
		want("twice the least", "tried for 20 minutes", "new")
		save("tried for 20 minutes", 2, pay.SettlementFailed, "frozen", 40*time.Minute)
		clock.Add(40 * time.Minute)
		want("after the most, longest left first", "tried for days", "new")
		read(t, s, func(tx *store.Tx) error {
			same(t, "left for a reason", len(must(tx.PaymentsLeft("ethereum", "no key", 9))), 1)
			same(t, "left for another", len(must(tx.PaymentsLeft("ethereum", "frozen", 9))), 0)
			return nil
		})
	})
}

// A settlement that is postponed goes behind others, and rests as long as it would have.
func TestPostponed(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, clock *testkit.Clock) {
		since := testkit.Epoch
		clock.Add(time.Hour)
		for n, began := range []time.Time{{}, since} { // one that never failed, and one that has for an hour
			i, p := fill[pay.Invoice](n), fill[pay.Payment](n)
			p.ID, p.InvoiceID, p.Depth = i.ID, i.ID, 0
			p.Settlement.At, p.Settlement.Since = clock.Now(), began
			write(t, s, func(tx *store.Tx) error { tx.AddInvoice(i); return nil })
			write(t, s, func(tx *store.Tx) error { return tx.SavePayment(p) })
			clock.Add(time.Minute)
			write(t, s, func(tx *store.Tx) error { return tx.PostponeSettlement(p.ID) })
			p.Settlement.At = clock.Now()
			if !began.IsZero() {
				p.Settlement.Since = began.Add(time.Minute)
			}
			clock.Add(-time.Minute)
			read(t, s, func(tx *store.Tx) error {
				got, _, err := tx.Payment(p.ID)
				same(t, "postponed", got, p)
				return err
			})
		}
	})
}

func blocks(ps ...pay.Payment) (hashes []string) {
	for _, p := range ps {
		hashes = append(hashes, p.Block.Hash)
	}
	slices.Sort(hashes)
	return hashes
}

// Whoever credits an invoice while its payments come into doubt does not write back that
// they were seen.
func TestDoubtWaitsForCredit(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		i, p := fill[pay.Invoice](0), fill[pay.Payment](0)
		p.Depth, p.InvoiceID, p.Network, p.Block.Height, p.Sight = 0, i.ID, "ethereum", 50, pay.Seen
		write(t, s, func(tx *store.Tx) error { tx.AddInvoice(i); return nil })
		write(t, s, func(tx *store.Tx) error { return tx.SavePayment(p) })
		reading, doubted := make(chan struct{}), make(chan error, 1)
		once := sync.OnceFunc(func() { close(reading) })
		go func() {
			<-reading
			doubted <- s.Write(t.Context(), func(tx *store.Tx) error { return tx.Doubt("ethereum", 10) })
		}()
		write(t, s, func(tx *store.Tx) error {
			must(tx.InvoiceForUpdate(i.ID))
			p := must(tx.PaymentsOf(i.ID))[0]
			once()
			select { // it has to wait; if it does not, this is long enough
			case err := <-doubted:
				doubted <- err
			case <-time.After(300 * time.Millisecond):
			}
			p.Amount++
			return tx.SavePayment(p)
		})
		if err := <-doubted; err != nil {
			t.Fatal(err)
		}
		write(t, s, func(tx *store.Tx) error {
			same(t, "sight", must(tx.PaymentsOf(i.ID))[0].Sight, pay.Doubtful)
			return nil
		})
	})
}

func TestLeased(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, clock *testkit.Clock) {
		leased := func(want bool) {
			t.Helper()
			read(t, s, func(tx *store.Tx) error { same(t, "leased", must(tx.Leased("a")), want); return nil })
		}
		leased(false)
		for range 2 { // any number of processes may renew what has no one holder
			write(t, s, func(tx *store.Tx) error {
				same(t, "got it", must(tx.Lease("a", "", tx.Now().Add(time.Hour))), true)
				return nil
			})
		}
		clock.Add(time.Hour)
		leased(true)
		clock.Add(time.Millisecond)
		leased(false)
	})
}
