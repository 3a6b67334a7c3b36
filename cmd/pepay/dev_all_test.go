package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func put(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func left(path string) bool { _, err := os.Stat(path); return err == nil }

// Beginning anew deletes what an earlier start wrote, and never what another process uses
// or somebody else has put there.
func TestAnew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "all")
	first, err := anew(dir)
	if err != nil {
		t.Fatal(err)
	}
	database, own := put(t, filepath.Join(dir, "pepay.db")), put(t, filepath.Join(dir, "dev.json"))
	notes := put(t, filepath.Join(dir, "notes.txt"))
	if _, err := anew(dir); err == nil || !strings.Contains(err.Error(), "is in use by another pepay dev") || !left(database) || !left(own) {
		t.Errorf("while the first runs: %v", err)
	}
	if err := first(); err != nil {
		t.Fatal(err)
	}
	again, err := anew(dir)
	if err != nil || left(database) || left(own) || !left(notes) {
		t.Fatalf("after the first ended: %v", err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
	foreign := put(t, filepath.Join(t.TempDir(), "all", "pepay.db"))
	if _, err := anew(filepath.Dir(foreign)); err == nil || !strings.Contains(err.Error(), "not of pepay dev") || !left(foreign) {
		t.Errorf("in somebody else's directory: %v", err)
	}
}

// Commands speak to the deployment that was started last.
func TestDevFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, all := filepath.Join(dir, "dev.json"), filepath.Join(dir, "all", "dev.json")
	is := func(want string) {
		t.Helper()
		if got := (target{DataDir: dir}).devFile(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	is(one)
	put(t, all)
	is(all)
	put(t, one)
	now := time.Now()
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{time.Minute, one}, {-time.Minute, all}} {
		if err := os.Chtimes(one, now, now.Add(c.at)); err != nil {
			t.Fatal(err)
		}
		is(c.want)
	}
}
