// Package jobs runs work that committed transactions promised.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/trace"
)

// Handler does one job. A job is done when it returns a zero time and no error;
// otherwise it runs again, at the time or after a growing pause. It may run again
// even after it was done, if the process died before that was written down: what a
// handler does twice must equal once. It should return soon after ctx ends.
type Handler func(ctx context.Context, arg string) (again time.Time, err error)

// Runner claims due jobs and hands each to the handler of its kind. Any number of
// runners may share a database.
type Runner struct {
	Store    *store.Store
	Handlers map[string]Handler
	Lease    time.Duration // how long a job may run before another runner takes it over
	Parallel int           // how many run at a time
	// Patient are the kinds that may wait for strangers, and how many of each run at a time
	// at most: together fewer than Parallel, so that what waits for nobody goes on.
	Patient map[string]int
	Poll    time.Duration // how long to sleep at most when nothing is due
	Log     *slog.Logger
	Meter   *meter.Meter  // may be nil
	Trace   *trace.Tracer // may be nil
	Apart   string        // a kind whose runs do what many promised: each is a trace of its own
}

// backoff is the pause after a failed attempt: 1 s, 2 s, 4 s … five minutes.
func backoff(attempt int) time.Duration {
	return min(time.Second<<min(max(attempt-1, 0), 9), 5*time.Minute)
}

// Run runs jobs until ctx ends and those under way have returned. wake makes it
// look at once; it also looks when the next job it knows of is due.
func (r *Runner) Run(ctx context.Context, wake <-chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var busy atomic.Int32
	patient := map[string]*atomic.Int32{}
	for kind := range r.Patient {
		patient[kind] = new(atomic.Int32)
	}
	ended := make(chan struct{}, 1)
	for ctx.Err() == nil {
		n, except, freed := r.Parallel-int(busy.Load()), []string(nil), (<-chan struct{})(nil)
		for kind, most := range r.Patient {
			if room := most - int(patient[kind].Load()); room > 0 {
				n = min(n, room)
			} else {
				except = append(except, kind)
			}
		}
		if n <= 0 || len(except) > 0 { // there may be work that waits for an end
			freed = ended
		}
		jobs, next, err := r.claim(ctx, n, except)
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "claiming jobs", "err", err)
		}
		for _, j := range jobs {
			waits, ok := patient[j.Kind]
			if !ok {
				waits = new(atomic.Int32)
			}
			busy.Add(1)
			waits.Add(1)
			wg.Go(func() {
				r.run(ctx, j)
				busy.Add(-1)
				waits.Add(-1)
				select {
				case ended <- struct{}{}:
				default:
				}
			})
		}
		if len(jobs) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-freed:
		case <-time.After(next):
		}
	}
}

// pause is how long to wait when there is work, but others were quicker to take it.
const pause = 10 * time.Millisecond

// claim takes up to n due jobs and says how long it is until the next one.
func (r *Runner) claim(ctx context.Context, n int, except []string) (jobs []store.Job, next time.Duration, err error) {
	next = r.Poll
	if n <= 0 {
		return nil, r.Poll, nil
	}
	err = r.Store.Look(ctx, func(tx *store.Tx) error { // costs no commit
		due, ok, err := tx.NextJob(except...)
		if ok {
			next = min(max(due.Sub(tx.Now()), 0), r.Poll)
		}
		return err
	})
	if err != nil || next > 0 {
		return nil, next, err
	}
	if err = r.Store.WriteAlone(ctx, func(tx *store.Tx) error {
		jobs, err = tx.ClaimJobs(n, r.Lease, except...)
		return err
	}); err != nil {
		return nil, r.Poll, err
	}
	return jobs, pause, nil
}

// run does one job and records what became of it. If that fails the job's lease
// ends by itself and it runs again.
func (r *Runner) run(ctx context.Context, j store.Job) {
	ctx, cancel := context.WithTimeout(ctx, r.Lease-r.Lease/10)
	defer cancel()
	again, err := r.traced(ctx, j)
	if err != nil && !errors.Is(err, context.Canceled) {
		r.Log.WarnContext(ctx, "job failed and will run again", "kind", j.Kind, "arg", j.Arg, "attempt", j.Attempt, "err", err)
	}
	outcome := "done"
	switch {
	case err != nil:
		outcome = "failed"
	case !again.IsZero():
		outcome = "again"
	}
	r.Meter.Job(j.Kind, outcome)
	if err := r.Store.WriteAlone(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		switch {
		case err != nil:
			return tx.RetryJob(j, tx.Now().Add(backoff(j.Attempt)))
		case !again.IsZero(): // which is no failure: what fails next is the first to do so
			j.Attempt = 0
			return tx.RetryJob(j, again)
		}
		return tx.DoneJob(j)
	}); err != nil {
		r.Log.ErrorContext(ctx, "job not recorded; its lease will end", "kind", j.Kind, "arg", j.Arg, "err", err)
	}
}

// traced is handle, told to the collector.
func (r *Runner) traced(ctx context.Context, j store.Job) (again time.Time, err error) {
	ctx, span := r.Trace.Job(ctx, j.Trace, j.Kind == r.Apart, j.Kind, j.Arg, j.Attempt)
	defer func() { span.Done(err) }()
	return r.handle(pay.WithTrace(ctx, span.Traceparent()), j)
}

func (r *Runner) handle(ctx context.Context, j store.Job) (again time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	h, ok := r.Handlers[j.Kind]
	if !ok {
		return again, fmt.Errorf("no handler for jobs of kind %q", j.Kind)
	}
	return h(ctx, j.Arg)
}
