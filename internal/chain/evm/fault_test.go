package evm_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/pay"
)

// edit returns a fault that rewrites the answers to a method.
func edit(method string, change func(string) string) faults {
	return faults{edit: func(m string, _ []json.RawMessage, result string) string {
		if m != method || result == "null" {
			return result
		}
		return change(result)
	}}
}

var oneLog = regexp.MustCompile(`"logs":\[\{[^}]*\},?`)

// forged gives a block another content, with a hash that fits.
func forged(result string) string {
	var object map[string]json.RawMessage
	var header types.Header
	if json.Unmarshal([]byte(result), &object) != nil || json.Unmarshal([]byte(result), &header) != nil || header.Number.Uint64() < 5 {
		return result
	}
	header.Extra = []byte("forged")
	object["extraData"] = json.RawMessage(`"0x666f72676564"`)
	object["hash"], _ = json.Marshal(header.Hash())
	out, _ := json.Marshal(object)
	return string(out)
}

// Each fault of a node may cost time: nothing false is ever seen, and once the node is
// sound again, or at once where others are, everything is found, once.
var nodeFaults = map[string]faults{
	"hangs":          {hang: true},
	"garbage":        {garbage: true},
	"huge body":      {huge: true},
	"lags":           {lag: 3},
	"small batches":  {maxBatch: 1},
	"refuses all":    {maxBatch: -1},
	"no receipts":    {refuse: "eth_getBlockReceipts"},
	"no proofs":      {refuse: "eth_getProof"},
	"no chain id":    {refuse: "eth_chainId"},
	"other chain":    edit("eth_chainId", func(string) string { return `"0x1"` }),
	"omits a log":    edit("eth_getBlockReceipts", func(s string) string { return oneLog.ReplaceAllString(s, `"logs":[`) }),
	"empty receipts": edit("eth_getBlockReceipts", func(string) string { return `[]` }),
	"null receipts":  edit("eth_getBlockReceipts", func(string) string { return `null` }),
	"failed is fine": edit("eth_getBlockReceipts", func(s string) string { return strings.ReplaceAll(s, `"status":"0x0"`, `"status":"0x1"`) }),
	"other recipient": edit("eth_getBlockReceipts", func(s string) string {
		return strings.ReplaceAll(s, strings.ToLower(ourA.Hex()[2:]), strings.ToLower(ourB.Hex()[2:]))
	}),
	"altered value": edit("eth_getBlockByNumber", func(s string) string { return strings.ReplaceAll(s, `"value":"0x5"`, `"value":"0x55"`) }),
	"drops the txs": edit("eth_getBlockByNumber", func(s string) string {
		return regexp.MustCompile(`"transactions":\[.*\]`).ReplaceAllString(s, `"transactions":[]`)
	}),
	"altered bloom": edit("eth_getBlockByNumber", func(s string) string {
		return regexp.MustCompile(`"logsBloom":"0x[0-9a-f]*"`).ReplaceAllString(s, `"logsBloom":"0x`+strings.Repeat("0", 512)+`"`)
	}),
	"other hash":      edit("eth_getBlockByNumber", func(s string) string { return regexp.MustCompile(`"hash":"0x..`).ReplaceAllString(s, `"hash":"0x00`) }),
	"forged blocks":   edit("eth_getBlockByNumber", forged),
	"null blocks":     edit("eth_getBlockByNumber", func(string) string { return "null" }),
	"another block":   edit("eth_getBlockByNumber", func(string) string { return `{"hash":"0x00"}` }),
	"balance too low": edit("eth_getBalance", func(string) string { return `"0x0"` }),
	"balance too big": edit("eth_getBalance", func(string) string { return `"0xffffff"` }),
	"forged proof":    edit("eth_getProof", func(s string) string { return strings.ReplaceAll(s, `"0xf8`, `"0xf9`) }),
	"forged balance":  edit("eth_getProof", func(s string) string { return strings.Replace(s, `"balance":"0xb"`, `"balance":"0xbb"`, 1) }),
	"empty proof":     edit("eth_getProof", func(string) string { return `{"accountProof":[]}` }),
	"null proof":      edit("eth_getProof", func(string) string { return `null` }),
}

