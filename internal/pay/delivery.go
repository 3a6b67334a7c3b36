package pay

import "time"

// DeliveryState is the state of a delivery.
type DeliveryState string

// The states of a delivery: due until a receiver took it or the schedule ended.
const (
	DeliveryDue  DeliveryState = "due"
	DeliveryDone DeliveryState = "done"
	DeliveryDead DeliveryState = "dead"
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	EndpointID string
	Event      Event
	State      DeliveryState
	Attempts   int
	Earlier    int // how many of them were made before the schedule last began
	Due        time.Time
	CreatedAt  time.Time
}

// Attempt is one try to deliver.
type Attempt struct {
	EndpointID string
	EventID    string
	Number     int
	Status     int           // the receiver's HTTP status, 0 when none came
	Error      string        // why none came
	Body       string        // how its answer begins: at most MaxAnswer bytes of UTF-8
	Wait       time.Duration // how long it asked us to wait, 0 if it did not
	Latency    time.Duration
	At         time.Time
}

// MaxAnswer is how many bytes of a receiver's answer are kept.
const MaxAnswer = 1 << 10

// Taken reports whether the receiver took the event.
func (a Attempt) Taken() bool { return a.Status/100 == 2 }

// After is what becomes of a delivery after an attempt: done, tried again after the
// schedule's wait or the receiver's if that is longer, or given up. For jitter see
// NextAttempt.
func (d Delivery) After(a Attempt, jitter float32) Delivery {
	d.Attempts = a.Number
	if a.Taken() {
		d.State = DeliveryDone
		return d
	}
	wait, more := NextAttempt(a.Number-d.Earlier, jitter)
	if d.Due = a.At.Add(max(wait, a.Wait)); !more {
		d.State, d.Due = DeliveryDead, a.At
	}
	return d
}

// retries are the waits after each failed attempt: quick at first, then growing
// to half a day, over 79 hours in all before jitter.
var retries = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour, 10 * time.Hour, 10 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// NextAttempt is how long to wait after the given number of failed attempts, and
// false when the schedule has ended. Jitter, from 0 to 1, spreads the wait over
// the tenth above it so that a recovered receiver is not met by a herd.
func NextAttempt(failed int, jitter float32) (time.Duration, bool) {
	if failed < 1 || failed > len(retries) {
		return 0, false
	}
	d := retries[failed-1]
	return d + time.Duration(float32(d/10)*min(max(jitter, 0), 1)), true
}
