package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// A dialect is everything that differs between the two engines. All other SQL in
// this package is written once, in the subset both accept: $n parameters,
// RETURNING, ON CONFLICT, and the column types text, bigint, boolean and bytea.
type dialect struct {
	name       string
	driver     string
	dsn        func(url string) string // for writing
	readDSN    func(url string) string
	begin      string
	pipeline   bool // takes several statements before it answers the first
	writers    int  // connections that write; each groups the units that wait for it
	readers    int
	forUpdate  string // appended to a SELECT to hold its rows until commit
	forShare   string // appended to a SELECT of rows that nobody is to write until commit
	skipLocked string // appended to a SELECT that claims rows
	lockSchema string // run before migrating, so that one process does it
	session    string // run once on each connection that writes
}

const sqlitePragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)"

// inURI escapes what would end the path of an SQLite URI.
var inURI = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

var sqliteDialect = dialect{
	name:    "sqlite",
	driver:  "sqlite",
	dsn:     func(path string) string { return "file:" + inURI.Replace(path) + "?" + sqlitePragmas },
	readDSN: func(path string) string { return "file:" + inURI.Replace(path) + "?mode=ro&" + sqlitePragmas },
	begin:   "BEGIN IMMEDIATE",
	writers: 1,
	readers: 4,
}

// private makes the file of a new SQLite database, for its owner only: the engine itself
// would let everybody on the machine read it. What it puts beside the file gets the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory for %s; make it, or set database to a path elsewhere", path)
	case err != nil:
		return err // it names the path
	}
	return f.Close()
}

var postgresDialect = dialect{
	name:       "postgres",
	driver:     "pgx",
	dsn:        func(url string) string { return url },
	readDSN:    func(url string) string { return url },
	begin:      "BEGIN",
	pipeline:   true,
	writers:    2,
	readers:    8,
	forUpdate:  " FOR UPDATE",
	forShare:   " FOR SHARE",
	skipLocked: " FOR UPDATE SKIP LOCKED",
	// Any fixed number will do. Migrations wait for one another, and last as long as they last.
	lockSchema: "SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(7305804402)",
	// A process that is gone, with its machine or its network, must not hold rows for longer than this.
	session: "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '30s'; " +
		"SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3",
}

// dialectOf reads an engine off its address: postgres://… or the path of a file.
func dialectOf(url string) dialect {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return postgresDialect
	}
	return sqliteDialect
}

// retryable reports whether err asks for the whole unit to run again: a busy
// database, a serialization failure, a deadlock that this unit lost.
func retryable(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == lib.SQLITE_BUSY
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// refused reports whether the engine is well and would not do what it was told: the
// statement is at fault, or the row is there already.
func refused(err error) bool {
	if retryable(err) {
		return false
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == lib.SQLITE_CONSTRAINT || e.Code()&0xff == lib.SQLITE_ERROR || e.Code()&0xff == lib.SQLITE_TOOBIG
	}
	_, ok := errors.AsType[*pgconn.PgError](err)
	return ok || errors.Is(err, ErrAnswered) || errors.Is(err, errRolledBack)
}
