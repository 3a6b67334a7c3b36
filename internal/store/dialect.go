package store

import (
	"errors"
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
	lockSchema: "SELECT pg_advisory_xact_lock(7305804402)", // any fixed number will do
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
