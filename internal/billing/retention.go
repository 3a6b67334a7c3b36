package billing

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// JobForgetEvents is the kind of the daily job that drops events past their time.
const JobForgetEvents = "events.forget"

// How much one commit drops, so that it holds up nobody, and how many commits one
// run of the job makes before it lets others have their turn.
const (
	forgetPiece  = 500
	forgetPieces = 40
)

// ForgetEvents drops events and deliveries that are older than keep, a piece to a
// commit, and says when to go on: soon if there is more, else in a day. Ids are never
// given out twice, because a stream's counter and its last event stay.
func (b *Billing) ForgetEvents(ctx context.Context, keep time.Duration) (again time.Time, err error) {
	pieces := 0
	// piece commits f, and reports whether to call it again.
	piece := func(f func(tx *store.Tx) (int64, error)) bool {
		var n int64
		err = b.Store.Write(ctx, func(tx *store.Tx) (err error) {
			again = tx.Now().Add(24 * time.Hour)
			n, err = f(tx)
			return err
		})
		pieces += int(min(n, 1)) // one that found nothing cost nothing
		return err == nil && n == forgetPiece && pieces < forgetPieces
	}
	var before time.Time
	for last := int64(0); err == nil && pieces < forgetPieces; {
		var merchants []int64
		if err = b.Store.Read(ctx, func(tx *store.Tx) error {
			again, before = tx.Now().Add(24*time.Hour), tx.Now().Add(-keep)
			merchants, err = tx.AgedStreams(before, last, 1)
			return err
		}); err != nil || len(merchants) == 0 {
			break
		}
		last = merchants[0]
		for piece(func(tx *store.Tx) (int64, error) { return tx.ForgetEvents(last, before, forgetPiece) }) {
		}
	}
	for last := ""; err == nil && pieces < forgetPieces; {
		if err = b.Store.Read(ctx, func(tx *store.Tx) error {
			last, err = tx.NextDelivered(last)
			return err
		}); err != nil || last == "" {
			break
		}
		for piece(func(tx *store.Tx) (int64, error) { return tx.ForgetDeliveries(last, forgetPiece) }) {
		}
	}
	if pieces >= forgetPieces {
		again = again.Add(time.Second - 24*time.Hour)
	}
	return again, err
}
