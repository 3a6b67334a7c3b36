package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/jobs"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
	"github.com/pepay/pepay/internal/trace"
)

// What a job promises belongs to its run, and the run to what promised the job; a panic
// is a failed run, and a kind that is apart begins a trace.
func TestTracedRuns(t *testing.T) {
	t.Parallel()
	const promised = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	c := testkit.NewCollector(t)
	log := slog.New(slog.DiscardHandler)
	tr, err := trace.New(trace.Options{Endpoint: c.URL, PerThousand: 1000, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.OpenStore(t, store.Options{URL: filepath.Join(t.TempDir(), "test.db"), Now: time.Now})
	ran := make(chan string, 100)
	r := jobs.Runner{Store: s, Lease: time.Minute, Parallel: 4, Poll: time.Second, Log: log, Trace: tr, Apart: "apart", Handlers: map[string]jobs.Handler{
		"first": func(ctx context.Context, _ string) (time.Time, error) {
			ran <- "first"
			return time.Time{}, s.Write(ctx, func(tx *store.Tx) error { tx.AddJob("second", "", tx.Now()); return nil })
		},
		"second": func(context.Context, string) (time.Time, error) { ran <- "second"; return time.Time{}, nil },
		"apart":  func(context.Context, string) (time.Time, error) { ran <- "apart"; return time.Time{}, errors.New("no") },
		"panics": func(context.Context, string) (time.Time, error) { ran <- "panics"; panic("no") },
	}}
	if err := s.Write(pay.WithTrace(t.Context(), promised), func(tx *store.Tx) error {
		for _, kind := range []string{"first", "apart", "panics"} {
			tx.AddJob(kind, "x", tx.Now())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { r.Run(ctx, nil); close(stopped) }()
	for seen := map[string]bool{}; len(seen) < 4; {
		seen[<-ran] = true
	}
	stop()
	<-stopped
	tr.Close(t.Context())
	span := func(name string) testkit.Span {
		t.Helper()
		all := c.Spans("process " + name)
		if len(all) == 0 {
			t.Fatalf("no span of %s", name)
		}
		return all[0]
	}
	first, second, apart, panics := span("first"), span("second"), span("apart"), span("panics")
	if first.Parent != "00f067aa0ba902b7" || second.Parent != first.ID || panics.Parent != first.Parent || !panics.Failed || first.Failed {
		t.Errorf("%+v %+v %+v", first, second, panics)
	}
	if apart.Parent != "" || apart.Trace == first.Trace || !slices.Equal(apart.Links, []string{"00f067aa0ba902b7"}) || !apart.Failed {
		t.Errorf("%+v", apart)
	}
}
