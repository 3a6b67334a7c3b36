package notify

import (
	"sync"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// hangs remembers the endpoints that make us wait in vain, so that one with
// thousands of deliveries due costs one attempt now and then: while an endpoint
// hangs it is asked with a single delivery, after a pause that grows to two
// minutes. It is kept in memory, by each node for itself: forgetting costs an attempt.
type hangs struct {
	mu sync.Mutex
	by map[string]hang // by endpoint
}

type hang struct {
	times int // in a row
	until time.Time
}

// maxPause is the step of the retry schedule at which the pause stops growing.
const maxPause = 3

// saw records how an endpoint behaved in a round.
func (h *hangs) saw(endpoint string, quick bool, now time.Time) {
	if quick {
		h.forget(endpoint)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]hang{}
	}
	times := min(h.by[endpoint].times+1, maxPause)
	pause, _ := pay.NextAttempt(times, 0)
	h.by[endpoint] = hang{times, now.Add(pause)}
}

// until is when a hanging endpoint may be asked again; zero for one that does not
// hang.
func (h *hangs) until(endpoint string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.by[endpoint].until
}

// ration returns which of the deliveries due to attempt: the first if the endpoint
// hangs. An attempt in vain puts a delivery behind the others, so it is not always
// the same one.
func (h *hangs) ration(endpoint string, due []pay.Delivery) []pay.Delivery {
	if h.until(endpoint).IsZero() {
		return due
	}
	return due[:1]
}

// forget drops an endpoint that does not hang, or is gone.
func (h *hangs) forget(endpoint string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, endpoint)
}
