package cardano_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

const (
	lists  = `/blocks/[0-9]+/next$`
	blocks = `/blocks/([0-9a-z]+|[0-9]+/next)$`
	cbors  = `/txs/cbor$`
)

// replace returns a fault that rewrites what answers have, by a pattern.
func replace(path, what, by string) faults {
	re := regexp.MustCompile(what)
	return faults{edit: path, change: func(_, body string) string { return re.ReplaceAllString(body, by) }}
}

// list returns a fault that rewrites lists of transactions that are not empty.
func list(change func([]map[string]string) []map[string]string) faults {
	return faults{edit: cbors, change: func(_, body string) string {
		var all []map[string]string
		if json.Unmarshal([]byte(body), &all) != nil || len(all) == 0 {
			return body
		}
		out, _ := json.Marshal(change(all))
		return string(out)
	}}
}

func last(all []map[string]string) map[string]string { return all[len(all)-1] }

// Each fault of a node may cost time: nothing false is ever seen, and once the node is
// sound again, or at once where others are, everything is found, once.
var nodeFaults = map[string]faults{
	"hangs":             {hang: true},
	"garbage":           {garbage: true},
	"huge body":         {huge: true},
	"over its limit":    {status: 402},
	"too many requests": {status: 429},
	"broken":            {status: 500},
	"moved":             {status: 302},
	"no such path":      {status: 404},
	"no genesis":        {refuse: `/genesis$`},
	"other chain":       replace(`/genesis$`, `"network_magic":42`, `"network_magic":764824073`),
	"null genesis":      replace(`/genesis$`, `(?s).*`, `null`),
	"no lists":          {refuse: lists},
	"null lists":        replace(lists, `(?s).*`, `null`),
	"null blocks":       replace(lists, `(?s).*`, `[null,null]`),
	"endless lists":     replace(lists, `(?s).*`, "["+strings.Repeat(`{},`, 1000)+`{}]`),
	"null block":        replace(`/blocks/[0-9]+$`, `(?s).*`, `null`),
	"another block":     replace(`/blocks/[0-9]+$`, `"height":\d+`, `"height":1`),
	"no height":         replace(blocks, `"height":\d+`, `"height":null`),
	"broken height":     replace(blocks, `"height":(\d+)`, `"height":$1.5`),
	"huge height":       replace(blocks, `"height":(\d+)`, `"height":1844674407370955161$1`),
	"no slot":           replace(blocks, `"slot":\d+`, `"slot":null`),
	"upper case":        replace(blocks, `"hash":"[0-9a-f]`, `"hash":"A`),
	"long hash":         replace(blocks, `"hash":"`, `"hash":"00`),
	"of the future":     replace(blocks, `"time":\d+`, `"time":9999999999`),
	"of no time":        replace(blocks, `"time":\d+`, `"time":-5`),
	"other parent":      replace(lists, `"previous_block":"..`, `"previous_block":"00`),
	"skips a block":     {edit: lists, change: func(_, body string) string { return regexp.MustCompile(`(?s)^\[\{.*?\},`).ReplaceAllString(body, "[") }},
	"more than it has":  replace(lists, `"tx_count":(\d)`, `"tx_count":1$1`),
	"negative count":    replace(lists, `"tx_count":\d`, `"tx_count":-1`),
	"huge count":        replace(lists, `"tx_count":\d`, `"tx_count":2000000000`),
	"no transactions":   {refuse: cbors},
	"empty list":        replace(cbors, `(?s).*`, `[]`),
	"null list":         replace(cbors, `(?s).*`, `null`),
	"one less":          list(func(all []map[string]string) []map[string]string { return all[1:] }),
	"one more":          list(func(all []map[string]string) []map[string]string { return append(all, all[0]) }),
	"one twice": list(func(all []map[string]string) []map[string]string {
		all[0] = last(all)
		if len(all) == 1 {
			return nil
		}
		return all
	}),
	"other hash": list(func(all []map[string]string) []map[string]string {
		last(all)["tx_hash"] = strings.Repeat("00", 32)
		return all
	}),
	"short hash":   list(func(all []map[string]string) []map[string]string { last(all)["tx_hash"] = "00"; return all }),
	"no bytes":     list(func(all []map[string]string) []map[string]string { last(all)["cbor"] = ""; return all }),
	"not bytes":    list(func(all []map[string]string) []map[string]string { last(all)["cbor"] = "zz"; return all }),
	"a body alone": list(func(all []map[string]string) []map[string]string { last(all)["cbor"] = "a0"; return all }),
	"cut": list(func(all []map[string]string) []map[string]string {
		c := last(all)["cbor"]
		last(all)["cbor"] = c[:len(c)/2]
		return all
	}),
	"other recipient": list(func(all []map[string]string) []map[string]string { return swapped(all, keyHash(ourA), keyHash(ourB)) }),
	"altered amount": list(func(all []map[string]string) []map[string]string {
		return swapped(all, keyHash(ourA)+"05", keyHash(ourA)+"06")
	}),
	"altered token": list(func(all []map[string]string) []map[string]string { return swapped(all, fake[:56], token[:56]) }),
}

