package chain

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/trace"
)

// Watcher moves a Book along a network. Only one may do so at a time, which is
// the caller's to see to; it may stop, crash and start again anywhere.
type Watcher struct {
	Driver        Driver
	Book          Book
	Confirmations uint64           // blocks, counting the one that holds the deposit; at least 1
	Finality      pay.Finality     // what makes a block final instead of Confirmations, if the driver is a Finalizer; pay.Deep for nothing
	Batch         uint64           // most blocks to scan in one step, at least 1
	Probes        int              // most addresses to probe in one step, if the driver is a Prober
	Log           *slog.Logger     // Run reports changes of state here
	Now           func() time.Time // the clock of Status
	Network       pay.NetworkName  // in traces
	Trace         *trace.Tracer    // may be nil

	mu     sync.Mutex
	status Status
}

// Step takes the Book one batch along the network: it undoes a reorganisation,
// or else scans, finalizes and, at the head, probes. It reports whether there is
// more to do at once; if not, the caller waits for the next block. A step that
// failed may be taken again.
func (w *Watcher) Step(ctx context.Context) (more bool, err error) {
	ctx, span := w.Trace.Step(ctx, string(w.Network))
	more, err = w.step(pay.WithTrace(ctx, span.Traceparent()))
	span.Done(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status.Err = err; err == nil {
		w.status.Success = w.Now()
	}
	return more, err
}

func (w *Watcher) step(ctx context.Context) (more bool, err error) {
	scanned, final, err := w.Book.Position(ctx)
	if err != nil {
		return false, fmt.Errorf("read the position: %w", err)
	}
	head, err := w.Driver.Head(ctx)
	if err != nil {
		return false, fmt.Errorf("read the head: %w", err)
	}
	if final.Hash == "" {
		return w.start(ctx, head)
	}
	w.progress(head, scanned, final)
	if head.Height < scanned.Height { // a lagging node: wait for it
		return false, nil
	}
	last, found := scanned, Found{}
	if !head.Is(scanned) {
		if rewound, err := w.undo(ctx, scanned, final); err != nil || rewound {
			return rewound, err
		}
		if head.Height > scanned.Height {
			if found, err = w.Driver.Scan(ctx, scanned, min(head.Height, scanned.Height+max(w.Batch, 1)), w.Book.Ours); err != nil {
				return false, fmt.Errorf("scan after block %d: %w", scanned.Height, err)
			}
			last, found.After = found.Last, scanned
		}
	}
	target, err := w.deep(ctx, last, final)
	if err != nil {
		return false, err
	}
	// The chain must be the same after the scan, and after the block that is about
	// to be final was looked up.
	if !last.Is(scanned) || !target.Is(final) {
		if ok, err := w.canonical(ctx, last); err != nil || !ok {
			return false, orFork(err, last)
		}
	}
	if !last.Is(scanned) {
		if err := w.Book.See(ctx, found); err != nil {
			return false, fmt.Errorf("record block %d: %w", last.Height, err)
		}
		w.progress(head, last, final)
	}
	if !target.Is(final) {
		if err := w.Book.Finalize(ctx, target); err != nil {
			return false, fmt.Errorf("finalize block %d: %w", target.Height, err)
		}
		w.progress(head, last, target)
	}
	if last.Height < head.Height {
		return true, nil
	}
	return false, w.probe(ctx, last)
}

// start begins at the newest block that cannot be replaced any more, so that a
// reorganisation at the head on the first day is nothing special.
func (w *Watcher) start(ctx context.Context, head pay.Block) (more bool, err error) {
	var at pay.Block
	if f := w.finalizer(); f != nil {
		at, err = f.Final(ctx, w.Finality)
	} else {
		at, err = w.Driver.Block(ctx, head.Height+1-min(head.Height+1, max(w.Confirmations, 1)))
	}
	if err != nil {
		return false, fmt.Errorf("read the first block: %w", err)
	}
	if err := w.Book.Start(ctx, at); err != nil {
		return false, fmt.Errorf("start at block %d: %w", at.Height, err)
	}
	return true, nil
}

// undo rewinds when the scanned block is not on the chain any more.
func (w *Watcher) undo(ctx context.Context, scanned, final pay.Block) (rewound bool, err error) {
	if ok, err := w.canonical(ctx, final); err != nil {
		return false, err
	} else if !ok {
		return false, fmt.Errorf("block %d %s: %w", final.Height, final.Hash, ErrDeepFork)
	}
	if ok, err := w.canonical(ctx, scanned); err != nil || ok {
		return false, err
	}
	if err := w.Book.Rewind(ctx); err != nil {
		return false, fmt.Errorf("rewind to block %d: %w", final.Height, err)
	}
	return true, nil
}

// deep returns the newest block that is final when last is the newest scanned.
func (w *Watcher) deep(ctx context.Context, last, final pay.Block) (pay.Block, error) {
	if f := w.finalizer(); f != nil {
		return w.finalized(ctx, f, last, final)
	}
	confirmations := max(w.Confirmations, 1)
	if last.Height+1 <= final.Height+confirmations {
		return final, nil
	}
	if confirmations == 1 {
		return last, nil
	}
	b, err := w.Driver.Block(ctx, last.Height+1-confirmations)
	if err != nil {
		return pay.Block{}, fmt.Errorf("read the block to finalize: %w", err)
	}
	return b, nil
}

// finalizer is whom to ask what is final; nil where Confirmations tell.
func (w *Watcher) finalizer() Finalizer {
	if f, ok := w.Driver.(Finalizer); ok && w.Finality != pay.Deep {
		return f
	}
	return nil
}

// finalized asks the network. What it says is above us while we catch up, and may be of
// another branch than what the nodes agree on: then the next step asks again.
func (w *Watcher) finalized(ctx context.Context, f Finalizer, last, final pay.Block) (pay.Block, error) {
	if last.Height <= final.Height {
		return final, nil
	}
	at, err := f.Final(ctx, w.Finality)
	switch {
	case err != nil:
		return pay.Block{}, fmt.Errorf("ask which block is %s: %w", w.Finality, err)
	case at.Height > last.Height:
		return last, nil
	case at.Height <= final.Height:
		return final, nil
	}
	ok, err := w.canonical(ctx, at)
	if err != nil || !ok {
		return pay.Block{}, orFork(err, at)
	}
	return at, nil
}

func (w *Watcher) canonical(ctx context.Context, b pay.Block) (bool, error) {
	now, err := w.Driver.Block(ctx, b.Height)
	if err != nil {
		return false, fmt.Errorf("check block %d: %w", b.Height, err)
	}
	return now.Is(b), nil
}

// probe looks for deposits that only a balance shows.
func (w *Watcher) probe(ctx context.Context, at pay.Block) error {
	prober, ok := w.Driver.(Prober)
	if !ok || w.Probes <= 0 {
		return nil
	}
	probes, err := w.Book.Probes(ctx, w.Probes)
	if err != nil {
		return fmt.Errorf("read the probes: %w", err)
	}
	if len(probes) == 0 {
		return nil
	}
	ds, err := prober.Surplus(ctx, at, probes)
	if err != nil {
		return fmt.Errorf("probe %d balances: %w", len(probes), err)
	}
	if len(ds) == 0 {
		return nil
	}
	if ok, err := w.canonical(ctx, at); err != nil || !ok {
		return orFork(err, at)
	}
	if err := w.Book.See(ctx, Found{After: at, Last: at, Deposits: ds, Probes: probes}); err != nil {
		return fmt.Errorf("record surplus: %w", err)
	}
	return nil
}

func orFork(err error, b pay.Block) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("block %d was replaced while it was read: %w", b.Height, ErrFork)
}
