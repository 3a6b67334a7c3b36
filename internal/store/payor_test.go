package store_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// What payors say, what merchants take, and what is searched for comes back, and
// changes.
func TestPayorRoundTrips(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, clock *testkit.Clock) {
		i := fill[pay.Invoice](1)
		write(t, s, func(tx *store.Tx) error { tx.AddInvoice(i); return nil })
		for _, rs := range [][]pay.Response{{{QuestionID: "q", Text: "it's \"so\"\n%"}}, {}, {{QuestionID: "a"}, {QuestionID: "b", Text: "日"}}} {
			clock.Add(time.Second)
			write(t, s, func(tx *store.Tx) error { return tx.SaveResponses(i.ID, rs) })
			read(t, s, func(tx *store.Tx) error {
				got, at, err := tx.Responses(i.ID)
				same(t, "responses", []any{got, at, err}, []any{rs, clock.Now(), nil})
				got, at, err = tx.Responses("none")
				same(t, "no responses", []any{len(got), at.IsZero(), err}, []any{0, true, nil})
				return nil
			})
		}
		for _, a := range []pay.Acceptance{{Policy: pay.AcceptAll}, {Policy: pay.Selective, Blocked: []int64{2, 1 << 40}}, {Policy: pay.AcceptNone, Blocked: []int64{3}}, {Policy: pay.Selective}} {
			read(t, s, func(tx *store.Tx) error {
				same(t, "of somebody else", must(tx.Acceptance(8)), pay.Acceptance{Policy: pay.AcceptAll})
				return nil
			})
			write(t, s, func(tx *store.Tx) error {
				check(tx.SaveAcceptance(7, a))
				same(t, "acceptance", must(tx.AcceptanceForUpdate(7)), a)
				same(t, "a first one", must(tx.AcceptanceForUpdate(9)), pay.Acceptance{Policy: pay.AcceptAll})
				return nil
			})
		}
		v, older := fill[pay.Verification](2), fill[pay.Verification](3)
		v.InvoiceID, older.InvoiceID, older.CreatedAt = i.ID, i.ID, v.CreatedAt.Add(-time.Second)
		write(t, s, func(tx *store.Tx) error {
			check(tx.SaveVerification(v))
			check(tx.SaveVerification(older))
			changed := fill[pay.Verification](4)
			v.State, v.Attempts, v.NextAt, v.UpdatedAt, v.CompletedAt = changed.State, changed.Attempts, changed.NextAt, changed.UpdatedAt, changed.CompletedAt
			v.Outcome, v.Message, v.Payments = changed.Outcome, changed.Message, nil
			check(tx.SaveVerification(v))
			got, ok, err := tx.Verification(v.ID)
			same(t, "verification", []any{got, ok, err}, []any{v, true, nil})
			got, ok, err = tx.LatestVerification(i.ID)
			same(t, "the newest", []any{got, ok, err}, []any{v, true, nil})
			got, _, err = tx.Verification(older.ID)
			same(t, "another", []any{got, err}, []any{older, nil})
			_, ok, err = tx.LatestVerification("none")
			same(t, "none", []any{ok, err}, []any{false, nil})
			return nil
		})
	})
}
