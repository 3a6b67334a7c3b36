package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
)

// operate serves metrics, probes and profiles on a listener of their own.
func (a *App) operate(ctx context.Context) error {
	a.scraped()
	if a.Operations == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.Operations)
	if err != nil {
		return fmt.Errorf("operations_listen on %s: %w", a.Operations, err)
	}
	a.OpsURL = "http://" + l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.meter.Handler())
	for _, probe := range []string{"GET /healthz", "GET /readyz"} {
		mux.Handle(probe, a.http.Handler)
	}
	mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/trace", local(pprof.Trace))
	a.ops = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := a.ops.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error("the operations listener ended", "err", err)
		}
	}()
	return nil
}

// local lets in only who is on this machine and asked for it by address: a profile
// shows what is in memory, and a page in a browser here must not reach it under a
// name of its own.
func local(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		host, _, e := net.SplitHostPort(r.Host)
		if e != nil {
			host = r.Host
		}
		to, e := netip.ParseAddr(host)
		if err != nil || !from.Addr().Unmap().IsLoopback() || host != "localhost" && (e != nil || !to.IsLoopback()) {
			http.Error(w, "profiles are served on this machine only, at a loopback address", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// share keeps limits together with the other nodes, if there can be any.
func (a *App) share(ctx context.Context, l *server.Limits) error {
	if a.bus.Alone() {
		return nil
	}
	if err := a.bus.OnSpent(func(b []byte) { l.Heard(b, a.Now()) }); err != nil {
		return fmt.Errorf("subscribe to limits: %w", err)
	}
	a.running.Go(func() { l.Share(ctx, a.bus.Spent) })
	return nil
}

// lookEvery is how often an account's balance is read.
const lookEvery = 30 * time.Second

// look keeps an eye on what an account holds.
func (a *App) look(ctx context.Context, n pay.NetworkName, f func(context.Context) error) {
	for ; ctx.Err() == nil; pause(ctx, lookEvery) {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			a.Log.DebugContext(ctx, "cannot see what an account holds", "network", n, "err", bare(err))
		}
	}
}
