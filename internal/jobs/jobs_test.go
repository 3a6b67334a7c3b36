package jobs_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/internal/jobs"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A bench is a runner in a bubble of its own, where time passes only while
// everybody waits.
type bench struct {
	*testing.T
	runner jobs.Runner
	wake   chan struct{}
	stop   func()
	log    bytes.Buffer
	mu     sync.Mutex
	runs   []string // "arg at second"
	start  time.Time
}

// inBubble runs f with a runner, which does not run yet, of jobs of kind k.
func inBubble(t *testing.T, handle func(b *bench, ctx context.Context, arg string, run int) (time.Time, error), f func(b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, wake: make(chan struct{}, 1), start: time.Now()}
		b.runner = jobs.Runner{
			Store: testkit.OpenStore(t, store.Options{URL: filepath.Join(dir, "test.db"), Now: time.Now}),
			Lease: time.Minute, Parallel: 4, Poll: time.Second, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
			Patient: map[string]int{"patient": 3, "calm": 2},
		}
		run := func(ctx context.Context, arg string) (time.Time, error) {
			b.mu.Lock()
			b.runs = append(b.runs, fmt.Sprintf("%s at %s", strings.TrimRight(arg, "0123456789"), time.Since(b.start).Truncate(time.Second)))
			run := len(b.runs)
			b.mu.Unlock()
			return handle(b, ctx, arg, run)
		}
		b.runner.Handlers = map[string]jobs.Handler{"k": run, "patient": run, "calm": run}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		b.stop = func() { stop(); <-done }
		go func() { defer close(done); b.runner.Run(ctx, b.wake) }()
		synctest.Wait() // it has looked, and looks again in a second
		f(b)
		b.stop()
	})
}

func (b *bench) promise(arg string, in time.Duration) {
	b.Helper()
	b.add("k", arg, in)
}

func (b *bench) add(kind, arg string, in time.Duration) {
	b.Helper()
	if err := b.runner.Store.Write(b.Context(), func(tx *store.Tx) error { tx.AddJob(kind, arg, tx.Now().Add(in)); return nil }); err != nil {
		b.Fatal(err)
	}
}

// after waits and reports what has run.
func (b *bench) after(d time.Duration, want ...string) {
	b.Helper()
	time.Sleep(d)
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.runs, want) {
		b.Errorf("after %s ran %q, want %q", time.Since(b.start), b.runs, want)
	}
}

