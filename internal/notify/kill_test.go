package notify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// What tells a child process to be a node that dies: its database, and where.
const killDatabase, killPlace = "PEPAY_TEST_KILL_DATABASE", "PEPAY_TEST_KILL_PLACE"

// killer is a way to receivers on which the process dies.
type killer struct {
	place string
	base  http.RoundTripper
}

// RoundTrip kills the process before it sends, or after the receiver took the event
// and before that is written down.
func (k killer) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.place == "after" {
		resp, err := k.base.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			panic("the receiver did not take it")
		}
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// TestKillNode is no test: it is the process that dies. It commits an event and
// delivers it.
func TestKillNode(t *testing.T) {
	database := os.Getenv(killDatabase)
	if database == "" {
		t.Skip("only for TestKill")
	}
	c := new(testkit.Clock)
	s, err := store.Open(context.Background(), store.Options{URL: database, Now: c.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, s, c, 5*time.Second)
	r.d.Client.Transport = killer{os.Getenv(killPlace), r.d.Client.Transport}
	r.happen(1)
	r.deliver("we_1")
}

// A node is killed between the commit of an event and its sending, or between its
// sending and the record of it. The next node, which has only the database, delivers
// the event: in the second case a second time, with the same id and body.
func TestKill(t *testing.T) {
	t.Parallel()
	for place, requests := range map[string]int{"before": 1, "after": 2} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, db string) {
				c, sink := new(testkit.Clock), testkit.NewSink(t, nil)
				first, err := store.Open(t.Context(), store.Options{URL: db, Now: c.Now, Rand: rand.Reader})
				if err != nil {
					t.Fatal(err)
				}
				newRig(t, first, c, 5*time.Second).endpoint("we_1", sink.URL)
				if err := first.Close(); err != nil {
					t.Fatal(err)
				}
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillNode$")
				child.Env = append(os.Environ(), killDatabase+"="+db, killPlace+"="+place)
				out, err := child.CombinedOutput()
				if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the node ended with %v: %s", err, out)
				}
				if n := len(sink.Got()); n != requests-1 {
					t.Fatalf("%d requests before the death", n)
				}
				next := newRig(t, testkit.OpenStore(t, store.Options{URL: db, Now: c.Now}), c, 5*time.Second)
				if jobs := next.jobs(); len(jobs) != 1 || jobs[0] != "we_1" {
					t.Fatalf("the database promises jobs for %v", jobs)
				}
				if again := next.deliver("we_1"); !again.IsZero() || !next.settled("we_1") {
					t.Error("more is to come")
				}
				got := sink.Got()
				if len(got) != requests || len(ids(got)) != 1 || !bytes.Equal(got[0].Body, got[len(got)-1].Body) {
					t.Errorf("received %v", ids(got))
				}
				if err := next.s.Read(t.Context(), func(tx *store.Tx) error {
					d, _, err := tx.Delivery("we_1", 1)
					if d.State != pay.DeliveryDone || d.Attempts != 1 {
						t.Errorf("recorded %s after %d attempts", d.State, d.Attempts)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// jobs claims what deliveries the database promises.
func (r *rig) jobs() (endpoints []string) {
	r.t.Helper()
	r.write(func(tx *store.Tx) error {
		js, err := tx.ClaimJobs(10, time.Minute, "")
		endpoints = nil
		for _, j := range js {
			if j.Kind == store.JobDeliver {
				endpoints = append(endpoints, j.Arg)
			}
		}
		return err
	})
	return endpoints
}
