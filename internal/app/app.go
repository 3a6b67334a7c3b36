// Package app puts the parts together: it starts them in order, and stops them so
// that nothing promised is lost.
package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/bus"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/jobs"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/trace"
)

// Options say what to run.
type Options struct {
	Listen    string // host:port of the API and the pages
	PublicURL string // where payors reach them; "" for http://<listen>
	Database  string // postgres://… or the path of an SQLite file
	NATS      string // nats://…; "" for one inside the process
	Secret    []byte // of the deployment; see auth.New
	// Seed is what the keys of deposit addresses come from on networks that are not EVM; it
	// may be none.
	Seed     seed.Seed
	Dev      bool // webhooks may go to this machine, over plain http
	Networks []NetworkOptions
	Sources  []rates.Source
	Quorum   int // how many price sources must agree
	Limits   LimitOptions
	// Terms are the conditions of sale; Providers are who sells in each environment.
	Terms     pay.Terms
	Providers map[pay.Environment]retail.Provider
	// Zinc is the account that buys what mainnet sells; without a token mainnet sells
	// what Providers say.
	Zinc    zinc.Options
	Proxies []netip.Prefix // whose X-Forwarded-For and Forwarded are believed
	// Operations is the host:port of metrics, probes and profiles; "" for none.
	Operations string
	// Tracing says where traces go; its Log is not needed.
	Tracing trace.Options
	// KeepEvents is how long events are kept; 0 for ever.
	KeepEvents time.Duration
	// PayoutDelay is how long a change of a payout address waits before it counts.
	PayoutDelay time.Duration
	Signup      bool          // whether a wallet that nobody knows may make itself a merchant of devnet
	MaxKeys     int           // active API keys of a merchant for each scope; 0 for 20
	Lease       time.Duration // how long a duty of a node that died waits for another; 0 for 40 s
	Log         *slog.Logger
	Rand        io.Reader         // nil for crypto/rand
	Now         func() time.Time  // nil for the system's clock
	Committed   func([]pay.Event) // told of every event after its commit; may be nil
	// TestWallet pays a quote, for the payment page in development; may be nil.
	TestWallet func(context.Context, billing.Allocation) (string, error)
	// DashboardKey is the key the development dashboard acts with; see server.Server.
	DashboardKey func() string
}

// NetworkOptions say how to serve one network.
type NetworkOptions struct {
	pay.Network
	Tokens []pay.Token
	RPC    []string // JSON-RPC over http(s), best first
	// PublicKey is what deposit addresses are derived from on TON and Cardano; "" to take it
	// from the seed.
	PublicKey string
	Relayer   *ecdsa.PrivateKey // nil: settlements are left to others
	MaxFee    *big.Int          // most wei for a unit of gas
	Refund    RefundOptions     // without a key: refunds are paid by hand, on devnet in name only
	Poll      time.Duration     // how often to look for a new block; 0 for half the block time
	HTTP      http.RoundTripper // how the nodes are reached; nil for the default
}

// LimitOptions say how often callers may ask, and how many websockets they may have
// open; of these 0 is any number.
type LimitOptions struct {
	server.Rates
	SocketsPerKey, SocketsPerAddress int
}

// App is a running deployment, or one node of it.
type App struct {
	Options
	Billing  *billing.Billing
	Commerce *commerce.Commerce
	Store    *store.Store
	URL      string // the public address
	OpsURL   string // of metrics, probes and profiles; "" for none
	meter    *meter.Meter
	tracer   *trace.Tracer
	settler  *settle.Settler
	payer    *settle.Payer
	ops      *http.Server
	bus      *bus.Bus
	release  func() error // lets go of an SQLite database
	board    *rates.Board
	hub      *notify.Hub
	watchers []*watching
	http     *http.Server
	served   chan error         // how the HTTP server ended, then closed; nil before it began
	cancel   context.CancelFunc // of everything in the background
	running  sync.WaitGroup
}

