package ton_test

import (
	"crypto/ed25519"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

// edit returns a fault that rewrites the answers to a path.
func edit(path string, change func(string) string) faults {
	return faults{edit: func(p, answer string) string {
		if p != path {
			return answer
		}
		return change(answer)
	}}
}

func replace(path, pattern, by string) faults {
	re := regexp.MustCompile(pattern)
	return edit(path, func(s string) string { return re.ReplaceAllString(s, by) })
}

const (
	ofBlock = "/transactionsByMasterchainBlock"
	shards  = "/masterchainBlockShardState"
)

// Each fault of a node may cost time: nothing false is ever seen, and once the node is sound again, or at once
// where others are, everything is found, once.
var nodeFaults = map[string]faults{
	"hangs":               {hang: true},
	"garbage":             {garbage: true},
	"huge body":           {huge: true},
	"lags":                {lag: 3},
	"no head":             {refuse: "/masterchainInfo"},
	"no blocks":           {refuse: "/blocks"},
	"no shards":           {refuse: shards},
	"no transactions":     {refuse: ofBlock},
	"other network":       replace("/masterchainInfo", `"global_id":-3`, `"global_id":-239`),
	"blocks of another":   replace("/blocks", `"global_id":-3`, `"global_id":-239`),
	"null head":           replace("/masterchainInfo", `^.*`, `{"last":null}`),
	"null":                edit("/blocks", func(string) string { return "null" }),
	"empty transactions":  edit(ofBlock, func(string) string { return `{"transactions":[]}` }),
	"null transactions":   edit(ofBlock, func(string) string { return `{"transactions":[null,null]}` }),
	"omits a transaction": replace(ofBlock, `\{"account":.*?\]\}(,|\])`, `$1`),
	"hides what it omits": replace("/blocks", `"tx_count":[1-9]`, `"tx_count":0`),
	"transactions twice": edit(ofBlock, func(s string) string {
		return regexp.MustCompile(`"transactions":\[(.*)\]`).ReplaceAllString(s, `"transactions":[$1,$1]`)
	}),
	"of another block":    replace(ofBlock, `"mc_block_seqno":\d+`, `"mc_block_seqno":2`),
	"altered hash":        replace(ofBlock, `"hash":"..`, `"hash":"!!`),
	"no outcome":          replace(ofBlock, `"aborted":(true|false)`, `"aborted":null`),
	"amount with a point": replace(ofBlock, `"value":"5"`, `"value":"5.0"`),
	"amount below zero":   replace(ofBlock, `"value":"5"`, `"value":"-5"`),
	"altered body":        replace(ofBlock, `"body":"te6cck`, `"body":"te6ccgE`),
	"body of another":     replace(ofBlock, `"message_content":\{"hash":"..`, `"message_content":{"hash":"AA`),
	"leaves out a shard block": edit("/blocks", func(s string) string {
		return regexp.MustCompile(`,\{"workchain":0,[^\]]*\]\}`).ReplaceAllString(s, "")
	}),
	"shards are behind":    edit(shards, func(s string) string { return regexp.MustCompile(`"seqno":\d+`).ReplaceAllString(s, `"seqno":1`) }),
	"shards are ahead":     edit(shards, func(s string) string { return regexp.MustCompile(`"seqno":\d+`).ReplaceAllString(s, `"seqno":99999`) }),
	"no shards at all":     edit(shards, func(string) string { return `{"blocks":[]}` }),
	"block of the future":  replace("/masterchainInfo", `"gen_utime":"1`, `"gen_utime":"4`),
	"failed is fine":       replace(ofBlock, `"aborted":true`, `"aborted":false`),
	"block without a time": replace("/blocks", `"gen_utime":"\d+"`, `"gen_utime":"0"`),
}

// A node can tell these lies and be believed, if it is the only one.
var lies = map[string]faults{
	"altered amount":    replace(ofBlock, `"value":"5"`, `"value":"55"`),
	"other recipient":   edit(ofBlock, func(s string) string { return strings.ReplaceAll(s, parse(ourA).Raw(), parse(ourB).Raw()) }),
	"forged block":      replace("/blocks", `"root_hash":"..`, `"root_hash":"AA`),
	"fine is failed":    replace(ofBlock, `"aborted":false`, `"aborted":true`),
	"nothing came back": replace(ofBlock, `,"bounce":\{\}`, ``),
	"all came back":     replace(ofBlock, `"aborted":true`, `"aborted":true,"bounce":{}`),
	"empty blocks": {edit: func(p, s string) string {
		switch p {
		case "/blocks":
			return regexp.MustCompile(`"tx_count":\d+`).ReplaceAllString(s, `"tx_count":0`)
		case ofBlock:
			return `{"transactions":[]}`
		}
		return s
	}},
	"other transactions": replace(ofBlock, `"hash":"..`, `"hash":"AA`),
}

const confirmations = 1

var paid = []string{"13", "5", "7", "8"}

// pays makes deposits of every kind, and things that are not deposits.
func pays(t testing.TB, s sim) {
	t.Helper()
	s.put(t,
		chaintest.Transfer{Address: ourA, Units: 5},
		chaintest.Transfer{Address: ourA, Token: devchain.USDT, Units: 7},   // with a notification of 1 nanoton
		chaintest.Transfer{Address: ourA, Token: devchain.Other, Units: 15}, // not watched
		chaintest.Transfer{Address: ourB, Token: devchain.USDT, Units: 8},
		chaintest.Transfer{Address: stranger, Units: 16},
		chaintest.Transfer{Address: ourB, Units: 0},
	)
	ask := func(m ton.Message) {
		if err := s.Ask(m); err != nil {
			t.Fatal(err)
		}
	}
	b, usdt := parse(ourB), s.Jetton(devchain.USDT)
	ask(ton.Message{To: b, Value: big.NewInt(17_000_000), Bounce: true})                      // comes back: there is no contract
	ask(ton.Message{To: b, Value: big.NewInt(13), Body: cellOf(0, 0x68656c6c)})               // with a comment
	ask(ton.Message{To: b, Value: big.NewInt(18), Body: cellOf(ton.OpExcesses, 0, 0)})        // what was left of something
	ask(ton.Message{To: b, Value: big.NewInt(19), Body: cellOf(ton.OpNotification, 0, 0, 0)}) // or came with a jetton
	forged := ton.Arrival{Units: big.NewInt(1_000_000), From: parse(stranger), Sent: true, Forward: new(big.Int)}.Body()
	ask(ton.Message{To: usdt.Wallet(b), Value: big.NewInt(100_000_000), Bounce: true, Init: usdt.Init(b), Body: forged}) // refused
	ask(ton.Message{To: b, Value: big.NewInt(20_000_000), Body: forged})                                                 // a wallet takes it for a payment
	wallet := ton.FeeWallet(devchain.Payer().Public().(ed25519.PublicKey), true).Address()
	ask(ton.Message{To: wallet, Value: big.NewInt(21), Body: cellOf(ton.OpInternal)}) // an arrival that breaks off, between strangers
	s.Mine()
}

func unitsOf(all ...[]pay.Deposit) (units []string) {
	for _, ds := range all {
		for _, d := range ds {
			units = append(units, d.Units.String())
		}
	}
	slices.Sort(units)
	return units
}

// trueSoFar fails the test when anything was seen that is not so.
func trueSoFar(t testing.TB, b *chaintest.Book) {
	t.Helper()
	rest := slices.Clone(allPaid)
	for _, u := range unitsOf(b.Seen(), b.Final()) {
		i := slices.Index(rest, u)
		if i < 0 {
			t.Fatalf("seen %v, final %v", unitsOf(b.Seen()), unitsOf(b.Final()))
		}
		rest = slices.Delete(rest, i, i+1)
	}
}

var allPaid = append(slices.Clone(paid), "20000000")

func newBook(t testing.TB, d *ton.Driver) *chaintest.Book {
	return &chaintest.Book{Addresses: []string{ourA, ourB}, Accounts: accounts(t, d, ourA, ourB)}
}

func TestFaultyNodeCostsTime(t *testing.T) {
	t.Parallel()
	for name, f := range nodeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newSim(), newClock()
			p := newProxy(t, s)
			d := newDriver(c, p)
			if f.hang {
				d.Timeout = 50 * time.Millisecond
			}
			b := newBook(t, d)
			w := chaintest.NewWatcher(d, b, confirmations)
			settle(t, c, w)
			p.set(f)
			pays(t, s)
			steps := 3
			if f.huge {
				steps = 1
			}
			for range 2 {
				for range steps {
					_, _ = w.Step(t.Context())
					trueSoFar(t, b)
					c.advance(time.Minute)
				}
				s.Mine()
			}
			p.bit(t)
			p.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

func TestFaultyNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	for kind, faults := range map[string]map[string]faults{"fault": nodeFaults, "lie": lies} {
		for name, f := range faults {
			t.Run(fmt.Sprint(kind, " ", name), func(t *testing.T) {
				t.Parallel()
				s, c := newSim(), newClock()
				bad := newProxy(t, s)
				d := newDriver(c, bad, newProxy(t, s), newProxy(t, s))
				if f.hang {
					d.Timeout = 200 * time.Millisecond
				}
				b := newBook(t, d)
				w := chaintest.NewWatcher(d, b, confirmations)
				settle(t, c, w)
				bad.set(f)
				pays(t, s)
				allFinal(t, s, c, w, b)
				bad.bit(t)
			})
		}
	}
}

// Of two nodes neither is believed alone.
func TestTwoNodesMustAgree(t *testing.T) {
	t.Parallel()
	for name, f := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newSim(), newClock()
			bad := newProxy(t, s)
			d := newDriver(c, bad, newProxy(t, s))
			b := newBook(t, d)
			w := chaintest.NewWatcher(d, b, confirmations)
			settle(t, c, w)
			bad.set(f)
			pays(t, s)
			for range 5 {
				_, _ = w.Step(t.Context())
				trueSoFar(t, b)
				c.advance(time.Minute)
			}
			bad.bit(t)
			bad.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

// settle takes steps until the watcher is at rest; some may fail.
func settle(t testing.TB, c *clock, w *chain.Watcher) {
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
func allFinal(t testing.TB, s sim, c *clock, w *chain.Watcher, b *chaintest.Book) {
	t.Helper()
	for range 3 {
		settle(t, c, w)
		s.Mine()
		trueSoFar(t, b)
	}
	settle(t, c, w)
	want := slices.Clone(allPaid)
	slices.Sort(want)
	if got := unitsOf(b.Final()); !slices.Equal(got, want) || len(b.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, want, unitsOf(b.Seen()))
	}
}
