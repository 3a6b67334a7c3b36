package app

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// Behind says why a watcher is not up to date.
var Behind = behind

// Forget is a run of the job that drops what has had its time, on a database.
func Forget(ctx context.Context, s *store.Store) (again time.Time, err error) {
	return (&App{Store: s}).forget(ctx, "")
}
