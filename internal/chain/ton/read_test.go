package ton_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

// without is a node that leaves out of the newest block the shards' blocks that are chosen,
// counted among those with transactions, with all that is in them.
func without(drop func(nth, of int) bool) faults {
	gone := map[ton.BlockID]bool{}
	return faults{edit: func(path, answer string) string {
		switch path {
		case "/blocks":
			var v ton.Blocks
			_ = json.Unmarshal([]byte(answer), &v)
			full := 0
			for _, b := range v.Blocks {
				if b.Workchain == 0 && b.TxCount > 0 {
					full++
				}
			}
			nth := 0
			kept := slices.DeleteFunc(v.Blocks, func(b ton.Block) bool {
				if b.Workchain != 0 || b.TxCount == 0 {
					return false
				}
				nth++
				gone[b.BlockID] = drop(nth-1, full)
				return gone[b.BlockID]
			})
			out, _ := json.Marshal(ton.Blocks{Blocks: kept})
			if len(gone) > 0 {
				return string(out)
			}
		case ofBlock:
			var v ton.Transactions
			_ = json.Unmarshal([]byte(answer), &v)
			v.Transactions = slices.DeleteFunc(v.Transactions, func(t ton.Tx) bool { return gone[t.Block] })
			out, _ := json.Marshal(v)
			return string(out)
		}
		return answer
	}}
}

// added is a node that invents a block of a shard, with a transaction; top says that the masterchain knows
// it, and orphan that it follows on one that there is not.
func added(top, orphan bool) faults {
	var id ton.BlockID
	return faults{edit: func(path, answer string) string {
		switch path {
		case "/blocks":
			var v ton.Blocks
			_ = json.Unmarshal([]byte(answer), &v)
			for _, b := range v.Blocks {
				if b.Workchain == 0 && b.TxCount > 0 {
					b.Shard, b.TxCount = "1000000000000000", 1
					if id = b.BlockID; orphan {
						b.Prev = []ton.BlockID{{Workchain: 0, Shard: b.Shard, Seqno: b.Seqno - 1}}
					}
					v.Blocks = append(v.Blocks, b)
					break
				}
			}
			out, _ := json.Marshal(v)
			return string(out)
		case shards:
			var v ton.Blocks
			_ = json.Unmarshal([]byte(answer), &v)
			if top && id.Seqno > 0 { // not of the block before
				v.Blocks = append(v.Blocks, ton.Block{BlockID: id})
			}
			out, _ := json.Marshal(v)
			return string(out)
		case ofBlock:
			var v ton.Transactions
			_ = json.Unmarshal([]byte(answer), &v)
			for _, t := range v.Transactions {
				if t.In.Source != nil && t.In.Value != nil && *t.In.Value == "5" {
					amount := "5000"
					in := *t.In
					in.Value, t.In = &amount, &in
					t.Hash, t.Block = strings.Repeat("A", 43)+"=", id
					v.Transactions = append(v.Transactions, t)
					break
				}
			}
			out, _ := json.Marshal(v)
			return string(out)
		}
		return answer
	}}
}

// moreTops is a node that has not the blocks of a shard that the masterchain knows.
func moreTops() faults {
	asked := 0
	return edit(shards, func(answer string) string {
		if asked++; asked == 1 {
			return answer
		}
		return strings.Replace(answer, `{"blocks":[`, `{"blocks":[{"workchain":0,"shard":"1000000000000000","seqno":7},`, 1)
	})
}

// A node that is alone can neither leave out a block of a shard nor add one.
func TestBlocksOfShardsAreChained(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]faults{
		"first":                   without(func(nth, _ int) bool { return nth == 0 }),
		"last":                    without(func(nth, of int) bool { return nth == of-1 }),
		"last of the other shard": without(func(nth, of int) bool { return nth == of-2 }),
		"all":                     without(func(int, int) bool { return true }),
		"another":                 added(false, false),
		"another, of nowhere":     added(true, true),
		"of a new shard":          moreTops(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newSim(), newClock()
			p := newProxy(t, s)
			d := newDriver(c, p)
			from, err := d.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pays(t, s)
			p.set(f)
			b := newBook(t, d)
			if found, err := d.Scan(t.Context(), from, from.Height+1, b.Ours); err == nil {
				t.Errorf("found %+v", found)
			}
			p.bit(t)
		})
	}
}

// A body that is not the one that the message has is no jetton.
func TestBodiesHaveTheirHash(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	p := newProxy(t, s)
	d := newDriver(c, p)
	from, _ := d.Head(t.Context())
	pays(t, s)
	body := func(units int64) string {
		payer := ton.FeeWallet(devchain.Payer().Public().(ed25519.PublicKey), true).Address()
		return ton.Encode64(ton.Arrival{Units: big.NewInt(units), From: payer, Sent: true, Answer: payer, Forward: big.NewInt(1)}.Body())
	}
	p.set(edit(ofBlock, func(answer string) string { return strings.ReplaceAll(answer, body(7), body(70_000)) }))
	if found, err := d.Scan(t.Context(), from, from.Height+1, newBook(t, d).Ours); err == nil {
		t.Errorf("found %+v", found)
	}
	p.bit(t)
}

// Blocks that change while they are read are not mixed.
func TestChangesDuringAScan(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	p := newProxy(t, s)
	d := newDriver(c, p)
	from, _ := d.Head(t.Context())
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 1})
	s.Mine()
	s.Mine()
	reads := 0
	p.set(edit(shards, func(answer string) string {
		if reads++; reads == 3 { // of the second block
			s.fork(t, 2)
		}
		return answer
	}))
	if found, err := d.Scan(t.Context(), from, from.Height+3, newBook(t, d).Ours); !errors.Is(err, chain.ErrFork) {
		t.Errorf("found %+v, %v", found, err)
	}
}

