package app

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Behind says why a watcher is not up to date.
var Behind = behind

// Sources are where a configuration has prices from.
var Sources = sources

// Break ends the HTTP server of a deployment, which goes on otherwise.
func Break(a *App) error { return a.http.Close() }

// FillOnce fills the pool of a network on a database, and reports whether much of it was gone.
func FillOnce(ctx context.Context, s *store.Store, n pay.NetworkName, address func(uint32) string) (many bool, err error) {
	return (&App{Store: s}).fillOnce(ctx, n, address)
}

// Forget is a run of the job that drops what has had its time, on a database.
func Forget(ctx context.Context, s *store.Store) (again time.Time, err error) {
	return (&App{Store: s}).forget(ctx, "")
}
