package app_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// soon fails the test when f does not end.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal(what, "does not end")
	}
}

// A start that fails near its end ends, says why, and leaves nothing running.
func TestStartThatFailsEnds(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	o := testkit.OptionsAt(t.TempDir()+"/p.db", testkit.StartChain(t).URL())
	o.Operations = taken.Addr().String()
	soon(t, "the start", func() {
		if _, err := app.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "operations_listen on "+o.Operations) {
			t.Error(err)
		}
	})
	o.Operations = ""
	soon(t, "the next start", func() { testkit.Run(t, o) })
}

// An HTTP server that ended by itself does not keep the rest from stopping.
func TestStopAfterTheServerEnded(t *testing.T) {
	t.Parallel()
	a, err := app.Start(t.Context(), testkit.OptionsAt(t.TempDir()+"/p.db", testkit.StartChain(t).URL()))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Break(a); err != nil {
		t.Fatal(err)
	}
	if err := <-a.Failed(); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	soon(t, "Stop", func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
