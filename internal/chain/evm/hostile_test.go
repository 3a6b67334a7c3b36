package evm_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/evm"
	"github.com/pepay/pepay/internal/devchain/avalanche"
)

// A node that follows a chain of its own, sound in itself, is passed over for
// those that agree.
func TestPrivateChainIsNotFollowed(t *testing.T) {
	t.Parallel()
	s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
	private := newSimOf(t, s.key)
	// The first answers checks with the truth, and scans with its own chain; the
	// second answers both with its own chain.
	bad := newProxy(t, s)
	bad.set(faults{edit: func(method string, params []json.RawMessage, result string) string {
		if method != "eth_getBlockByNumber" || string(params[1]) != "true" {
			return result
		}
		var own json.RawMessage
		if err := private.raw.CallContext(t.Context(), &own, method, params[0], params[1]); err != nil {
			return "null"
		}
		return string(own)
	}})
	w := chaintest.NewWatcher(newDriver(c, bad, newProxy(t, private), newProxy(t, s), newProxy(t, s)), b, 50)
	settle(t, c, w)                                                        // at the first block, which all have
	private.mine(t, chaintest.Transfer{Address: stranger.Hex(), Units: 1}) // nothing that a receipt could give away
	s.mine(t, chaintest.Transfer{Address: ourB.Hex(), Units: 2})
	for range 3 {
		private.Commit()
		s.Commit()
	}
	settle(t, c, w)
	if got := b.Seen(); len(got) != 1 || got[0].Units.String() != "2" {
		t.Errorf("seen %v", got)
	}
}

// A node is not asked again at once after a fault, and later each time.
func TestFaultyNodeIsAskedLess(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 5})
	bad := newProxy(t, s)
	bad.set(edit("eth_getBlockReceipts", func(string) string { return `[]` }))
	d, book := newDriver(c, bad, newProxy(t, s)), &chaintest.Book{Addresses: ours()}
	first, err := d.Block(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	asked := func(d *evm.Driver, during time.Duration) int {
		before := bad.count("eth_getBlockReceipts")
		for range during / time.Second {
			if f, err := d.Scan(t.Context(), first, 1, book.Ours); err != nil || len(f.Deposits) != 1 {
				t.Fatalf("scan: %v, %v", f, err)
			}
			c.advance(time.Second)
		}
		return bad.count("eth_getBlockReceipts") - before
	}
	if n := asked(d, 30*time.Second); n != 5 { // after 0, 1, 3, 7 and 15 seconds
		t.Errorf("asked %d times in the first half minute", n)
	}
	if n := asked(d, 10*time.Minute); n < 5 || n > 8 {
		t.Errorf("asked %d times in the next ten minutes", n)
	}
}

// The stated hash of a block is checked: what it is taken from may not be what we
// can encode.
func TestStatedHashMustFit(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.Commit()
	raw, _, hash := blockOf(t, s)
	if got, err := evm.ParseHeader(raw); err != nil || got != hash {
		t.Errorf("hash %s, %v", got, err)
	}
	if _, err := evm.ParseHeader([]byte(strings.Replace(string(raw), hash.Hex()[2:10], "00000000", 1))); err == nil {
		t.Error("another hash was believed")
	}
}

// Avalanche's headers have fields of their own, which their hash covers.
func TestAvalancheHeader(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.Commit()
	raw, _, _ := blockOf(t, s)
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	object["extDataHash"] = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
	altered, _ := json.Marshal(object)
	if _, err := evm.ParseHeader(altered); err == nil {
		t.Error("a header was believed whose hash does not cover all of it")
	}
	// Since Helicon, with all its fields.
	for range 3 {
		s.Commit()
	}
	if err := avalanche.New(s.raw).CallContext(t.Context(), &object, "eth_getBlockByNumber", "latest", false); err != nil {
		t.Fatal(err)
	}
	raw, _ = json.Marshal(object)
	if hash, err := evm.ParseHeader(raw); err != nil || hash.Hex() != object["hash"] {
		t.Errorf("%s hashes to %s, %v", object["hash"], hash, err)
	}
	for _, field := range strings.Fields("timestampMilliseconds minDelayExcess targetExponent minPriceExponent settledHeight settledGasUnix settledGasNumerator settledExcess") {
		was := object[field]
		object[field] = "0x7"
		if altered, _ = json.Marshal(object); was == nil {
			t.Errorf("no %s", field)
		}
		if _, err := evm.ParseHeader(altered); err == nil {
			t.Errorf("another %s is believed", field)
		}
		object[field] = was
	}
}

// A block whose header is the node's own may promise receipts for transactions
// that it does not have.
func TestMoreReceiptsThanTransactions(t *testing.T) {
	t.Parallel()
	r := &types.Receipt{Status: 1, CumulativeGasUsed: 21_000, Logs: []*types.Log{}}
	h := types.NewBlock(&types.Header{Number: big.NewInt(1), Difficulty: new(big.Int), Extra: []byte{}}, nil, []*types.Receipt{r}, trie.NewStackTrie(nil)).Header()
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := evm.ParseBlock(raw, []byte(`[{"type":"0x0","status":"0x1","cumulativeGasUsed":"0x5208","logs":[]}]`)); err == nil || !strings.Contains(err.Error(), "1 receipts for the 0 transactions") {
		t.Errorf("block: %v", err)
	}
}
