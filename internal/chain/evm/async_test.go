package evm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/devchain/avalanche"
)

// async is a chain of Avalanche's kind, and nodes of it.
func async(t testing.TB, nodes int) (*sim, []*proxy) {
	s := newSim(t)
	var ps []*proxy
	for range nodes {
		p := newProxy(t, s)
		p.raw = avalanche.New(s.raw)
		ps = append(ps, p)
	}
	return s, ps
}

// mineSettled adds a block and those that settle it.
func (s *sim) mineSettled(t testing.TB, ts ...chaintest.Transfer) {
	s.mine(t, ts...)
	for range avalanche.Lag {
		s.Commit()
	}
}

// A network that executes blocks after it made them passes the suite of every driver.
func TestAsyncDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel()
			chaintest.Run(t, func(t testing.TB) chaintest.Harness {
				s, ps := async(t, nodes)
				const each = avalanche.Lag + 1
				return chaintest.Harness{
					Driver: newDriver(newClock(), ps...), Addresses: []string{ourA.Hex(), ourB.Hex()}, Stranger: stranger.Hex(),
					Token: token.Hex(), Fake: fakeToken.Hex(), Each: each, Mine: s.mineSettled,
					Fork: func(t testing.TB, depth int, ts ...chaintest.Transfer) {
						s.fork(t, depth*each, ts...)
						for range each - 1 {
							s.Commit()
						}
					},
				}
			})
		})
	}
}

// Wherever reading begins and ends, each deposit is found once.
func TestAsyncFromAnywhere(t *testing.T) {
	t.Parallel()
	s, ps := async(t, 1)
	d := newDriver(newClock(), ps...)
	start, err := d.Block(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(12) {
		s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Units: 1 + n}, chaintest.Transfer{Address: ourB.Hex(), Token: token.Hex(), Units: 100 + n})
	}
	s.Commit()
	s.Commit()
	head, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for step := uint64(1); step <= head.Height; step++ {
		for _, fresh := range []bool{true, false} { // a driver that has just started, and one that goes on
			got := map[string]int{}
			one := newDriver(newClock(), ps...)
			for after := start; !after.Is(head); {
				if fresh {
					one = newDriver(newClock(), ps...)
				}
				f, err := one.Scan(t.Context(), after, min(head.Height, after.Height+step), (&chaintest.Book{Addresses: []string{ourA.Hex(), ourB.Hex()}}).Ours)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range f.Deposits {
					got[x.Units.String()]++
				}
				after = f.Last
			}
			if len(got) != 24 {
				t.Errorf("in steps of %d: found %v", step, got)
			}
			for units, n := range got {
				if n != 1 {
					t.Errorf("in steps of %d: %s found %d times", step, units, n)
				}
			}
		}
	}
}

// A search names the block as of which a scan tells what it looked for.
func TestAsyncFind(t *testing.T) {
	t.Parallel()
	s, ps := async(t, 1)
	d := newDriver(newClock(), ps...)
	for range 4 {
		s.Commit()
	}
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 7})
	b, err := s.Client().BlockByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.ToLower(b.Transactions()[0].Hash().Hex())
	if p, ok, err := d.Find(t.Context(), hash); err != nil || !ok || p.Mined {
		t.Errorf("before it is settled: %+v %v %v", p, ok, err)
	}
	s.Commit()
	s.Commit()
	p, ok, err := d.Find(t.Context(), hash)
	if err != nil || !ok || !p.Mined || p.Height <= b.NumberU64() {
		t.Fatalf("found %+v %v %v", p, ok, err)
	}
	heights, err := d.Mentions(t.Context(), []string{ourA.Hex()}, 0, b.NumberU64()+2)
	if err != nil || len(heights) != 1 || heights[0] != p.Height {
		t.Errorf("mentions %v, %v", heights, err)
	}
	before, err := d.Block(t.Context(), p.Height-1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Scan(t.Context(), before, p.Height, (&chaintest.Book{Addresses: []string{ourA.Hex()}}).Ours)
	if err != nil || len(f.Deposits) != 1 || f.Deposits[0].TxHash != hash {
		t.Errorf("read there %+v, %v", f, err)
	}
}