// Start starts everything and returns once requests are served. It fails, with
// everything stopped again, when a part cannot do its work.
func Start(ctx context.Context, o Options) (a *App, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Lease == 0 {
		o.Lease = defaultLease
	}
	if o.MaxKeys == 0 {
		o.MaxKeys = defaultMaxKeys
	}
	a = &App{Options: o, meter: meter.New()}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := a.open(ctx); err != nil {
		return a, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return a, fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	if a.URL = o.PublicURL; a.URL == "" {
		a.URL = "http://" + listener.Addr().String()
	}
	if err := a.wire(background); err != nil {
		return a, errors.Join(err, listener.Close())
	}
	if err := a.operate(ctx); err != nil {
		return a, errors.Join(err, listener.Close())
	}
	a.scarce()
	a.served = make(chan error, 1)
	go func() { a.served <- a.http.Serve(listener); close(a.served) }()
	return a, nil
}

// defaultLease leaves a webhook's receiver its time to answer, twice.
const defaultLease = 40 * time.Second

const defaultMaxKeys = 20

// open connects to what must be there: the database, the bus, the keys.
func (a *App) open(ctx context.Context) (err error) {
	keys, err := auth.New(a.Secret)
	if err != nil {
		return err
	}
	a.Tracing.Log = a.Log
	if a.tracer, err = trace.New(a.Tracing); err != nil {
		return err
	}
	if a.bus, err = bus.Open(a.NATS); err != nil {
		return err
	}
	if a.Store, err = store.Open(ctx, store.Options{URL: a.Database, Now: a.Now, Rand: a.Rand, Committed: a.committed, Meter: a.meter}); err != nil {
		return err
	}
	if err := a.alone(ctx); err != nil {
		return err
	}
	registry, symbols := &pay.Registry{}, map[string]bool{}
	for _, n := range a.Networks {
		registry.Networks = append(registry.Networks, n.Network)
		registry.Tokens = append(registry.Tokens, n.Tokens...)
		for _, t := range n.Tokens {
			symbols[t.Price] = true
		}
	}
	a.board = &rates.Board{Sources: a.Sources, MaxAge: maxPriceAge, Spread: priceSpread, Quorum: a.Quorum, Now: a.Now, Log: a.Log}
	for s := range symbols {
		a.board.Symbols = append(a.board.Symbols, s)
	}
	a.hub = &notify.Hub{Store: a.Store, Log: a.Log, MaxPerHolder: a.Limits.SocketsPerKey, MaxPerAddress: a.Limits.SocketsPerAddress}
	a.Billing = &billing.Billing{
		Store: a.Store, Auth: keys, Registry: registry, Rates: a.board, Wallets: a.wallets(), Chains: map[pay.NetworkName]chain.Driver{}, Log: a.Log,
		Signup: a.Signup, MaxKeys: a.MaxKeys, PayoutDelay: a.PayoutDelay,
	}
	a.Commerce = &commerce.Commerce{Store: a.Store, Billing: a.Billing, Providers: a.Providers, Terms: a.Terms, Log: a.Log}
	return nil
}

// How prices are believed: the age at which one is forgotten, how far one may be
// from the others in basis points, how often the sources are asked.
const (
	maxPriceAge = 3 * time.Minute
	priceSpread = 150
	priceEvery  = 30 * time.Second
)

// committed tells the rest of the deployment, without waiting for it.
func (a *App) committed(es []pay.Event) {
	told := map[int64]bool{}
	for _, e := range es {
		if !told[e.MerchantID] {
			told[e.MerchantID] = true
			a.bus.Events(e.MerchantID)
		}
	}
	a.bus.Jobs()
	a.count(es)
	if a.Committed != nil {
		a.Committed(es)
	}
}

// wire starts the background work and makes the HTTP server.
func (a *App) wire(ctx context.Context) error {
	a.Billing.BaseURL = a.URL
	if err := a.sell(); err != nil {
		return err
	}
	a.settler = &settle.Settler{Store: a.Store, Billing: a.Billing, Movers: map[pay.NetworkName]settle.Mover{}, Meter: a.meter, Log: a.Log}
	a.payer = &settle.Payer{Store: a.Store, Wallets: map[pay.NetworkName]*settle.Wallet{}, Tell: a.Commerce.RefundIn, Log: a.Log}
	a.Commerce.RefundWallets = map[pay.Environment]string{}
	for _, n := range a.Networks { // all are opened before one is watched: watchers read what opening writes
		d, m, err := a.family(ctx, n)
		if err != nil {
			return fmt.Errorf("network %s: %w", n.Name, err)
		}
		if a.Billing.Chains[n.Name] = d; m != nil {
			a.settler.Movers[n.Name] = m
		}
	}
	for _, n := range a.Networks {
		if err := a.watch(ctx, n); err != nil {
			return fmt.Errorf("network %s: %w", n.Name, err)
		}
	}
	a.running.Go(func() { a.board.Run(ctx, priceEvery) })
	a.running.Go(func() { a.hub.Run(ctx) })
	a.running.Go(func() { a.Billing.RunUses(ctx) })
	if err := a.bus.OnEvents(func(merchant int64) { a.hub.Wake(ctx, merchant) }); err != nil {
		return fmt.Errorf("subscribe to events: %w", err)
	}
	wake, err := a.bus.OnJobs()
	if err != nil {
		return fmt.Errorf("subscribe to jobs: %w", err)
	}
	guard := notify.NewGuard(a.Dev)
	runner := &jobs.Runner{
		Store: a.Store, Handlers: a.handlers(a.settler, guard), Lease: a.Lease, Parallel: 160, Patient: map[string]int{store.JobDeliver: 96, billing.JobOrder: 32, billing.JobVerify: 16},
		Poll: time.Second, Log: a.Log, Meter: a.meter, Trace: a.tracer, Apart: billing.JobSettle,
	}
	a.running.Go(func() { runner.Run(ctx, wake) })
	a.running.Go(func() { a.holdKeys(ctx) })
	s := &server.Server{
		Billing: a.Billing, Commerce: a.Commerce, Hub: a.hub, Guard: guard, Auth: a.Billing.Auth, Log: a.Log, Now: a.Now, Ready: a.ready, TestWallet: a.TestWallet,
		DashboardKey: a.DashboardKey, Limits: server.NewLimits(a.Limits.Rates, a.meter), Proxies: a.Proxies, Meter: a.meter, Trace: a.tracer,
	}
	if err := a.share(ctx, s.Limits); err != nil {
		return err
	}
	a.http = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	return a.Store.Write(ctx, func(tx *store.Tx) error {
		tx.AddJob(jobForget, "", tx.Now())
		if a.KeepEvents > 0 {
			tx.AddJob(billing.JobForgetEvents, "", tx.Now())
		}
		return nil
	})
}

// flushTime bounds how long the last traces may take to be sent.
const flushTime = 5 * time.Second

// Stop ends everything in order: no new requests, then those under way, sockets,
// jobs and watchers, then the connections. What was promised and not done is done
// at the next start. It gives up waiting when ctx ends.
func (a *App) Stop(ctx context.Context) (err error) {
	if a.served != nil {
		go a.cancel() // sockets and long jobs hear of it while requests drain
		err = a.http.Shutdown(ctx)
		if e, untold := <-a.served; untold && !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	a.cancel()
	if a.ops != nil {
		err = errors.Join(err, a.ops.Close())
	}
	done := make(chan struct{})
	go func() { a.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, errors.New("background work did not end in time"))
	}
	flush, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	a.tracer.Close(flush)
	if a.Store != nil {
		err = errors.Join(err, a.Store.Close())
	}
	if a.bus != nil {
		a.bus.Close()
	}
	if a.release != nil {
		err = errors.Join(err, a.release())
	}
	return err
}

// Failed returns a channel that tells when the HTTP server ended by itself.
func (a *App) Failed() <-chan error { return a.served }
