package testkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Sink receives webhooks and remembers them.
type Sink struct {
	URL string

	mu     sync.Mutex
	answer func(n int, r *http.Request) int
	got    []Received
}

// Received is one webhook as it arrived.
type Received struct {
	Header http.Header
	Body   []byte
	Status int // what it was answered
}

// NewSink starts a receiver. answer chooses the status for the nth request, counted
// from 1; nil takes everything.
func NewSink(t testing.TB, answer func(n int, r *http.Request) int) *Sink {
	t.Helper()
	s := &Sink{answer: answer}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		n, status := len(s.got)+1, http.StatusOK
		s.got = append(s.got, Received{r.Header.Clone(), body, 0})
		s.mu.Unlock()
		if s.answer != nil {
			status = s.answer(n, r)
		}
		s.mu.Lock()
		s.got[n-1].Status = status
		s.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Got returns what has arrived so far.
func (s *Sink) Got() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.got...)
}
