package pay_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Since when a settlement fails, for each state and each that follows on it: what waits on
// the way does not count, and what begins anew forgets.
func TestSettlementAfter(t *testing.T) {
	t.Parallel()
	first, now := time.Unix(1000, 0), time.Unix(2000, 0)
	for _, since := range []time.Time{{}, first} {
		kept := since
		if since.IsZero() {
			kept = now
		}
		for _, before := range []pay.SettlementStatus{pay.SettlementPending, pay.SettlementProcessing, pay.SettlementFailed, pay.SettlementManual} {
			for status, want := range map[pay.SettlementStatus]time.Time{
				pay.SettlementFailed: kept, pay.SettlementProcessing: since, pay.SettlementPending: {}, pay.SettlementManual: {}, pay.SettlementSettled: {},
			} {
				to := pay.Settlement{ID: 7, Status: status, At: now}
				got := to.After(pay.Settlement{ID: 7, Status: before, At: first, Since: since})
				if to.Since = want; got != to {
					t.Errorf("%s since %s, then %s: %+v", before, since, status, got)
				}
			}
		}
	}
}
