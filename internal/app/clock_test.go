package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// What is wrong with a watcher, by how far it got and when, and how its last step ended.
func TestBehind(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	n := pay.Network{Name: "base", BlockTime: 2 * time.Second, Confirmations: 10}
	at := func(head, scanned uint64, ago time.Duration, err error) chain.Status {
		return chain.Status{Head: pay.Block{Height: head}, Scanned: pay.Block{Height: scanned}, Success: now.Add(-ago), Err: err}
	}
	made := func(ago time.Duration) chain.Status {
		s := at(100, 100, 0, nil)
		s.Head.Time = now.Add(-ago)
		return s
	}
	away := errors.New("no node answers")
	alone := fmt.Errorf("scan after block 9: %w", errors.Join(away, fmt.Errorf("sui node 2: %w", node.ErrAlone)))
	ahead := func(by time.Duration) error {
		return fmt.Errorf("read the head: %w", errors.Join(away, &node.AheadError{Node: "base node 2", Height: 9, By: by}))
	}
	const clock = "base node 2: block 9 is of the future, %s ahead of this machine's clock: this machine's clock, or the network's, is wrong by at least that"
	for name, c := range map[string]struct {
		s    chain.Status
		want string
	}{
		"not a step yet":                     {chain.Status{}, "starting"},
		"well":                               {at(100, 100, 0, nil), ""},
		"well, some blocks away":             {at(125, 100, 30*time.Second, nil), ""},
		"too many":                           {at(126, 100, 0, nil), "26 blocks behind"},
		"a step failed":                      {at(100, 100, 30*time.Second, away), ""},
		"steps fail":                         {at(100, 100, 31*time.Second, away), "no progress for 31s"},
		"one of two nodes is out":            {at(100, 100, 31*time.Second, alone), "no progress for 31s: only one of the nodes answers, and is not believed alone: a second one is needed"},
		"one is out since the start":         {chain.Status{Err: alone}, "no progress since the start: only one of the nodes answers, and is not believed alone: a second one is needed"},
		"a final block was replaced":         {at(100, 100, time.Second, fmt.Errorf("block 90: %w", chain.ErrDeepFork)), "stopped: the network replaced a final block, a person must decide"},
		"none since the start":               {chain.Status{Err: away}, "no progress since the start"},
		"a clock is wrong":                   {at(100, 100, time.Second, ahead(16*time.Second)), fmt.Sprintf(clock, "16s")},
		"for long":                           {at(100, 100, time.Hour, ahead(90*time.Minute)), fmt.Sprintf(clock, "1h30m0s")},
		"ours was set back":                  {at(100, 100, -time.Hour, ahead(time.Hour)), fmt.Sprintf(clock, "1h0m0s")},
		"a clock was wrong from the start":   {chain.Status{Err: ahead(47*time.Second + 499*time.Millisecond)}, fmt.Sprintf(clock, "47s")},
		"a clock is wrong, and it is behind": {at(900, 100, time.Second, ahead(time.Minute)), fmt.Sprintf(clock, "1m0s")},
		"a quiet network":                    {made(5 * time.Minute), ""},
		"its nodes stand still":              {made(5*time.Minute + time.Second), "its newest block is 5m1s old"},
	} {
		if got := app.Behind(c.s, n, now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	slow, pretended := n, n
	slow.BlockTime, pretended.Simulated = time.Minute, true
	for ago, want := range map[time.Duration]string{20 * time.Minute: "", 21 * time.Minute: "its newest block is 21m0s old"} {
		if got := app.Behind(made(ago), slow, now); got != want {
			t.Errorf("a block a minute, the last %s ago: %q, want %q", ago, got, want)
		}
		if got := app.Behind(made(ago), pretended, now); got != "" {
			t.Errorf("of a simulated network: %q", got)
		}
	}
}

// A network whose nodes are away takes nobody away who pays on another: the process is
// ready, and says so. When all are, it is not.
func TestOneNetworkIsAway(t *testing.T) {
	t.Parallel()
	o := testkit.SimulatedOptions(t, t.TempDir()+"/test.db", testkit.StartNetwork(t, "solana", simnet.Options{}), testkit.StartNetwork(t, "ton", simnet.Options{}))
	var late atomic.Int64
	cuts := [2]*cut{{}, {}}
	for i := range o.Networks {
		o.Networks[i].HTTP = cuts[i]
	}
	o.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	log := &lockedBuffer{}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a := testkit.Run(t, o)
	last := ""
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("readiness was", last)
		}
	})
	says := func(status int, want ...string) func() bool {
		return func() bool {
			got, body := testkit.Do(t, http.MethodGet, a.URL+"/readyz", "", nil)
			last = fmt.Sprint(got, " ", string(body))
			return got == status && !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(string(body), w) })
		}
	}
	testkit.Eventually(t, "all is well", says(200, `"problems":{}`, `"warnings":{}`))
	away := func(n int) { // when it has failed once, nothing that was under way succeeds later
		before := strings.Count(log.String(), "watcher fails")
		cuts[n].off.Store(true)
		testkit.Eventually(t, "it is away", func() bool { return strings.Count(log.String(), "watcher fails") > before })
	}
	away(0)
	late.Store(int64(time.Minute))
	testkit.Eventually(t, "it warns of one", says(200, `"problems":{}`, `"watcher solana":"no progress for `))
	away(1)
	late.Store(int64(2 * time.Minute))
	testkit.Eventually(t, "both are away", says(503, `"watcher solana":"no progress for `, `"watcher ton":"no progress for `))
	cuts[0].off.Store(false)
	testkit.Eventually(t, "one is back", says(200, `"problems":{}`, `"watcher ton":"no progress for `))
}

