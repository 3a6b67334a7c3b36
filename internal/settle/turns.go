package settle

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pepay/pepay/internal/pay"
)

// Turns is in which order a Mover asks about items, so that none of which nothing can be
// learned keeps others waiting. Its zero value is ready; it may be used concurrently.
type Turns struct {
	mu   sync.Mutex
	last uint64
	vain map[pay.SweepItem]uint64 // the turn at which an item was last asked about in vain
}

// Order returns items as they are to be asked about: those of which nothing could be learned
// come last, and of them those whose turn was the longest ago first.
func (t *Turns) Order(items []pay.SweepItem) []pay.SweepItem {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(items), func(a, b pay.SweepItem) int { return cmp.Compare(t.vain[a], t.vain[b]) })
}

// Learned says whether something could be learned of items.
func (t *Turns) Learned(something bool, items ...pay.SweepItem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range items {
		delete(t.vain, i)
	}
	if something {
		return
	}
	if t.vain == nil {
		t.vain = map[pay.SweepItem]uint64{}
	}
	t.last++
	for _, i := range items {
		t.vain[i] = t.last
	}
}