// Whose a jetton wallet is that a sweep went to is proven by its address.
func TestOwnersAreProven(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	p := newProxy(t, s)
	d := newDriver(c, p)
	s.mine(t, chaintest.Transfer{Address: ourA, Token: devchain.USDT, Units: 7})
	from, _ := d.Head(t.Context())
	s.mine(t, chaintest.Transfer{Address: ourA, Token: devchain.USDT, Sweep: true})
	usdt := s.Jetton(devchain.USDT)
	b := newBook(t, d)
	data := func(owner string) string { return ton.Encode64(usdt.Data(parse(owner), big.NewInt(7))) }
	p.set(edit("/accountStates", func(answer string) string { return strings.ReplaceAll(answer, data(merchant), data(ourB)) }))
	if found, err := d.Scan(t.Context(), from, from.Height+1, b.Ours); err == nil {
		t.Errorf("found %+v", found)
	}
	p.bit(t)
	c.advance(time.Hour)
	p.set(edit("/accountStates", func(string) string { return `{"accounts":[]}` }))
	found, err := d.Scan(t.Context(), from, from.Height+1, b.Ours)
	if err != nil || len(found.Sweeps) != 1 || found.Sweeps[0].To != usdt.Wallet(parse(merchant)).String() {
		t.Errorf("an owner that nobody knows: %+v, %v", found.Sweeps, err)
	}
	p.set(faults{})
	found, err = d.Scan(t.Context(), from, from.Height+1, b.Ours)
	if err != nil || len(found.Sweeps) != 1 || found.Sweeps[0].To != merchant || found.Sweeps[0].Units.String() != "7" {
		t.Errorf("sweeps %+v, %v", found.Sweeps, err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	d := newDriver(c, newProxy(t, s), newProxy(t, s))
	b := newBook(t, d)
	from, _ := d.Head(t.Context())
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 5})
	s.Mine()
	s.mine(t, chaintest.Transfer{Address: ourB, Token: devchain.USDT, Units: 6})
	found, err := d.Scan(t.Context(), from, from.Height+3, b.Ours)
	if err != nil || len(found.Deposits) != 2 {
		t.Fatalf("found %+v, %v", found, err)
	}
	for _, x := range found.Deposits {
		p, ok, err := d.Find(t.Context(), x.TxHash)
		if err != nil || !ok || p != (chain.Place{Mined: true, Height: x.Block.Height}) {
			t.Errorf("place of %s: %+v, %v, %v", x.TxHash, p, ok, err)
		}
	}
	for _, hash := range []string{"", "0x12", strings.Repeat("ab", 32)} {
		if p, ok, err := d.Find(t.Context(), hash); ok || err != nil {
			t.Errorf("place of %q: %+v, %v", hash, p, err)
		}
	}
	for addresses, want := range map[string][]uint64{
		ourA: {from.Height + 1}, ourB: {from.Height + 3}, ourA + " " + ourB: {from.Height + 1, from.Height + 3}, stranger: nil,
	} {
		if got, err := d.Mentions(t.Context(), strings.Fields(addresses), from.Height, from.Height+3); err != nil || !slices.Equal(got, want) {
			t.Errorf("mentions of %s: %v, %v, want %v", addresses, got, err, want)
		}
	}
	if _, err := d.Mentions(t.Context(), []string{"0x"}, 0, 1); err == nil {
		t.Error("mentions of no address")
	}
}

// The names of deposits are as explorers have them, and what they say is right.
func TestDepositsInFull(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	d := newDriver(c, newProxy(t, s))
	from, _ := d.Head(t.Context())
	s.mine(t, chaintest.Transfer{Address: ourA, Units: 5}, chaintest.Transfer{Address: ourB, Token: devchain.USDT, Units: 6})
	found, err := d.Scan(t.Context(), from, from.Height+1, newBook(t, d).Ours)
	if err != nil || len(found.Deposits) != 2 {
		t.Fatalf("found %+v, %v", found, err)
	}
	payer := ton.FeeWallet(devchain.Payer().Public().(ed25519.PublicKey), true).Address().String()
	for i, x := range found.Deposits {
		if len(x.TxHash) != 64 || x.TxHash != strings.ToLower(x.TxHash) || x.From != payer || x.Network != "ton" || x.Index != []int{pay.IndexValue, 0}[i] {
			t.Errorf("deposit %+v", x)
		}
	}
}

// handler lets a test hear the key and the query that a node is asked with.
func handler(hear func(key, query string), h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hear(r.Header.Get("X-Api-Key"), r.URL.RawQuery)
		h.ServeHTTP(w, r)
	})
}

// The network makes several blocks a second, and each takes several questions: both nodes are
// asked at the same time, for several blocks. Here nobody answers before that is so.
func TestBlocksAreReadAtTheSameTime(t *testing.T) {
	t.Parallel()
	s, c := newSim(), newClock()
	s.mine(t)
	var mu sync.Mutex
	waiting, all := map[string]bool{}, make(chan struct{})
	d := newDriver(c)
	d.Timeout = 5 * time.Second
	for node := range 2 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if seqno := r.URL.Query().Get("mc_seqno"); seqno != "" {
				mu.Lock()
				if waiting[fmt.Sprint(node, seqno)] = true; len(waiting) == 4 {
					close(all)
				}
				mu.Unlock()
				select {
				case <-all:
				case <-r.Context().Done():
					return
				}
			}
			s.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		d.Nodes = append(d.Nodes, server.URL+"/api/v3")
	}
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.mine(t)
	s.mine(t)
	if f, err := d.Scan(t.Context(), from, from.Height+2, newBook(t, d).Ours); err != nil || f.Blocks != 2 {
		t.Errorf("found %+v: %v", f, err)
	}
}