// Lies that are sound in themselves: only another node shows them.
var soundLies = map[string]func(*sim) faults{
	"hides a transaction": func(*sim) faults {
		return faults{edit: lists + "|" + cbors, change: func(path, body string) string {
			if strings.HasSuffix(path, "next") {
				return regexp.MustCompile(`"tx_count":\d`).ReplaceAllString(body, `"tx_count":0`)
			}
			return body
		}}
	},
	"hides a failure": func(*sim) faults {
		return list(func(all []map[string]string) []map[string]string {
			for _, l := range all {
				l["cbor"] = regexp.MustCompile(`f4f6$`).ReplaceAllString(l["cbor"], "f5f6")
			}
			return all
		})
	},
	"invents a transaction": func(*sim) faults {
		return list(func(all []map[string]string) []map[string]string {
			hash, raw, _ := cardano.Draft{Inputs: []cardano.Ref{ref(1, 1)}, Outputs: []cardano.Output{output(ourA, "", 999)}}.Sign(account.Payment(55))
			all[0] = map[string]string{"tx_hash": hash.String(), "cbor": fmt.Sprintf("%x", raw)}
			return all
		})
	},
	"a chain of its own": func(*sim) faults {
		return faults{edit: blocks, change: func(_, body string) string {
			return regexp.MustCompile(`"(hash|previous_block)":"(..)`).ReplaceAllStringFunc(body, func(s string) string {
				return s[:len(s)-2] + "ee"
			})
		}}
	},
	"lags": func(s *sim) faults {
		return faults{edit: blocks, change: func(path, body string) string {
			top := func() uint64 {
				var b struct{ Height uint64 }
				_ = json.Unmarshal([]byte(s.get("/blocks/latest")), &b)
				return b.Height - 3
			}()
			if strings.HasSuffix(path, "latest") {
				return s.get(fmt.Sprint("/blocks/", top))
			}
			var all []json.RawMessage
			if json.Unmarshal([]byte(body), &all) != nil {
				return body
			}
			all = slices.DeleteFunc(all, func(raw json.RawMessage) bool {
				var b struct{ Height uint64 }
				return json.Unmarshal(raw, &b) != nil || b.Height > top
			})
			out, _ := json.Marshal(all)
			return string(out)
		}}
	},
}

func keyHash(address string) string { return fmt.Sprintf("%x", cardano.Bytes(address)[1:]) }

func swapped(all []map[string]string, a, b string) []map[string]string {
	for _, l := range all {
		l["cbor"] = strings.ReplaceAll(l["cbor"], a, b)
	}
	return all
}

const confirmations = 3

