package fault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pepay/pepay/internal/devchain/fault"
)

// Each way to fail is met, what is not failed is answered as it is, and silence ends it.
func TestNode(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex // whoever hung up may still be answered
	height := 0
	n := fault.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		height++
		w.Header().Set("X-Asked", string(b))
		_, _ = io.WriteString(w, strings.Repeat("a", height))
	}), 1, 500)
	s := httptest.NewServer(n)
	defer s.Close()
	right, wrong := 0, 0
	for range 500 {
		mu.Lock()
		before := height
		mu.Unlock()
		r, err := http.Post(s.URL, "text/plain", strings.NewReader("question"))
		if err != nil {
			wrong++
			continue
		}
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK || string(b) != strings.Repeat("a", before+1) || r.Header.Get("X-Asked") != "question" {
			wrong++
			continue
		}
		right++
	}
	if right < 200 || wrong < 150 || len(n.Counts()) != 10 {
		t.Errorf("%d right, %d wrong, %v", right, wrong, n.Counts())
	}
	n.SetShare(0)
	for range 50 {
		r, err := http.Post(s.URL, "text/plain", nil)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(err)
		}
		_ = r.Body.Close()
	}
}