const confirmations = 3

// pays makes deposits of every kind, and things that are not deposits.
func pays(t *testing.T, s *sim) {
	dirty := transferLog(s.from, ourA, 17)
	dirty[2*32] = 1 // of the recipient's word: not an address
	s.send(t,
		s.tx(chaintest.Transfer{Address: ourA.Hex(), Units: 5}),
		s.tx(chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 7}),
		types.DynamicFeeTx{To: &token, Data: slices.Concat(transferLog(s.from, ourA, 8), transferLog(s.from, stranger, 6), transferLog(s.from, ourB, 9))},
		s.tx(chaintest.Transfer{Address: ourB.Hex(), Units: 11, Hidden: true}),
		s.tx(chaintest.Transfer{Address: refusing.Hex(), Units: 13}),                                                   // fails
		s.tx(chaintest.Transfer{Address: ourA.Hex(), Token: fakeToken.Hex(), Units: 15}),                               // not watched
		types.DynamicFeeTx{To: &token, Data: slices.Concat(transferLog(s.from, ourA, 0), transferLog(ourA, ourA, 16))}, // nothing moves
		types.DynamicFeeTx{To: &token, Data: dirty},
	)
	s.Commit()
}

var paid = []string{"11", "5", "7", "8", "9"}

func unitsOf(all ...[]pay.Deposit) (units []string) {
	for _, ds := range all {
		for _, d := range ds {
			units = append(units, d.Units.String())
		}
	}
	slices.Sort(units)
	return units
}

func ours() []string { return []string{ourA.Hex(), ourB.Hex(), refusing.Hex()} }

// trueSoFar fails the test when anything was seen that is not so.
func trueSoFar(t *testing.T, b *chaintest.Book) {
	t.Helper()
	rest := slices.Clone(paid)
	for _, u := range unitsOf(b.Seen(), b.Final()) {
		i := slices.Index(rest, u)
		if i < 0 {
			t.Fatalf("seen %v, final %v", unitsOf(b.Seen()), unitsOf(b.Final()))
		}
		rest = slices.Delete(rest, i, i+1)
	}
}

func TestFaultyNodeCostsTime(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
			p := newProxy(t, s)
			d := newDriver(c, p)
			if f.hang {
				d.Timeout = 50 * time.Millisecond
			}
			w := chaintest.NewWatcher(d, b, confirmations)
			s.mine(t)
			settle(t, c, w)
			p.set(f)
			pays(t, s)
			steps := 3
			if f.huge {
				steps = 1
			}
			for range confirmations + 1 {
				for range steps {
					_, _ = w.Step(t.Context())
					trueSoFar(t, b)
					c.advance(time.Minute)
				}
				s.Commit()
			}
			p.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

func TestFaultyNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
			bad := newProxy(t, s)
			d := newDriver(c, bad, newProxy(t, s), newProxy(t, s))
			if f.hang {
				d.Timeout = 200 * time.Millisecond
			}
			w := chaintest.NewWatcher(d, b, confirmations)
			s.mine(t)
			settle(t, c, w)
			bad.set(f)
			pays(t, s)
			allFinal(t, s, c, w, b)
		})
	}
}

// settle takes steps until the watcher is at rest; some may fail.
func settle(t *testing.T, c *clock, w *chain.Watcher) {
	t.Helper()
	var more bool
	var err error
	for range 50 {
		if more, err = w.Step(t.Context()); err == nil && !more {
			return
		}
		c.advance(10 * time.Second)
	}
	t.Fatalf("the watcher does not come to rest: %v", err)
}

// allFinal lets what was paid grow deep and fails unless all is final, once.
func allFinal(t *testing.T, s *sim, c *clock, w *chain.Watcher, b *chaintest.Book) {
	t.Helper()
	for range 2*confirmations + 1 {
		settle(t, c, w)
		s.Commit()
		trueSoFar(t, b)
	}
	settle(t, c, w)
	if got := unitsOf(b.Final()); !slices.Equal(got, paid) || len(b.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, paid, unitsOf(b.Seen()))
	}
}
