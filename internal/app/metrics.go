package app

import (
	"context"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// count tells the meter what came into which state.
func (a *App) count(es []pay.Event) {
	for _, e := range es {
		for _, t := range e.Turns {
			switch t.Noun {
			case pay.NounInvoice:
				a.meter.Invoice(t.State)
			case pay.NounPayment:
				a.meter.Payment(string(t.Network), t.State)
			case pay.NounSettlement:
				a.meter.Settlement(string(t.Network), t.State)
			}
		}
	}
}

// What is read at a scrape.
var (
	watcherActive  = meter.NewGauge("watcher_active", "1 where this process has the duty to watch the network.", "network")
	watcherHead    = meter.NewGauge("watcher_head_height", "Newest block that the nodes have.", "network")
	watcherAt      = meter.NewGauge("watcher_head_timestamp_seconds", "When the newest block that the nodes have was made.", "network")
	watcherScanned = meter.NewGauge("watcher_scanned_height", "Newest block that was read.", "network")
	watcherFinal   = meter.NewGauge("watcher_final_height", "Newest block whose deposits count.", "network")
	networkProven  = meter.NewGauge("network_proven_height", "Up to this block nothing was missed on the network; told by every node.", "network")
	watcherLag     = meter.NewGauge("watcher_lag_blocks", "Blocks that are there and not read yet.", "network")
	watcherSuccess = meter.NewGauge("watcher_last_success_timestamp_seconds", "When a step of the watcher last succeeded.", "network")
	socketsOpen    = meter.NewGauge("websockets_open", "Websockets that are open.")
	priceUp        = meter.NewGauge("price_source_up", "1 while the last answer of the price source was good.", "source")
	priceAge       = meter.NewGauge("price_age_seconds", "Time since the price source last gave prices; absent while it never did.", "source")
	databaseUp     = meter.NewGauge("database_up", "1 while the database answers within two seconds.")
	jobsOverdue    = meter.NewGauge("jobs_overdue", "Jobs that wait for a runner; 10000 stands for more.", "kind")
	jobsOldest     = meter.NewGauge("jobs_oldest_overdue_seconds", "How long the oldest of them has been due.", "kind")
)

// scraped has the meter read what is somewhere anyway.
func (a *App) scraped() {
	b := &backlog{billing: a.Billing, now: a.Now}
	a.meter.Scraped(func(set func(meter.Gauge, float64, ...string)) {
		for _, w := range a.watchers {
			w.scraped(set)
		}
		a.scrapedAccounts(set)
		set(socketsOpen, float64(a.hub.Sockets()))
		for _, s := range a.board.State() {
			set(priceUp, truth(s.LastError == "" && !s.LastSuccess.IsZero()), s.Name)
			if !s.LastSuccess.IsZero() {
				set(priceAge, s.Age.Seconds(), s.Name)
			}
		}
		jobs, proofs, now, err := b.read()
		if set(databaseUp, truth(err == nil)); err != nil {
			return
		}
		for n, p := range proofs {
			if p.Final.Hash != "" {
				set(networkProven, float64(p.Final.Height), string(n))
			}
		}
		for _, j := range jobs {
			set(jobsOverdue, float64(j.Count), j.Kind)
			set(jobsOldest, now.Sub(j.Since).Seconds(), j.Kind)
		}
	})
}

func (w *watching) scraped(set func(meter.Gauge, float64, ...string)) {
	n, active := string(w.network.Name), w.active.Load()
	set(watcherActive, truth(active), n)
	s := w.watcher.Status()
	if !active || s.Success.IsZero() {
		return
	}
	set(watcherHead, float64(s.Head.Height), n)
	if !s.Head.Time.IsZero() {
		set(watcherAt, float64(s.Head.Time.Unix()), n)
	}
	set(watcherScanned, float64(s.Scanned.Height), n)
	set(watcherFinal, float64(s.Final.Height), n)
	set(watcherLag, float64(s.Head.Height-min(s.Scanned.Height, s.Head.Height)), n)
	set(watcherSuccess, float64(s.Success.Unix()), n)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// backlog reads the jobs that wait, and how far the networks are proven, seldom however often it is asked: scrapes must
// not be able to hurt.
type backlog struct {
	billing *billing.Billing
	now     func() time.Time

	mu     sync.Mutex
	jobs   []store.Overdue
	proofs map[pay.NetworkName]pay.Proof
	err    error
	at     time.Time
}

// backlogAge is how old a backlog may be that is told.
const backlogAge = 5 * time.Second

func (b *backlog) read() ([]store.Overdue, map[pay.NetworkName]pay.Proof, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); b.at.IsZero() || now.Sub(b.at) >= backlogAge {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		b.err = b.billing.Store.Look(ctx, func(tx *store.Tx) (err error) {
			b.jobs, err = tx.OverdueJobs()
			return err
		})
		if b.err == nil {
			b.proofs, b.err = b.billing.Proofs(ctx)
		}
		b.at = now
	}
	return b.jobs, b.proofs, b.at, b.err
}
