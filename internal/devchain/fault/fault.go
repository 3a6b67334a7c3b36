// Package fault makes a node of a development chain fail now and then, in the ways that
// real ones do: for whoever wants to see that nothing is lost meanwhile.
package fault

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Node answers in the place of another, and badly now and then. The same seed fails in
// the same way, as far as requests come in the same order.
type Node struct {
	next http.Handler

	mu    sync.Mutex
	dice  *rand.Rand
	share int               // of a thousand requests
	old   map[string]answer // what was answered to the same request before
	count map[string]int
}

// answer is what a node said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// New returns a node that fails as often out of a thousand requests as share says.
func New(next http.Handler, seed uint64, share int) *Node {
	return &Node{next: next, dice: rand.New(rand.NewPCG(seed, 7)), share: share, old: map[string]answer{}, count: map[string]int{}} //nolint:gosec // chance that can be repeated
}

// SetShare changes how often it fails; 0 for never.
func (n *Node) SetShare(share int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.share = share
}

// Counts returns how often it failed in each way.
func (n *Node) Counts() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.count)
}

// The ways to fail.
var kinds = []string{"error", "limit", "reset", "truncate", "garbage", "empty", "page", "slow", "stale", "lost"}

// maxOld bounds the answers that are remembered.
const maxOld = 4096

// ServeHTTP implements http.Handler.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	question, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(question))
	kind, at := n.roll()
	switch kind {
	case "error":
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	case "limit":
		http.Error(w, "too many requests", http.StatusTooManyRequests)
		return
	case "reset":
		panic(http.ErrAbortHandler)
	case "page":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>502 Bad Gateway</body></html>")
		return
	case "empty":
		return
	case "slow":
		time.Sleep(time.Duration(at%200) * time.Millisecond)
	}
	key := r.Method + " " + r.URL.String() + "\n" + string(question)
	a := n.ask(r)
	was, known := n.remember(key, a)
	switch {
	case kind == "stale" && known:
		a = was
	case kind == "lost": // it did what it was asked, and its answer is lost
		panic(http.ErrAbortHandler)
	case kind == "truncate" && len(a.body) > 0:
		a.body = a.body[:at%len(a.body)]
	case kind == "garbage" && len(a.body) > 0:
		a.body = bytes.Clone(a.body)
		a.body[at%len(a.body)] = 1 // which no text may hold: a well-formed lie is another matter
	}
	for k, v := range a.header {
		if !a.trails(k) && k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // whoever asked is gone: nothing to be done
	for k, v := range a.header {
		if a.trails(k) {
			w.Header()[k] = v
		}
	}
}

// trails reports whether a header comes after the body.
func (a answer) trails(key string) bool {
	return strings.HasPrefix(key, http.TrailerPrefix) || slices.Contains(a.header["Trailer"], key)
}

func (n *Node) roll() (kind string, at int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at = n.dice.IntN(1 << 30); n.dice.IntN(1000) < n.share {
		kind = kinds[n.dice.IntN(len(kinds))]
		n.count[kind]++
	}
	return kind, at
}

// remember keeps an answer, and returns the one that the same question had before.
func (n *Node) remember(key string, a answer) (was answer, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if was, known = n.old[key]; len(n.old) >= maxOld {
		clear(n.old)
	}
	n.old[key] = a
	return was, known
}

func (n *Node) ask(r *http.Request) answer {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	n.next.ServeHTTP(w, r)
	return answer{w.status, w.header, w.body.Bytes()}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *recorder) Flush()                      {}
