package node

import (
	"context"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const (
	firstPause = time.Second     // how long a node is passed over after a fault, doubled with each
	longPause  = 2 * time.Minute // the longest a node is passed over
)

// State is what is thought of one node. A driver's own kind of node embeds a pointer to it.
type State struct {
	Name string // for logs: the address may hold a key

	mu      sync.Mutex
	checked bool // it is known to be of our network, since its last fault
	faults  int  // in the last while
	until   time.Time
	head    pay.Block // the newest block it claimed
}

func (s *State) state() *State { return s }

// Check makes sure with ask that the node is of our network: once, and again after each
// fault.
func (s *State) Check(ctx context.Context, ask func(context.Context) error) error {
	s.mu.Lock()
	checked := s.checked
	s.mu.Unlock()
	if checked {
		return nil
	}
	if err := ask(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.checked = true
	s.mu.Unlock()
	return nil
}

// Claimed returns the newest block that the node said it had when it was last asked; the
// zero block when it was not, or has been at fault since.
func (s *State) Claimed() pay.Block {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head
}

func (s *State) claim(b pay.Block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = b
}

// fault passes the node over for a while, longer each time, until it has done without
// faults for as long as the longest pause. Its claims are forgotten.
func (s *State) fault(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.until) > longPause {
		s.faults = 0
	}
	s.until = now.Add(min(firstPause<<min(s.faults, 16), longPause))
	s.faults++
	s.checked, s.head = false, pay.Block{}
}

func (s *State) pausedUntil() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}
