package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Job is work promised by a committed transaction. A kind and an argument name
// it: promised twice, it is still one job.
type Job struct {
	Kind, Arg string
	Attempt   int    // 1 on the first run
	Trace     string // the W3C traceparent of what promised it last, "" for none
	promised  int64  // as of the claim
	lease     int64  // when it ends; it tells this claim from a later one
}

func scanJob(r scanner) (j Job, err error) {
	return j, r.Scan(&j.Kind, &j.Arg, &j.Attempt, &j.Trace, &j.promised, &j.lease)
}

// promiseAgain ends an INSERT INTO jobs. A job not running comes forward to the
// earlier time; one that runs keeps its lease and is looked at again after.
const promiseAgain = ` ON CONFLICT (kind, arg) DO UPDATE SET promised = jobs.promised + 1, attempt = 0, trace = excluded.trace,
	due = CASE WHEN jobs.leased_until > 0 OR jobs.due < excluded.due THEN jobs.due ELSE excluded.due END`

// promise is a job to be written when the unit commits.
type promise struct {
	kind, arg string
	due       int64
	trace     string
}

// AddJob promises to run kind(arg) at or after due. The promise is written when the
// unit commits; the unit itself cannot claim it.
func (tx *Tx) AddJob(kind, arg string, due time.Time) {
	tx.jobs = append(tx.jobs, promise{kind, arg, millis(due), pay.CauseOf(tx.ctx).Trace})
}

// promises writes jobs, each once and at its earliest time, in one order for everybody,
// so that two groups never wait for each other.
func promises(ps []promise) (all []statement) {
	slices.SortFunc(ps, func(a, b promise) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.arg, b.arg), cmp.Compare(a.due, b.due))
	})
	ps = slices.CompactFunc(ps, func(a, b promise) bool { return a.kind == b.kind && a.arg == b.arg })
	for part := range slices.Chunk(ps, maxGroup) {
		args := make([]any, 0, 7*len(part))
		for _, p := range part {
			args = append(args, p.kind, p.arg, p.due, 0, 0, 1, p.trace)
		}
		all = append(all, statement{query: `INSERT INTO jobs (kind, arg, due, attempt, leased_until, promised, trace) VALUES ` +
			placeholders(len(part), 7) + promiseAgain, args: args})
	}
	return all
}

// ClaimJobs leases up to n due jobs to the caller until the lease ends, none of the
// excepted kinds.
func (tx *Tx) ClaimJobs(n int, lease time.Duration, except ...string) ([]Job, error) {
	return many(tx, scanJob, `UPDATE jobs SET attempt = attempt + 1, leased_until = $2, due = $2
		WHERE (kind, arg) IN (SELECT kind, arg FROM jobs WHERE due <= $1 AND $4 NOT LIKE '%,' || kind || ',%' ORDER BY due LIMIT $3`+tx.s.dialect.skipLocked+`)
		RETURNING kind, arg, attempt, trace, promised, leased_until`, millis(tx.now), millis(tx.now.Add(lease)), n, commas(except))
}

// NextJob returns when the next job not of the excepted kinds may be claimed, and false
// when there is none.
func (tx *Tx) NextJob(except ...string) (time.Time, bool, error) {
	return maybe(tx, func(r scanner) (t time.Time, err error) { return t, r.Scan(instant{&t}) },
		`SELECT due FROM jobs WHERE $1 NOT LIKE '%,' || kind || ',%' ORDER BY due LIMIT 1`, commas(except))
}

// DoneJob forgets a job, unless it was promised again while it ran: then it is
// due again now. A job that somebody else has taken over since is left to him.
func (tx *Tx) DoneJob(j Job) error {
	n, err := tx.exec(`DELETE FROM jobs WHERE kind = $1 AND arg = $2 AND promised = $3 AND leased_until = $4`, j.Kind, j.Arg, j.promised, j.lease)
	if err != nil || n == 1 {
		return err
	}
	return tx.RetryJob(j, tx.now)
}

// RetryJob ends the caller's lease and runs the job again at due, or now if it
// was promised again while it ran. j.Attempt is how often it has failed, as the next
// run counts on. A job that somebody else has taken over since is left to him.
func (tx *Tx) RetryJob(j Job, due time.Time) error {
	_, err := tx.exec(`UPDATE jobs SET leased_until = 0, due = CASE WHEN promised = $3 THEN CAST($4 AS bigint) ELSE CAST($5 AS bigint) END,
		attempt = CASE WHEN promised = $3 THEN CAST($7 AS bigint) ELSE 0 END
		WHERE kind = $1 AND arg = $2 AND leased_until = $6`, j.Kind, j.Arg, j.promised, millis(due), millis(tx.now), j.lease, j.Attempt)
	return err
}

// Overdue is the jobs of one kind that wait for a runner.
type Overdue struct {
	Kind  string
	Count int64     // OverdueLimit stands for that many or more
	Since time.Time // when the oldest of them was due
}

// OverdueLimit bounds how many waiting jobs OverdueJobs looks at, so that its cost
// has a bound however many wait.
const OverdueLimit = 10_000

// OverdueJobs returns what waits for a runner, by kind. It does not look at jobs
// whose time has not come, however many there are.
func (tx *Tx) OverdueJobs() ([]Overdue, error) {
	return many(tx, func(r scanner) (o Overdue, err error) { return o, r.Scan(&o.Kind, &o.Count, instant{&o.Since}) },
		`SELECT kind, count(*), min(due) FROM (SELECT kind, due FROM jobs WHERE due <= $1 ORDER BY due LIMIT $2) AS waiting
			GROUP BY kind ORDER BY kind`, millis(tx.now), OverdueLimit)
}
