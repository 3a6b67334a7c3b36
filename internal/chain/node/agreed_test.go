package node_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
)

// Two that say the same are believed, whoever is passed over; of several nodes none is alone.
func TestAgreed(t *testing.T) {
	t.Parallel()
	out, behind, fork := errors.New("out"), node.ErrBehind, chain.ErrFork
	type says struct {
		what   string
		err    error
		paused bool // it was at fault a moment ago
	}
	x, y, lie, was := says{what: "x"}, says{what: "y"}, says{what: "lie"}, says{what: "x", paused: true}
	for name, c := range map[string]struct {
		nodes []says
		want  string
		err   error
		asked string // who was, in turn or at once
		ready string // who is to be asked first now
	}{
		"one":                           {[]says{x}, "x", nil, "a", "a"},
		"one that was at fault":         {[]says{was}, "x", nil, "a", "a"},
		"one that is out":               {[]says{{err: out}}, "", out, "a", "a"},
		"two":                           {[]says{x, x}, "x", nil, "ab", "ab"},
		"two that differ":               {[]says{x, y}, "", node.ErrDisagree, "ab", "ab"},
		"two, one out":                  {[]says{{err: out}, lie}, "", node.ErrAlone, "ab", "b"},
		"two, one behind":               {[]says{x, {err: behind}}, "", node.ErrAlone, "ab", "ab"},
		"two, one on a fork":            {[]says{x, {err: fork}}, "", node.ErrAlone, "ab", "ab"},
		"both on a fork":                {[]says{{err: fork}, {err: fork}}, "", fork, "ab", "ab"},
		"two, one was at fault":         {[]says{was, x}, "x", nil, "ab", "b"},
		"two, the honest was at fault":  {[]says{was, lie}, "", node.ErrDisagree, "ab", "b"},
		"two, both were at fault":       {[]says{was, was}, "x", nil, "ab", "a"},
		"three":                         {[]says{x, x, y}, "x", nil, "ab", "abc"},
		"three, one lies":               {[]says{lie, x, x}, "x", nil, "abc", "bc"},
		"three, one is out":             {[]says{x, {err: out}, x}, "x", nil, "abc", "ac"},
		"three, one out and one lies":   {[]says{lie, {err: out}, x}, "", node.ErrDisagree, "abc", "ac"},
		"three, the first was at fault": {[]says{was, x, x}, "x", nil, "bc", "bc"},
		"three, one was, another lies":  {[]says{was, lie, x}, "x", nil, "abc", "c"},
		"three, all differ":             {[]says{x, y, lie}, "", node.ErrDisagree, "abc", "abc"},
		"three, two out":                {[]says{{err: out}, lie, {err: out}}, "", node.ErrAlone, "abc", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_700_000_000, 0)
			p := &node.Pool[peer]{Network: "n", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
			asked := make([]bool, len(c.nodes))
			for i, s := range c.nodes {
				p.Nodes = append(p.Nodes, peer{State: &node.State{Name: string(rune('a' + i))}})
				if s.paused {
					p.Blame(t.Context(), p.Nodes[i], out)
				}
			}
			got, err := node.Agreed(t.Context(), p, func(_ context.Context, n peer) (string, error) {
				i := n.Name[0] - 'a'
				asked[i] = true
				return c.nodes[i].what, c.nodes[i].err
			}, func(a, b string) (string, bool) { return a, a == b })
			if got != c.want || !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Errorf("%q, %v; want %q, %v", got, err, c.want, c.err)
			}
			who, ready := "", ""
			for i, n := range p.Nodes {
				if asked[i] {
					who += n.Name
				}
			}
			for _, n := range p.Ready() {
				ready += n.Name
			}
			if who != c.asked || ready != c.ready {
				t.Errorf("asked %q, want %q; ready %q, want %q", who, c.asked, ready, c.ready)
			}
		})
	}
}
