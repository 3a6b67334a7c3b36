package node_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

type peer struct {
	*node.State
	ahead time.Duration // of our clock
	err   error         // instead of a block
}

// A block may be a little ahead of our clock. One that is farther is a fault of its node
// that says by how much, and no fault at all while another node answers.
func TestAhead(t *testing.T) {
	t.Parallel()
	now, away := time.Unix(1_700_000_000, 0), errors.New("away")
	for name, c := range map[string]struct {
		nodes []peer
		by    time.Duration // 0: a block is taken
		node  string
	}{
		"behind":                    {[]peer{{ahead: -time.Hour}}, 0, ""},
		"on time":                   {[]peer{{}}, 0, ""},
		"as far as may be":          {[]peer{{ahead: 15 * time.Second}}, 0, ""},
		"farther":                   {[]peer{{ahead: 15*time.Second + 1}}, 15*time.Second + 1, "a"},
		"a day":                     {[]peer{{ahead: 24 * time.Hour}}, 24 * time.Hour, "a"},
		"longer than can be told":   {[]peer{{ahead: 1<<63 - 1}}, 1<<63 - 1, "a"},
		"one of two":                {[]peer{{ahead: time.Minute}, {}}, 0, ""},
		"both":                      {[]peer{{ahead: time.Minute}, {ahead: time.Hour}}, time.Minute, "a"},
		"one, and the other is out": {[]peer{{err: away}, {ahead: time.Minute}}, time.Minute, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *node.Pool[peer]
			ask := func(_ context.Context, n peer) (pay.Block, error) {
				return pay.Block{Height: 7, Hash: "h", Time: now.Add(n.ahead)}, n.err
			}
			for what, f := range map[string]func() (pay.Block, error){
				"head":  func() (pay.Block, error) { return p.Head(t.Context(), ask) },
				"final": func() (pay.Block, error) { return p.Final(t.Context(), ask) },
				"block": func() (pay.Block, error) { return p.Block(t.Context(), 7, ask) },
			} {
				p = &node.Pool[peer]{Network: "ethereum", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
				for i, n := range c.nodes {
					n.State = &node.State{Name: string(rune('a' + i))}
					p.Nodes = append(p.Nodes, n)
				}
				b, err := f()
				e, ahead := errors.AsType[*node.AheadError](err)
				if ahead != (c.by != 0) || !ahead && (err != nil || b.Height != 7) || ahead && (e.By != c.by || e.Node != c.node || e.Height != 7) {
					t.Errorf("%s: %v, %v", what, b, err)
				}
			}
		})
	}
	e := &node.AheadError{Node: "base node 2", Height: 7, By: 61*time.Second + 400*time.Millisecond}
	if got := e.Error(); got != "base node 2: block 7 is of the future, 1m1s ahead of this machine's clock" {
		t.Error(got)
	}
}
