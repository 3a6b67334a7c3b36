package pay_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Every state of a merchant's payout address against every change of it.
func TestPayoutGrid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	later, past := now.Add(time.Hour), now.Add(-time.Second)
	none, a := pay.Payout{}, pay.Payout{Address: "A"}
	waits := pay.Payout{Address: "A", Next: "B", NextAt: later}
	due := pay.Payout{Address: "A", Next: "B", NextAt: past}
	const delay = 24 * time.Hour
	is := func(payout, next string, at time.Time) pay.Payout {
		return pay.Payout{Address: payout, Next: next, NextAt: at}
	}
	for name, c := range map[string]struct {
		from  pay.Payout
		to    string
		delay time.Duration
		want  pay.Payout
	}{
		"the first counts at once":       {none, "A", delay, is("A", "", time.Time{})},
		"the same changes nothing":       {a, "A", delay, a},
		"another waits":                  {a, "B", delay, is("A", "B", now.Add(delay))},
		"another without a delay":        {a, "B", 0, is("B", "", time.Time{})},
		"the old one takes it back":      {waits, "A", delay, a},
		"the same again does not extend": {waits, "B", delay, waits},
		"a third begins anew":            {waits, "C", delay, is("A", "C", now.Add(delay))},
		"no delay cuts the wait":         {waits, "B", 0, is("B", "", time.Time{})},
		"what is due has happened":       {due, "B", delay, is("B", "", time.Time{})},
		"back again is a change":         {due, "A", delay, is("B", "A", now.Add(delay))},
		"after what is due":              {due, "C", delay, is("B", "C", now.Add(delay))},
	} {
		if got := c.from.To(c.to, now, c.delay); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if m := waits.At(later); m != is("B", "", time.Time{}) {
		t.Errorf("when its time comes: %+v", m)
	}
	if m := waits.At(later.Add(-time.Millisecond)); m != waits {
		t.Errorf("before its time: %+v", m)
	}
}
