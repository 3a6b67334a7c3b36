package cardano_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/node"
)

// unsigned is a node that leaves the signatures out, which a transaction's hash does not
// cover: who spent can then not be told.
func unsigned() faults {
	return list(func(all []map[string]string) []map[string]string {
		for _, l := range all {
			var parts []cbor.RawMessage
			raw, _ := hex.DecodeString(l["cbor"])
			if cbor.Unmarshal(raw, &parts) == nil {
				parts[1] = cbor.RawMessage{0xa0}
				raw, _ = cbor.Marshal(parts)
			}
			l["cbor"] = hex.EncodeToString(raw)
		}
		return all
	})
}

// A node that hides who signed, and so that deposits were spent, is not confirmed by one that
// does not.
func TestSignaturesMustAgree(t *testing.T) {
	t.Parallel()
	for liar := range 2 {
		s, b := newSim(t), &chaintest.Book{Addresses: ours()}
		s.mine(t, chaintest.Transfer{Address: ourA, Units: 5_000_000})
		nodes := []*proxy{newProxy(t, s), newProxy(t, s), newProxy(t, s)}
		nodes[liar].set(unsigned())
		two, three := newDriver(newClock(), nodes[:2]...), newDriver(newClock(), nodes...)
		after, err := two.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.mine(t, chaintest.Transfer{Address: ourA, Sweep: true})
		if f, err := two.Scan(t.Context(), after, after.Height+1, b.Ours); !errors.Is(err, node.ErrDisagree) {
			t.Errorf("of two nodes the one with number %d lies: %+v, %v", liar, f, err)
		}
		if f, err := three.Scan(t.Context(), after, after.Height+1, b.Ours); err != nil || len(f.Sweeps) != 1 {
			t.Errorf("of three nodes the one with number %d lies: %+v, %v", liar, f, err)
		}
	}
}
