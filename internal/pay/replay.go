package pay

import "time"

// Replay delivers events of the past to an endpoint once more, a piece at a time.
type Replay struct {
	ID          string
	EndpointID  string
	First, Last int64 // sequence numbers, both inclusive
	Position    int64 // events up to here were looked at
	Total       int64 // how many events the endpoint asks for were in the range when it began
	Done        int64 // how many were promised anew
	CreatedAt   time.Time
	FinishedAt  time.Time // zero while it is under way
}

// Running reports whether the replay is under way.
func (r Replay) Running() bool { return r.FinishedAt.IsZero() }

// Next is where the replay's next piece of at most n sequence numbers ends.
func (r Replay) Next(n int64) int64 { return min(r.Position+n, r.Last) }

// After is the replay after a piece that ended there and promised so many events anew.
func (r Replay) After(end, promised int64, now time.Time) Replay {
	r.Position, r.Done = end, r.Done+promised
	if r.Position >= r.Last {
		r.FinishedAt, r.Total = now, r.Done // what the endpoint asks for may have changed meanwhile
	}
	return r
}