func (b *bench) empty(want bool) {
	b.Helper()
	if err := b.runner.Store.Read(b.Context(), func(tx *store.Tx) error {
		if at, ok, err := tx.NextJob(""); ok == want || err != nil {
			b.Errorf("next job %v at %s, %v", ok, at.Sub(b.start), err)
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

type handler = func(b *bench, ctx context.Context, arg string, run int) (time.Time, error)

func done(*bench, context.Context, string, int) (time.Time, error) { return time.Time{}, nil }

func TestRunner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle handler
		f      func(b *bench)
	}{
		"done is done": {done, func(b *bench) {
			b.promise("a", 0)
			b.promise("b", 90*time.Second)
			b.after(4*time.Minute, "a at 1s", "b at 1m30s")
			b.empty(true)
		}},
		"a wake is heard at once": {done, func(b *bench) {
			b.after(1500 * time.Millisecond)
			b.promise("a", 0)
			b.wake <- struct{}{}
			b.after(10*time.Millisecond, "a at 1s")
		}},
		"those that wait for strangers leave room": {func(b *bench, _ context.Context, arg string, _ int) (time.Time, error) {
			if arg[0] == 'p' {
				time.Sleep(30 * time.Second)
			}
			return time.Time{}, nil
		}, func(b *bench) {
			for n := range 5 {
				b.add("patient", fmt.Sprint("p", n), 0)
			}
			b.after(1500*time.Millisecond, "p at 1s", "p at 1s", "p at 1s")
			b.promise("a", 0)
			b.wake <- struct{}{}
			b.after(10*time.Second, "p at 1s", "p at 1s", "p at 1s", "a at 1s")
			b.after(60*time.Second, "p at 1s", "p at 1s", "p at 1s", "a at 1s", "p at 31s", "p at 31s")
			b.empty(true)
		}},
		"one kind of them leaves room for another": {func(b *bench, _ context.Context, arg string, _ int) (time.Time, error) {
			time.Sleep(30 * time.Second)
			return time.Time{}, nil
		}, func(b *bench) {
			for n := range 9 {
				b.add("calm", fmt.Sprint("c", n), 0)
			}
			b.after(1500*time.Millisecond, "c at 1s", "c at 1s")
			b.add("patient", "p", 0)
			b.promise("a", time.Second)
			b.wake <- struct{}{}
			b.after(10*time.Second, "c at 1s", "c at 1s", "p at 1s", "a at 2s")
		}},
		"again at the time it names": {func(b *bench, _ context.Context, _ string, run int) (time.Time, error) {
			if run == 1 {
				return b.start.Add(10 * time.Second), nil
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 10s")
			b.empty(true)
		}},
		"errors wait ever longer": {func(_ *bench, _ context.Context, _ string, run int) (time.Time, error) {
			if run <= 5 {
				return time.Time{}, errors.New("not yet")
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 2s", "a at 4s", "a at 8s", "a at 16s", "a at 32s")
			b.empty(true)
			if n := strings.Count(b.log.String(), "not yet"); n != 5 {
				b.Errorf("%d failures in the log:\n%s", n, &b.log)
			}
		}},
		"looks that end well are no failures": {func(b *bench, _ context.Context, _ string, run int) (time.Time, error) {
			switch {
			case run <= 3:
				return time.Now().Add(time.Second), nil
			case run == 4:
				return time.Time{}, errors.New("not yet")
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 2s", "a at 3s", "a at 4s", "a at 5s")
			b.empty(true)
		}},
		"at most five minutes": {func(*bench, context.Context, string, int) (time.Time, error) {
			return time.Time{}, errors.New("never")
		}, func(b *bench) {
			b.promise("a", 0)
			time.Sleep(time.Hour)
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if n := len(b.runs); n < 17 || n > 21 {
				b.Errorf("ran %d times in an hour", n)
			}
		}},
		"a panic is an error": {func(_ *bench, _ context.Context, _ string, run int) (time.Time, error) {
			if run == 1 {
				panic("oops")
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 2s")
			b.empty(true)
			if !strings.Contains(b.log.String(), "oops") {
				b.Errorf("the log does not say why:\n%s", &b.log)
			}
		}},
		"an unknown kind waits for somebody who knows it": {done, func(b *bench) {
			b.add("unknown", "u", 0)
			b.promise("a", 0)
			b.after(10*time.Second, "a at 1s")
			b.empty(false)
		}},
		"a stop waits for what runs, which runs again": {func(b *bench, ctx context.Context, _ string, run int) (time.Time, error) {
			if run == 1 {
				<-ctx.Done()
				time.Sleep(3 * time.Second)
				return time.Time{}, ctx.Err()
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(2*time.Second, "a at 1s")
			b.stop()
			if d := time.Since(b.start); d != 5*time.Second {
				b.Errorf("stopped after %s", d)
			}
			b.empty(false)
			if b.log.Len() > 0 {
				b.Errorf("a stop is no failure:\n%s", &b.log)
			}
		}},
		"a job that ends before its lease does is told to": {func(_ *bench, ctx context.Context, _ string, run int) (time.Time, error) {
			if run == 1 {
				<-ctx.Done()
				return time.Time{}, ctx.Err()
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 56s") // 54 s, and a second to rest
			b.empty(true)
		}},
		"a job that outlives its lease is taken over, and its late end harms nobody": {func(_ *bench, _ context.Context, _ string, run int) (time.Time, error) {
			time.Sleep([]time.Duration{0, 90 * time.Second, 50 * time.Second}[min(run, 2)])
			if run == 1 {
				return time.Time{}, errors.New("too late")
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 1m1s")
			b.empty(true)
		}},
		"promised while it runs, it runs again": {func(b *bench, _ context.Context, arg string, run int) (time.Time, error) {
			if run == 1 {
				b.promise(arg, 0)
				time.Sleep(4500 * time.Millisecond)
			}
			return time.Time{}, nil
		}, func(b *bench) {
			b.promise("a", 0)
			b.after(4*time.Minute, "a at 1s", "a at 6s")
			b.empty(true)
		}},
		"no more than Parallel at a time": {func(*bench, context.Context, string, int) (time.Time, error) {
			time.Sleep(10 * time.Second)
			return time.Time{}, nil
		}, func(b *bench) {
			for _, arg := range []string{"a", "b", "c", "d", "e", "f"} {
				b.promise(arg, 0)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			b.mu.Lock()
			n := len(b.runs)
			b.mu.Unlock()
			if n != 4 {
				b.Errorf("%d run at a time", n)
			}
			time.Sleep(time.Minute)
			b.empty(true)
		}},
		"a database that fails is not asked without pause": {done, func(b *bench) {
			db, err := sql.Open("sqlite", b.runner.Store.URL)
			if err == nil { // reads go on, claims fail: as on a full disk
				_, err = db.ExecContext(b.Context(), `CREATE TRIGGER broken BEFORE UPDATE ON jobs BEGIN SELECT RAISE(FAIL, 'broken'); END`)
			}
			if err = errors.Join(err, db.Close()); err != nil {
				b.Fatal(err)
			}
			b.promise("a", 0)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if n := strings.Count(b.log.String(), "claiming jobs"); n == 0 || n > 12 {
				b.Errorf("asked %d times in ten seconds", n)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, c.handle, c.f)
		})
	}
}

// Two runners on one database share the work: every job runs, and runs once.
func TestRunnersShare(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := new(testkit.Clock)
		o := store.Options{URL: url, Now: c.Now}
		nodes := []*store.Store{testkit.OpenStore(t, o), testkit.OpenStore(t, o)}
		const all = 200
		if err := nodes[0].Write(t.Context(), func(tx *store.Tx) error {
			for n := range all {
				tx.AddJob("k", fmt.Sprint(n), tx.Now())
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		runs := map[string]int{}
		ctx, stop := context.WithCancel(t.Context())
		var g sync.WaitGroup
		for n := range 4 {
			r := jobs.Runner{Store: nodes[n%2], Lease: time.Hour, Parallel: 8, Poll: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
			r.Handlers = map[string]jobs.Handler{"k": func(_ context.Context, arg string) (time.Time, error) {
				mu.Lock()
				defer mu.Unlock()
				runs[arg]++
				return time.Time{}, nil
			}}
			g.Go(func() { r.Run(ctx, nil) })
		}
		testkit.Eventually(t, "all jobs run and are forgotten", func() bool {
			left := true
			if err := nodes[0].Read(t.Context(), func(tx *store.Tx) (err error) { _, left, err = tx.NextJob(""); return err }); err != nil {
				t.Error(err)
			}
			return !left
		})
		stop()
		g.Wait()
		if len(runs) != all {
			t.Errorf("%d jobs ran, want %d", len(runs), all)
		}
		for arg, n := range runs {
			if n != 1 {
				t.Errorf("job %s ran %d times", arg, n)
			}
		}
	})
}
