package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A queue is a store and what tests do to its jobs.
type queue struct {
	*testing.T
	*store.Store
	*testkit.Clock
}

func (q queue) promise(arg string, in time.Duration) {
	q.Helper()
	write(q, q.Store, func(tx *store.Tx) error { tx.AddJob("k", arg, tx.Now().Add(in)); return nil })
}

// claim takes up to n jobs for a minute and returns them by name.
func (q queue) claim(n int) (jobs []store.Job) {
	q.Helper()
	write(q, q.Store, func(tx *store.Tx) (err error) { jobs, err = tx.ClaimJobs(n, time.Minute, ""); return err })
	slices.SortFunc(jobs, func(a, b store.Job) int { return len(a.Arg) - len(b.Arg) })
	return jobs
}

func (q queue) done(j store.Job) {
	q.Helper()
	write(q, q.Store, func(tx *store.Tx) error { return tx.DoneJob(j) })
}

func (q queue) retry(j store.Job, in time.Duration) {
	q.Helper()
	write(q, q.Store, func(tx *store.Tx) error { return tx.RetryJob(j, tx.Now().Add(in)) })
}

const (
	now  = time.Duration(0)
	none = time.Duration(-1)
)

// next is how long it is to the next job, or none.
func (q queue) next() (d time.Duration) {
	q.Helper()
	read(q, q.Store, func(tx *store.Tx) error {
		at, ok, err := tx.NextJob("")
		if d = at.Sub(tx.Now()); !ok {
			d = none
		}
		return err
	})
	return d
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(q queue){
		"promised twice is once, at the earlier time": func(q queue) {
			q.promise("a", time.Hour)
			q.promise("a", time.Second)
			q.promise("a", time.Minute)
			same(q, "next", q.next(), time.Second)
			same(q, "claimed early", len(q.claim(9)), 0)
			q.Add(time.Second)
			js := q.claim(9)
			same(q, "claimed", []any{len(js), js[0].Kind, js[0].Arg, js[0].Attempt}, []any{1, "k", "a", 1})
			q.done(js[0])
			same(q, "none is left", q.next(), none)
		},
		"no more than asked, the oldest first": func(q queue) {
			for n := range 10 {
				q.promise(fmt.Sprint("a", n), time.Duration(10-n)*time.Millisecond)
			}
			q.Add(time.Second)
			js := q.claim(3)
			var got []string
			for _, j := range js {
				got = append(got, j.Arg)
			}
			slices.Sort(got)
			same(q, "claimed", got, []string{"a7", "a8", "a9"})
			same(q, "the others", len(q.claim(9)), 7)
		},
		"held until the lease ends": func(q queue) {
			q.promise("a", 0)
			first := q.claim(1)[0]
			q.Add(time.Minute - time.Millisecond)
			same(q, "held", len(q.claim(9)), 0)
			q.Add(time.Millisecond)
			second := q.claim(1)[0]
			same(q, "attempt", second.Attempt, 2)
			q.retry(first, 0) // the first comes back late: the job is not his any more
			same(q, "still held by the second", len(q.claim(9)), 0)
			q.done(first)
			same(q, "still there", q.next(), time.Minute)
			q.done(second)
			same(q, "none is left", q.next(), none)
		},
		"late, but nobody took over": func(q queue) {
			q.promise("a", 0)
			j := q.claim(1)[0]
			q.Add(time.Hour)
			q.done(j)
			same(q, "none is left", q.next(), none)
		},
		"again at its time": func(q queue) {
			q.promise("a", 0)
			q.retry(q.claim(1)[0], time.Second)
			same(q, "next", q.next(), time.Second)
			q.Add(time.Second)
			same(q, "attempt", q.claim(1)[0].Attempt, 2)
		},
		"a promise while it runs survives its end": func(q queue) {
			q.promise("a", 0)
			j := q.claim(1)[0]
			q.promise("a", time.Hour)
			same(q, "the lease holds", q.next(), time.Minute)
			q.done(j)
			same(q, "due now", q.next(), now)
			again := q.claim(1)[0]
			same(q, "attempt", again.Attempt, 1)
			q.done(again)
			same(q, "none is left", q.next(), none)
		},
		"a promise while it runs comes before its retry": func(q queue) {
			q.promise("a", 0)
			j := q.claim(1)[0]
			q.promise("a", 0)
			same(q, "held all the same", len(q.claim(9)), 0)
			q.retry(j, time.Hour)
			same(q, "due now", q.next(), now)
		},
		"a promise does not put off a retry": func(q queue) {
			q.promise("a", 0)
			q.retry(q.claim(1)[0], time.Minute)
			q.promise("a", time.Hour)
			same(q, "next", q.next(), time.Minute)
			q.promise("a", time.Second)
			same(q, "next", q.next(), time.Second)
		},
		"leases end with the process": func(q queue) {
			q.promise("a", 0)
			q.promise("bb", time.Hour)
			j := q.claim(1)[0]
			write(q, q.Store, func(tx *store.Tx) error { return tx.EndLeases() })
			same(q, "due now", q.next(), now)
			q.done(j)
			same(q, "not lost to a claim from before", q.next(), now)
		},
		"names are any text": func(q queue) {
			for _, arg := range []string{"", "%", "' OR 1=1", "ü\n"} {
				q.promise(arg, 0)
			}
			js := q.claim(9)
			same(q, "claimed", len(js), 4)
			q.done(js[0])
			write(q, q.Store, func(tx *store.Tx) error { return tx.EndLeases() })
			same(q, "left", len(q.claim(9)), 3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) { f(queue{t, s, c}) })
		})
	}
}

