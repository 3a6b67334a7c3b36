package pay

import "time"

// Endpoint is where a merchant wants its events delivered.
type Endpoint struct {
	ID             string
	MerchantID     int64
	URL            string
	Types          []string    // event types and wildcards; empty means all
	Environment    Environment // "" for both
	Secret         []byte      // sealed; only package auth can open it
	Previous       []byte      // sealed; the secret before the last rotation
	PreviousUntil  time.Time   // until when Previous signs, too
	DisabledAt     time.Time   // zero while it is enabled
	DisabledReason DisabledReason
	FailingSince   time.Time // the first failed attempt since it last took an event; zero for none
	PausedUntil    time.Time // what its receiver asked for
	CreatedAt      time.Time
}

// DisabledReason is why an endpoint is disabled.
type DisabledReason string

// The reasons for which an endpoint is disabled.
const (
	DisabledByMerchant DisabledReason = "merchant"
	DisabledGone       DisabledReason = "gone"    // its receiver answered 410
	DisabledFailing    DisabledReason = "failing" // it took nothing for five days
)

// How long the secret before a rotation signs too, how long an endpoint may take
// nothing before it is disabled, and how long a receiver may have us wait.
const (
	PreviousSecretLife = 24 * time.Hour
	MaxFailing         = 5 * 24 * time.Hour
	MaxPause           = 12 * time.Hour
)

// afresh is how old an event must be for its failing to disable an endpoint: one that
// took its last event long ago, and failed then, is first given a day with a new one.
const afresh = 24 * time.Hour

// Enabled reports whether events are delivered to the endpoint.
func (e Endpoint) Enabled() bool { return e.DisabledAt.IsZero() }

// Rotate gives the endpoint a new secret. The one it replaces signs, too, for a day;
// the one before that no more.
func (e Endpoint) Rotate(sealed []byte, now time.Time) Endpoint {
	e.Previous, e.PreviousUntil, e.Secret = e.Secret, now.Add(PreviousSecretLife), sealed
	return e
}

// Rotating reports whether the previous secret signs, too.
func (e Endpoint) Rotating(now time.Time) bool { return now.Before(e.PreviousUntil) }

// Disable ends deliveries until the endpoint is enabled; the first reason stays.
func (e Endpoint) Disable(why DisabledReason, now time.Time) Endpoint {
	if e.Enabled() {
		e.DisabledAt, e.DisabledReason = now, why
	}
	return e
}

// Enable forgets what was held against the endpoint.
func (e Endpoint) Enable() Endpoint {
	e.DisabledAt, e.DisabledReason, e.FailingSince, e.PausedUntil = time.Time{}, "", time.Time{}, time.Time{}
	return e
}

// After is what becomes of an endpoint after attempts at it. The oldest is when the
// oldest of the deliveries that were attempted was promised.
func (e Endpoint) After(as []Attempt, oldest, now time.Time) Endpoint {
	taken, gone := false, false
	for _, a := range as {
		taken, gone = taken || a.Taken(), gone || a.Status == 410
		if until := a.At.Add(a.Wait); a.Wait > 0 && until.After(e.PausedUntil) {
			e.PausedUntil = until
		}
	}
	switch {
	case len(as) == 0:
		return e
	case taken:
		e.FailingSince = time.Time{}
	case e.FailingSince.IsZero():
		e.FailingSince = now
	}
	switch {
	case gone:
		return e.Disable(DisabledGone, now)
	case !taken && now.Sub(e.FailingSince) >= MaxFailing && now.Sub(oldest) >= afresh:
		return e.Disable(DisabledFailing, now)
	}
	return e
}
