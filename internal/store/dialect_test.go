package store_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// An SQLite database, and what the engine puts beside it, is for its owner only. One that
// is there keeps its mode.
func TestTheDatabaseIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	for _, mode := range []os.FileMode{0o600, 0o640} {
		s, err := store.Open(ctx, store.Options{URL: path, Now: time.Now, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			if f, err := os.Stat(name); err != nil || f.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v; want %v", name, f.Mode(), err, mode)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o640); err != nil { //nolint:gosec // what an operator may do
			t.Fatal(err)
		}
	}
}

// A database that cannot be made is named, with what to do.
func TestNoDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lost", "p.db")
	_, err := store.Open(ctx, store.Options{URL: path, Now: time.Now, Rand: rand.Reader})
	if err == nil || !strings.Contains(err.Error(), "open database: there is no directory for "+path+"; make it") {
		t.Error(err)
	}
}
