package node_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

type asked struct {
	*node.State
	dead bool
}

// A dead node beside a sound one is asked ever more seldom, and still so often that the
// alert for faulty nodes fires.
func TestADeadNodeRaisesTheAlert(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`increase\(pepay_rpc_errors_total\[15m\]\)\) > (\d+)`).FindSubmatch(b)
	if m == nil {
		t.Fatal("there is no alert for faulty nodes")
	}
	bound, _ := strconv.Atoi(string(m[1]))
	now, faults := time.Unix(1_700_000_000, 0), 0
	start := now
	p := node.Pool[asked]{
		Network: "base", Nodes: []asked{{&node.State{Name: "1"}, false}, {&node.State{Name: "2"}, true}},
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}
	for ; now.Sub(start) < 45*time.Minute; now = now.Add(time.Second) {
		_, err := p.Head(t.Context(), func(_ context.Context, n asked) (pay.Block, error) {
			if n.dead {
				if now.Sub(start) >= 30*time.Minute { // long after it died
					faults++
				}
				return pay.Block{}, errors.New("connection refused")
			}
			return pay.Block{Height: 1, Hash: "1", Time: now}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if faults <= bound {
		t.Errorf("%d faults in 15 minutes; the alert asks for more than %d", faults, bound)
	}
}
