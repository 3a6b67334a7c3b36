package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pepay/pepay/client"
)

// received is what a script's receiver of webhooks has taken, as "type status".
type received struct {
	mu  sync.Mutex
	got []string
	raw map[string]string // bodies by event id
}

type hookKey struct{}

// hook VAR SECRET starts a receiver of webhooks that takes what is signed with the
// secret, once it has refused the first.
func hook(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value(hookKey{}).(*received)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		e, err := client.VerifyWebhook(body, req.Header, args[1])
		if err != nil || req.Header.Get("X-Pepay-Event") != e.Type || req.Header.Get("X-Pepay-Event-ID") != e.ID || req.Header.Get("X-Pepay-Network-Environment") != "devnet" {
			http.Error(w, "not a webhook", http.StatusBadRequest)
			return
		}
		var v struct{ Status string }
		_ = json.Unmarshal(e.Data.Object, &v)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.got, r.raw[e.ID] = append(r.got, e.Type+" "+v.Status), string(body); len(r.got) == 1 {
			http.Error(w, "not now", http.StatusTeapot)
		}
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// hooked DIR TYPE STATUS waits until the receiver has such an event, and holds what it
// has to the events API of the deployment in DIR: the same bytes.
func hooked(ts *testscript.TestScript, _ bool, args []string) {
	r, want := ts.Value(hookKey{}).(*received), strings.Join(args[1:], " ")
	waitFor(ts, want, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.Contains(r.got, want)
	})
	f, err := readDevFile(ts.MkAbs(args[0] + "/dev.json"))
	ts.Check(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, body := range r.raw {
		req, err := http.NewRequest(http.MethodGet, f.BaseURL+"/api/v1/events/"+id, nil)
		ts.Check(err)
		req.Header.Set("x-api-key", f.MerchantAPIKey)
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		ts.Check(err)
		var v struct{ Data json.RawMessage }
		if err := json.Unmarshal(b, &v); err != nil || string(v.Data) != body {
			ts.Fatalf("%s was posted as %s, but is %s", id, body, b)
		}
	}
}
