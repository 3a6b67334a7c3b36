package pay_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// What attempts mean for their endpoint: who has been failing for how long, with an
// event of what age, answered how.
func TestEndpointAfter(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	ok, bad, gone, none := pay.Attempt{Status: 204}, pay.Attempt{Status: 500}, pay.Attempt{Status: 410}, pay.Attempt{Error: "refused"}
	for name, c := range map[string]struct {
		failing time.Duration // for how long, -1 for not
		age     time.Duration // of the oldest event
		as      []pay.Attempt
		since   time.Duration // failing then, -1 for not
		reason  pay.DisabledReason
	}{
		"nothing was attempted":      {6 * day, 2 * day, nil, 6 * day, ""},
		"taken":                      {-1, 0, []pay.Attempt{ok}, -1, ""},
		"the first failure":          {-1, 9 * day, []pay.Attempt{bad}, 0, ""},
		"no answer at all":           {-1, 0, []pay.Attempt{none}, 0, ""},
		"a redirect":                 {-1, 0, []pay.Attempt{{Status: 301}}, 0, ""},
		"another failure":            {3 * day, 2 * day, []pay.Attempt{bad, none}, 3 * day, ""},
		"one of many taken":          {6 * day, 6 * day, []pay.Attempt{bad, ok, none}, -1, ""},
		"a moment before five days":  {5*day - 1, 5 * day, []pay.Attempt{bad}, 5*day - 1, ""},
		"five days":                  {5 * day, 5 * day, []pay.Attempt{bad}, 5 * day, pay.DisabledFailing},
		"a new event after weeks":    {30 * day, day - 1, []pay.Attempt{bad}, 30 * day, ""},
		"that failed for a day":      {30 * day, day, []pay.Attempt{bad}, 30 * day, pay.DisabledFailing},
		"gone":                       {-1, 0, []pay.Attempt{gone}, 0, pay.DisabledGone},
		"gone, and took another":     {day, 0, []pay.Attempt{ok, gone}, -1, pay.DisabledGone},
		"gone after five days":       {5 * day, 5 * day, []pay.Attempt{gone}, 5 * day, pay.DisabledGone},
		"five days, and then it did": {9 * day, 9 * day, []pay.Attempt{ok}, -1, ""},
	} {
		e := pay.Endpoint{ID: "we", FailingSince: start.Add(-c.failing)}
		if c.failing < 0 {
			e.FailingSince = time.Time{}
		}
		want := start.Add(-c.since)
		if c.since < 0 {
			want = time.Time{}
		}
		e = e.After(c.as, start.Add(-c.age), start)
		if !e.FailingSince.Equal(want) || e.DisabledReason != c.reason || e.Enabled() != (c.reason == "") || !e.Enabled() && !e.DisabledAt.Equal(start) {
			t.Errorf("%s: failing since %s, disabled %q at %s", name, e.FailingSince, e.DisabledReason, e.DisabledAt)
		}
		later := e.Disable(pay.DisabledByMerchant, start.Add(time.Hour))
		if !e.Enabled() && later.DisabledReason != c.reason {
			t.Errorf("%s: the reason became %s", name, later.DisabledReason)
		}
		if back := later.Enable(); !back.Enabled() || back.DisabledReason != "" || !back.FailingSince.IsZero() || back.ID != "we" {
			t.Errorf("%s: enabled as %+v", name, back)
		}
	}
}

func TestEndpointPause(t *testing.T) {
	t.Parallel()
	var e pay.Endpoint
	e = e.After([]pay.Attempt{{Status: 429, Wait: time.Hour, At: start}, {Status: 429, Wait: time.Minute, At: start}, {Status: 200}}, start, start)
	if !e.PausedUntil.Equal(start.Add(time.Hour)) {
		t.Errorf("paused until %s", e.PausedUntil)
	}
	if e = e.After([]pay.Attempt{{Status: 503, Wait: time.Second, At: start}}, start, start); !e.PausedUntil.Equal(start.Add(time.Hour)) {
		t.Errorf("a shorter wait ends it at %s", e.PausedUntil)
	}
	if e = e.Enable(); !e.PausedUntil.IsZero() {
		t.Error("enabled, and still paused")
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	e := pay.Endpoint{Secret: []byte("a")}
	if e.Rotating(start) {
		t.Error("rotating before a rotation")
	}
	e = e.Rotate([]byte("b"), start)
	for after, want := range map[time.Duration]bool{0: true, 24*time.Hour - 1: true, 24 * time.Hour: false} {
		if e.Rotating(start.Add(after)) != want {
			t.Errorf("rotating after %s: %v", after, !want)
		}
	}
	if e = e.Rotate([]byte("c"), start.Add(time.Hour)); string(e.Secret)+string(e.Previous) != "cb" || !e.PreviousUntil.Equal(start.Add(25*time.Hour)) {
		t.Errorf("rotated twice: %s, %s until %s", e.Secret, e.Previous, e.PreviousUntil)
	}
}

// Every state a delivery can be in after an attempt: how often it was tried, and what
// was answered.
func TestDeliveryAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		earlier, number, status int
		wait                    time.Duration
		state                   pay.DeliveryState
		due                     time.Duration // after the attempt
	}{
		"taken":                     {0, 1, 200, 0, pay.DeliveryDone, -1},
		"taken at last":             {0, 17, 299, 0, pay.DeliveryDone, -1},
		"failed":                    {0, 1, 500, 0, pay.DeliveryDue, 5 * time.Second},
		"no answer":                 {0, 2, 0, 0, pay.DeliveryDue, 30 * time.Second},
		"asked to wait":             {0, 1, 429, time.Hour, pay.DeliveryDue, time.Hour},
		"asked to wait less":        {0, 7, 503, time.Minute, pay.DeliveryDue, time.Hour},
		"the last but one":          {0, 16, 404, 0, pay.DeliveryDue, 12 * time.Hour},
		"the last":                  {0, 17, 404, 0, pay.DeliveryDead, 0},
		"the last, asked to wait":   {0, 17, 429, time.Hour, pay.DeliveryDead, 0},
		"the first of a retry":      {17, 18, 500, 0, pay.DeliveryDue, 5 * time.Second},
		"the last of a retry":       {17, 34, 500, 0, pay.DeliveryDead, 0},
		"one that the retry missed": {2, 2, 500, 0, pay.DeliveryDead, 0},
	} {
		d := pay.Delivery{State: pay.DeliveryDue, Earlier: c.earlier, Attempts: c.number - 1, Due: start.Add(-1)}
		d = d.After(pay.Attempt{Number: c.number, Status: c.status, Wait: c.wait, At: start}, 0)
		if d.State != c.state || d.Attempts != c.number || !d.Due.Equal(start.Add(c.due)) {
			t.Errorf("%s: %s after %d, due after %s", name, d.State, d.Attempts, d.Due.Sub(start))
		}
	}
}

func TestReplayPieces(t *testing.T) {
	t.Parallel()
	r, ends := pay.Replay{First: 11, Last: 35, Position: 10, Total: 9}, []int64{}
	for r.Running() {
		end := r.Next(10)
		ends = append(ends, end)
		r = r.After(end, 2, start)
	}
	if len(ends) != 3 || ends[0] != 20 || ends[1] != 30 || ends[2] != 35 || r.Done != 6 || r.Total != 6 || !r.FinishedAt.Equal(start) {
		t.Errorf("pieces end at %v: %+v", ends, r)
	}
}
