package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// RandomID returns 16 random hexadecimal digits: the name of this process among those
// that share the database.
func RandomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// alone makes sure that an SQLite database has one process: then whatever leases an
// earlier process left behind are nobody's, and its duties need not wait.
func (a *App) alone(ctx context.Context) (err error) {
	if a.Store.Engine() != "sqlite" {
		return nil
	}
	a.release, err = Take(a.Database + ".lock")
	if errors.Is(err, ErrTaken) {
		return fmt.Errorf("the database %s is in use by another process of ours; stop that first, or use PostgreSQL for several", a.Database)
	}
	if err != nil {
		return err
	}
	return a.Store.Write(ctx, func(tx *store.Tx) error { return tx.EndLeases() })
}

func httpClient(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}

// bare returns a network error without the URL, which may hold a key.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