// cut is a way to nodes that can be cut off.
type cut struct{ off atomic.Bool }

func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.off.Load() {
		return nil, errors.New("cut off")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A node that has stopped syncing answers, but readiness says how old its newest block is;
// with the next block all is well. In development there is a block when somebody makes one.
func TestStandingChain(t *testing.T) {
	t.Parallel()
	var late atomic.Int64
	c, err := devchain.Start(t.Context(), devchain.Options{ChainID: 137})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	start := func(dev bool) (ready func() string) {
		o := testkit.OptionsAt(t.TempDir()+"/test.db", c.URL())
		o.Dev, o.Networks[0].ChainID, o.Now = dev, 137, func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
		a := testkit.Run(t, o)
		return func() string {
			status, body := testkit.Do(t, http.MethodGet, a.URL+"/readyz", "", nil)
			return fmt.Sprint(status, " ", string(body))
		}
	}
	served, dev := start(false), start(true)
	says := func(ready func() string, what string) func() bool {
		return func() bool { return strings.Contains(ready(), what) }
	}
	c.Mine()
	testkit.Eventually(t, "it is ready", says(served, `"problems":{}`))
	late.Store(int64(time.Hour))
	testkit.Eventually(t, "it says how old the newest block is", says(served, `"watcher ethereum":"its newest block is 1h0m`))
	testkit.Eventually(t, "it is ready in development", says(dev, `200 `))
	late.Store(0)
	c.Mine()
	testkit.Eventually(t, "it is ready again", says(served, `200 `))
}

// When this machine's clock is set back, readiness says so and names the network; set
// right, it is ready again by itself, and what was paid meanwhile is found.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		var wrong atomic.Int64
		a := testkit.StartApp(t, url, func(o *app.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(wrong.Load())) }
		})
		says := func(status int, parts ...string) func() bool {
			return func() bool {
				got, body := testkit.Do(t, http.MethodGet, a.URL+"/readyz", "", nil)
				for _, p := range parts {
					if !strings.Contains(string(body), p) {
						return false
					}
				}
				return got == status
			}
		}
		testkit.Eventually(t, "it is ready", says(http.StatusOK, `"problems":{}`))
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Dollar).TempAddress
		wrong.Store(-int64(time.Hour))
		a.Pay(contracts.TestDollar, to, dollars(10))
		a.Mine(1)
		testkit.Eventually(t, "it says whose clock, and by how much", says(http.StatusServiceUnavailable,
			`"watcher ethereum":"ethereum node 1: block `, ` is of the future, 1h0m`, ` ahead of this machine's clock: this machine's clock, or the network's, is wrong by at least that"`))
		wrong.Store(0)
		a.MineSlowly("what was paid meanwhile is found", func() bool { return a.Status(made.InvoiceID).Invoice.Status == "paid" })
		testkit.Eventually(t, "it is ready again", says(http.StatusOK, `"problems":{}`))
	})
}
