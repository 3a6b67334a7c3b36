package billing

import (
	"sync"

	"github.com/pepay/pepay/internal/pay"
)

// search is how far the reading of a verification has come.
type search struct {
	left    map[pay.NetworkName][]uint64 // heights still to be read, of the networks that were begun
	further bool                         // some were read since it was taken up
}

// searches remembers, in memory, what verifications that were interrupted have still to
// read: another process, or this one started anew, begins again.
type searches struct {
	sync.Mutex
	of map[string]map[pay.NetworkName][]uint64
}

// maxSearches bounds how many are remembered; those that are forgotten begin again.
const maxSearches = 1000

// take returns what is left of a search, which is the caller's from then on.
func (s *searches) take(id string) *search {
	s.Lock()
	defer s.Unlock()
	left := s.of[id]
	if delete(s.of, id); left == nil {
		left = map[pay.NetworkName][]uint64{}
	}
	return &search{left: left}
}

func (s *searches) keep(id string, left map[pay.NetworkName][]uint64) {
	s.Lock()
	defer s.Unlock()
	if s.of == nil || len(s.of) >= maxSearches {
		s.of = map[string]map[pay.NetworkName][]uint64{}
	}
	s.of[id] = left
}