// pays makes deposits of every kind, and things that are not deposits.
func pays(t *testing.T, s *sim) {
	t.Helper()
	if err := s.put(t,
		chaintest.Transfer{Address: ourA, Units: 5},
		chaintest.Transfer{Address: ourA, Token: token, Units: 7},
		chaintest.Transfer{Address: ourA, Token: fake, Units: 15}, // not taken, and no ADA beside it
	); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PayAll(output(ourA, token, 8), output(stranger, token, 6), output(ourB, token, 9)); err != nil { // with ADA beside them
		t.Fatal(err)
	}
	s.fails(t, 13, 11)
	s.Mine()
}

// fails includes a transaction whose script failed: what it was to pay to ourA is not paid,
// what is left of its collateral comes back to ourB.
func (s *sim) fails(t testing.TB, pays, returns byte) string {
	t.Helper()
	in := "825820" + strings.Repeat("77", 32) + "00"
	body := "a5" + "0081" + in + "018182" + "581d" + fmt.Sprintf("%x", cardano.Bytes(ourA)) + fmt.Sprintf("%02x", pays) + "0200" + "0d81" + in + "1082" + "581d" + fmt.Sprintf("%x", cardano.Bytes(ourB)) + fmt.Sprintf("%02x", returns)
	raw := unhex(t, "84"+body+"a0f4f6")
	if err := s.Include(raw); err != nil {
		t.Fatal(err)
	}
	return must(cardano.DecodeTx(raw)).Hash.String()
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
				s.Mine()
			}
			p.set(faults{})
			allFinal(t, s, c, w, b)
		})
	}
}

func TestFaultyNodeIsPassedOver(t *testing.T) {
	t.Parallel()
	all := map[string]func(*sim) faults{}
	for name, f := range nodeFaults {
		all[name] = func(*sim) faults { return f }
	}
	maps.Copy(all, soundLies)
	for name, fault := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
			s.mine(t)
			s.mine(t)
			f := fault(s)
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

// Of two nodes that disagree neither is believed, until they agree again.
func TestTwoNodesMustAgree(t *testing.T) {
	t.Parallel()
	for name, fault := range soundLies {
		for at := range 2 {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				t.Parallel()
				s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
				s.mine(t)
				s.mine(t)
				nodes := []*proxy{newProxy(t, s), newProxy(t, s)}
				w := chaintest.NewWatcher(newDriver(c, nodes...), b, confirmations)
				s.mine(t)
				settle(t, c, w)
				nodes[at].set(fault(s))
				pays(t, s)
				for range 6 {
					_, _ = w.Step(t.Context())
					trueSoFar(t, b)
				}
				nodes[at].set(faults{})
				allFinal(t, s, c, w, b)
			})
		}
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
		s.Mine()
		trueSoFar(t, b)
	}
	settle(t, c, w)
	if got := unitsOf(b.Final()); !slices.Equal(got, paid) || len(b.Seen()) != 0 {
		t.Errorf("final %v, want %v; not final %v", got, paid, unitsOf(b.Seen()))
	}
}

// Of two nodes none is believed alone: neither while the other is out, nor when it is passed
// over for having been.
func TestNobodyIsBelievedAlone(t *testing.T) {
	t.Parallel()
	for name, fault := range soundLies {
		for liar := range 2 {
			t.Run(fmt.Sprint(name, " ", liar), func(t *testing.T) {
				t.Parallel()
				s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
				s.mine(t)
				s.mine(t)
				nodes := []*proxy{newProxy(t, s), newProxy(t, s)}
				w := chaintest.NewWatcher(newDriver(c, nodes...), b, confirmations)
				s.mine(t)
				settle(t, c, w)
				nodes[liar].set(fault(s))
				pays(t, s)
				for range 2 * confirmations {
					s.Mine()
				}
				for _, honest := range []faults{{status: 402}, {}, {garbage: true}, {}} {
					nodes[1-liar].set(honest)
					_, err := w.Step(t.Context())
					if honest.status > 0 && name != "a chain of its own" && !errors.Is(err, node.ErrAlone) {
						t.Errorf("the step fails with %v", err)
					}
					trueSoFar(t, b)
				}
				nodes[liar].set(faults{})
				allFinal(t, s, c, w, b)
			})
		}
	}
}
