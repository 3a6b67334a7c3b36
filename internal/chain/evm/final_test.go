package evm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/pay"
)

// holds is a node that holds the block at a height final.
func (s *sim) holds(t testing.TB, height uint64) faults {
	return faults{edit: func(_ string, params []json.RawMessage, result string) string {
		if len(params) == 0 || string(params[0]) != `"finalized"` {
			return result
		}
		var at json.RawMessage
		if err := s.raw.CallContext(t.Context(), &at, "eth_getBlockByNumber", fmt.Sprintf("%#x", height), false); err != nil {
			return "null"
		}
		return string(at)
	}}
}

// A block is final once two nodes hold it so: one that is ahead of the others is not
// believed, one that is stuck is not waited for.
func TestFinalIsWhatTwoNodesHold(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for range 9 {
		s.Commit()
	}
	for _, test := range []struct {
		held []uint64
		want uint64
	}{{[]uint64{6}, 6}, {[]uint64{7, 5}, 5}, {[]uint64{9, 6, 6}, 6}, {[]uint64{1, 6, 7}, 6}} {
		var nodes []*proxy
		for _, h := range test.held {
			p := newProxy(t, s)
			p.set(s.holds(t, h))
			nodes = append(nodes, p)
		}
		d := newDriver(newClock(), nodes...)
		if _, err := d.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b, err := d.Final(t.Context(), pay.Finalized); err != nil || b.Height != test.want {
			t.Errorf("nodes hold %v: %d, %v", test.held, b.Height, err)
		}
	}
	stuck, sound := newProxy(t, s), newProxy(t, s)
	stuck.set(faults{lag: 5}) // 4 of 9, and its final block is that too
	sound.set(s.holds(t, 8))
	if err := s.AdjustTime(3 * time.Minute); err != nil {
		t.Fatal(err)
	}
	d := newDriver(newClock(), stuck, sound)
	if _, err := d.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Final(t.Context(), pay.Finalized); err != nil || b.Height != 8 {
		t.Errorf("with a node that is stuck: %d, %v", b.Height, err)
	}
}

// A node that does not know the tag, or has nothing to show for it, says so.
func TestFinalWithoutATag(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for want, f := range map[string]faults{"has no finalized block": s.holds(t, 99), "refused": {refuse: "eth_getBlockByNumber"}} {
		p := newProxy(t, s)
		p.set(f)
		if b, err := newDriver(newClock(), p).Final(t.Context(), pay.Finalized); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, b, err)
		}
	}
}

// A deposit counts when the network holds its block final, however deep it is; the height
// of one node that is ahead of all others finalizes nothing.
func TestDepositIsFinalByTheTag(t *testing.T) {
	t.Parallel()
	s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
	sound, liar := newProxy(t, s), newProxy(t, s)
	sound.set(s.holds(t, 1))
	liar.set(s.holds(t, 1))
	s.Commit()
	w := chaintest.NewWatcher(newDriver(c, sound, liar), b, 1)
	w.Finality = pay.Finalized
	chaintest.Settle(t, w)
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 5}) // block 2
	for range 40 {
		s.Commit()
	}
	liar.set(s.holds(t, 40))
	chaintest.Settle(t, w)
	if len(b.Seen()) != 1 || len(b.Final()) != 0 {
		t.Fatalf("before it is final: seen %v, final %v", b.Seen(), b.Final())
	}
	sound.set(s.holds(t, 2))
	chaintest.Settle(t, w)
	if _, final, _ := b.Position(t.Context()); len(b.Final()) != 1 || final.Height != 2 {
		t.Errorf("once it is final: seen %v, final %v up to %d", b.Seen(), b.Final(), final.Height)
	}
}
