package chain

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const (
	// stepTime bounds one step, so that nothing can hold a watcher for ever.
	stepTime = 5 * time.Minute
	// maxPause is the longest wait between tries while steps fail.
	maxPause = time.Minute
)

// Status is how far a watcher got. The blocks are zero until a step has read
// them; when Head is far above Scanned the watcher is catching up.
type Status struct {
	Head, Scanned, Final pay.Block
	Err                  error     // why the last step failed, nil when it did not
	Success              time.Time // when a step last succeeded, zero if none did
}

// Status returns how far the watcher got.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *Watcher) progress(head, scanned, final pay.Block) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Head, w.status.Scanned, w.status.Final = head, scanned, final
}

// Run takes steps until ctx is done: at once while there is more to do, then
// every poll, and with growing pauses of up to a minute while steps fail. It logs
// when steps begin to fail, when they fail because of a deep fork, and when they
// succeed again.
func (w *Watcher) Run(ctx context.Context, poll time.Duration) {
	const healthy, failing, deep = "healthy", "failing", "deep fork"
	state, pause := healthy, poll
	for ctx.Err() == nil {
		step, cancel := context.WithTimeout(ctx, stepTime)
		more, err := w.Step(step)
		cancel()
		if ctx.Err() != nil {
			return
		}
		was := state
		switch {
		case err == nil:
			state, pause = healthy, poll
		case errors.Is(err, ErrDeepFork):
			state, pause = deep, maxPause
		default:
			if state != failing {
				pause = poll
			}
			state, pause = failing, min(2*pause, maxPause)
		}
		w.report(ctx, was != state, err)
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (w *Watcher) report(ctx context.Context, changed bool, err error) {
	at := slog.Uint64("scanned", w.Status().Scanned.Height)
	switch {
	case !changed:
	case err == nil:
		w.Log.InfoContext(ctx, "watcher recovered", at)
	case errors.Is(err, ErrDeepFork):
		w.Log.ErrorContext(ctx, "watcher stopped: the network replaced a final block, a person must decide", at, "error", err)
	default:
		w.Log.WarnContext(ctx, "watcher fails", at, "error", err)
	}
}