// Ten runners on two nodes share five hundred jobs: each is held by one of them.
func TestJobsAreHeldOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := new(testkit.Clock)
		o := store.Options{URL: url, Now: c.Now}
		nodes := []*store.Store{testkit.OpenStore(t, o), testkit.OpenStore(t, o)}
		const jobs = 500
		write(t, nodes[0], func(tx *store.Tx) error {
			for n := range jobs {
				tx.AddJob("k", fmt.Sprint(n), tx.Now())
			}
			return nil
		})
		var mu sync.Mutex
		held := map[string]int{}
		var g sync.WaitGroup
		for r := range 10 {
			g.Go(func() {
				q := queue{t, nodes[r%2], c}
				for n := 1; ; n = n%9 + 1 {
					js := q.claim(n)
					if len(js) > n {
						t.Errorf("asked for %d, got %d", n, len(js))
					}
					mu.Lock()
					left := jobs - len(held)
					for _, j := range js {
						held[j.Arg]++
					}
					mu.Unlock()
					if left == 0 {
						return
					}
				}
			})
		}
		g.Wait()
		for arg, n := range held {
			if n != 1 {
				t.Errorf("job %s is held %d times", arg, n)
			}
		}
	})
}

// What waits for a runner is counted by kind, with the time of the oldest; what is not
// due, or being done, is not.
func TestOverdueJobs(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			tx.AddJob("a", "1", tx.Now())
			tx.AddJob("a", "2", tx.Now().Add(time.Second))
			tx.AddJob("b", "1", tx.Now().Add(2*time.Second))
			tx.AddJob("b", "2", tx.Now().Add(time.Hour))
			return nil
		})
		overdue := func() (all []store.Overdue) {
			read(t, s, func(tx *store.Tx) (err error) { all, err = tx.OverdueJobs(); return err })
			return all
		}
		same(t, "at first", overdue(), []store.Overdue{{Kind: "a", Count: 1, Since: testkit.Epoch}})
		c.Add(time.Minute)
		same(t, "after a minute", overdue(), []store.Overdue{
			{Kind: "a", Count: 2, Since: testkit.Epoch}, {Kind: "b", Count: 1, Since: testkit.Epoch.Add(2 * time.Second)},
		})
		write(t, s, func(tx *store.Tx) error { _, err := tx.ClaimJobs(3, time.Hour, ""); return err })
		same(t, "when all are being done", len(overdue()), 0)
	})
}
