package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/jobs"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/store"
)

// jobForget is the kind of the daily job that drops idempotent answers nobody will
// ask for again, sign-ins that are over, and carts that nobody has touched for long.
const jobForget = "answers.forget"

// keepAnswers is how long a repeated request gets its first answer: twice the day
// that the contract asks for.
const keepAnswers = 48 * time.Hour

// handlers is every kind of job and who does it.
func (a *App) handlers(s *settle.Settler, g *notify.Guard) map[string]jobs.Handler {
	d := &notify.Deliverer{Store: a.Store, Auth: a.Billing.Auth, Client: g.Client(notify.WebhookTimeout), Now: a.Now, Log: a.Log, Meter: a.meter, Trace: a.tracer}
	return map[string]jobs.Handler{
		store.JobDeliver:  d.Deliver,
		billing.JobExpire: a.Billing.Expire,
		billing.JobVerify: a.Billing.Verify,
		billing.JobPrice: func(ctx context.Context, invoice string) (time.Time, error) {
			return time.Time{}, a.Billing.Price(ctx, invoice)
		},
		billing.JobSettle: s.Settle,
		billing.JobOrder:  a.Commerce.Advance,
		billing.JobRefund: a.payer.Pay,
		billing.JobReplay: a.Billing.ContinueReplay,
		billing.JobForgetEvents: func(ctx context.Context, _ string) (again time.Time, err error) {
			if a.KeepEvents == 0 { // it was promised under another configuration
				return again, nil
			}
			return a.Billing.ForgetEvents(ctx, a.KeepEvents)
		},
		jobForget: a.forget,
	}
}

// holdKeys says again and again what this process can pay out, which others then leave to it.
func (a *App) holdKeys(ctx context.Context) {
	for ctx.Err() == nil {
		wait := settle.Tenure / 24
		if err := errors.Join(a.settler.Hold(ctx), a.payer.Hold(ctx)); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "saying what is paid out here", "err", err)
			wait = time.Second
		}
		pause(ctx, wait)
	}
}

// forgetPiece is how much of each a unit drops, so that it holds up nobody.
const forgetPiece = 500

// forget drops a piece of everything that has had its time, and says when to go on: at
// once if there may be more, else in a day.
func (a *App) forget(ctx context.Context, _ string) (again time.Time, err error) {
	more := false
	for _, of := range []struct {
		drop func(tx *store.Tx, before time.Time, n int) (int64, error)
		keep time.Duration
	}{
		{(*store.Tx).ForgetChallenges, 0},
		{(*store.Tx).ForgetLogins, 0},
		{(*store.Tx).ForgetEstimates, keepAnswers},
		{(*store.Tx).ForgetCarts, pay.CartLife},
		{(*store.Tx).ForgetAnswers, keepAnswers},
	} {
		var n int64
		var now time.Time
		if err := a.Store.Write(ctx, func(tx *store.Tx) (err error) {
			now = tx.Now()
			n, err = of.drop(tx, now.Add(-of.keep), forgetPiece)
			return err
		}); err != nil {
			return again, err
		}
		if more = more || n == forgetPiece; more {
			again = now
		} else {
			again = now.Add(24 * time.Hour)
		}
	}
	return again, nil
}

// ready returns what is not as it should be. What keeps money from moving and not
// requests from being served is a warning. A network that stands still is no reason to turn
// the payors of others away; when all do that are watched here, it is this machine.
func (a *App) ready(ctx context.Context) (problems, warnings map[string]string, proven map[string]uint64) {
	problems, warnings, proven = map[string]string{}, map[string]string{}, map[string]uint64{}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := a.Store.Ping(ctx); err != nil {
		problems["database"] = "does not answer"
	}
	if !a.bus.Up() {
		problems["bus"] = "not connected"
	}
	still, all := map[string]string{}, true
	for _, w := range a.watchers {
		if p := w.problem(a.Now()); p != "" {
			still["watcher "+string(w.network.Name)] = p
		} else if w.active.Load() {
			all = false
		}
	}
	if all {
		maps.Copy(problems, still)
	} else {
		maps.Copy(warnings, still)
	}
	for n, r := range a.settler.Movers {
		if s := r.Shortage(); s != "" {
			warnings["relayer "+string(n)] = "out of gas: " + s
		}
	}
	for n, w := range a.payer.Wallets {
		if why, say := w.Kept(); why != "" {
			warnings["refunds "+string(n)] = "wait for " + why + ": " + say
		}
	}
	for symbol, why := range a.board.Unpriced() {
		warnings["price "+symbol] = why
	}
	a.dry(ctx, warnings)
	proofs, err := a.Billing.Proofs(ctx)
	for n, p := range proofs {
		if proven[string(n)] = p.Final.Height; err != nil || p.Final.Hash == "" {
			delete(proven, string(n))
		}
	}
	return problems, warnings, proven
}

// problem says what is wrong with a watcher, "" for nothing. One that waits while
// another node of the deployment has the duty is well.
func (w *watching) problem(now time.Time) string {
	if !w.active.Load() {
		return ""
	}
	return behind(w.watcher.Status(), w.network, now)
}

// behind says why a watcher of a network is not up to date, "" when it is.
func behind(s chain.Status, n pay.Network, now time.Time) string {
	bound, old := max(10*n.BlockTime, 30*time.Second), now.Sub(s.Head.Time)
	e, ahead := errors.AsType[*node.AheadError](s.Err)
	alone := ""
	if errors.Is(s.Err, node.ErrAlone) {
		alone = ": " + node.ErrAlone.Error()
	}
	switch {
	case s.Success.IsZero() && s.Err == nil:
		return "starting"
	case ahead: // it passes when a clock is set right, not by waiting; and how long it lasts is not told by a clock that is wrong
		return fmt.Sprintf("%s: this machine's clock, or the network's, is wrong by at least that", e)
	case errors.Is(s.Err, chain.ErrDeepFork):
		return "stopped: the network replaced a final block, a person must decide"
	case s.Success.IsZero():
		return "no progress since the start" + alone
	case now.Sub(s.Success) > bound:
		return fmt.Sprintf("no progress for %s%s", now.Sub(s.Success).Truncate(time.Second), alone)
	case !s.Head.Time.IsZero() && old > max(20*n.BlockTime, 5*time.Minute) && !n.Simulated: // a node that has stopped syncing answers well
		return fmt.Sprintf("its newest block is %s old", old.Truncate(time.Second))
	case s.Head.Height > s.Scanned.Height+n.Confirmations+uint64(bound/n.BlockTime):
		return fmt.Sprintf("%d blocks behind", s.Head.Height-s.Scanned.Height)
	}
	return ""
}
