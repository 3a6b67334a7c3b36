package evm_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/chain/chaintest"
)

// A node that allows logs of few blocks at a time is asked for few; one that allows none
// costs an error.
func TestLogsOfFewBlocksAtATime(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 5})
	for range 40 {
		s.Commit()
	}
	s.mine(t, chaintest.Transfer{Address: ourB.Hex(), Token: token.Hex(), Units: 7})
	for most, want := range map[hexutil.Uint64][]uint64{1000: {1, 42}, 20: {1, 42}, 0: nil} {
		p := newProxy(t, s)
		p.set(faults{deny: func(method string, params []json.RawMessage) bool {
			var q struct{ FromBlock, ToBlock hexutil.Uint64 }
			return method == "eth_getLogs" && json.Unmarshal(params[0], &q) == nil && q.ToBlock-q.FromBlock+1 > most
		}})
		got, err := newDriver(newClock(), p).Mentions(t.Context(), ours(), 1, 42)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("a node that allows %d: %v, %v", most, got, err)
		}
	}
}
