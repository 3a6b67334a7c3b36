package app

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// Behind says why a watcher is not up to date.
var Behind = behind

// Sources are where a configuration has prices from.
var Sources = sources

// Break ends the HTTP server of a deployment, which goes on otherwise.
func Break(a *App) error { return a.http.Close() }

// Forget is a run of the job that drops what has had its time, on a database.
func Forget(ctx context.Context, s *store.Store) (again time.Time, err error) {
	return (&App{Store: s}).forget(ctx, "")
}