// A node cannot leave out, invent or move what is executed late.
func TestAsyncNodeLies(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(method string, params []json.RawMessage, result string) string{
		"receipts of no block": func(method string, _ []json.RawMessage, result string) string {
			if method == "eth_getBlockReceipts" {
				return "[]"
			}
			return result
		},
		"another sum": func(_ string, _ []json.RawMessage, result string) string {
			return strings.ReplaceAll(result, hexutil.Encode(number(7)), hexutil.Encode(number(8)))
		},
		"failed": func(method string, _ []json.RawMessage, result string) string {
			if method == "eth_getBlockReceipts" {
				return strings.ReplaceAll(result, `"status":"0x1"`, `"status":"0x0"`)
			}
			return result
		},
		"settles another": func(_ string, _ []json.RawMessage, result string) string {
			return strings.ReplaceAll(result, `"settledHeight":"0x4"`, `"settledHeight":"0x3"`)
		},
		"executed at once": func(_ string, _ []json.RawMessage, result string) string {
			return strings.ReplaceAll(result, `"settledHeight"`, `"settled"`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ps := async(t, 1)
			for range 4 {
				s.Commit()
			}
			s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 7})
			s.Commit()
			after, err := newDriver(newClock(), ps...).Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.Commit()
			ps[0].set(faults{edit: edit})
			f, err := newDriver(newClock(), ps...).Scan(t.Context(), after, after.Height+1, (&chaintest.Book{Addresses: []string{ourA.Hex()}}).Ours)
			if err == nil || errors.Is(err, chain.ErrFork) {
				t.Errorf("believed: %+v, %v", f, err)
			}
		})
	}
}

// A node cannot hide a deposit behind a second height that is spelled in nearly the same way.
func TestAsyncHeightSpelledTwice(t *testing.T) {
	t.Parallel()
	s, ps := async(t, 1)
	for range 4 {
		s.Commit()
	}
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Units: 7})
	s.Commit()
	after, err := newDriver(newClock(), ps...).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Commit()
	ps[0].set(faults{edit: func(_ string, _ []json.RawMessage, result string) string {
		return strings.ReplaceAll(result, `"settledHeight":"0x6"`, `"settledHeight":"0x6","SettledHeight":"0x4"`)
	}})
	f, err := newDriver(newClock(), ps...).Scan(t.Context(), after, after.Height+1, (&chaintest.Book{Addresses: []string{ourA.Hex()}}).Ours)
	if err == nil && len(f.Deposits) != 1 {
		t.Errorf("hidden: %+v", f)
	}
}

// What a block settles is held to be before it on its chain: a block of another is not
// believed, though all in it fits and its receipts are the same.
func TestAsyncForeignAncestor(t *testing.T) {
	t.Parallel()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	var ps []*proxy
	var sims []*sim
	for _, units := range []int64{1, 1_000_000} {
		s := newSimOf(t, key)
		p := newProxy(t, s)
		p.raw = avalanche.New(s.raw)
		for range 4 {
			s.Commit()
		}
		s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Units: units})
		s.Commit()
		ps, sims = append(ps, p), append(sims, s)
	}
	after, err := newDriver(newClock(), ps[0]).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sims[0].Commit()
	ps[0].set(faults{edit: func(method string, params []json.RawMessage, result string) string {
		if len(params) == 0 || string(params[0]) != `"0x5"` && result != "null" {
			return result
		}
		args := make([]any, len(params))
		for i, p := range params {
			args[i] = p
		}
		var other json.RawMessage
		if err := ps[1].raw.CallContext(t.Context(), &other, method, args...); err != nil {
			t.Error(err)
		}
		return string(other)
	}})
	f, err := newDriver(newClock(), ps[0]).Scan(t.Context(), after, after.Height+1, (&chaintest.Book{Addresses: []string{ourA.Hex()}}).Ours)
	if err == nil {
		t.Errorf("believed: %+v", f)
	}
}

// A payment that is signed for every chain at once, as the oldest kind of wallet does, counts
// like any other.
func TestUnprotectedTransaction(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	to := ourA
	tx, err := types.SignNewTx(s.key, types.HomesteadSigner{}, &types.LegacyTx{To: &to, Value: common.Big1, Gas: 21000, GasPrice: hexutil.MustDecodeBig("0x174876e800")})
	if err != nil {
		t.Fatal(err)
	}
	d := newDriver(newClock(), newProxy(t, s))
	from, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client().SendTransaction(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	s.Commit()
	f, err := d.Scan(t.Context(), from, from.Height+1, (&chaintest.Book{Addresses: []string{ourA.Hex()}}).Ours)
	if err != nil || len(f.Deposits) != 1 || f.Deposits[0].From != s.from.Hex() {
		t.Errorf("found %+v, %v", f.Deposits, err)
	}
}
