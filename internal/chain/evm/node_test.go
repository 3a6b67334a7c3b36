package evm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/evm"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

// Two nodes that disagree on a block make nothing final, until they agree.
func TestDisagreementDelaysFinality(t *testing.T) {
	t.Parallel()
	s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
	good, bad := newProxy(t, s), newProxy(t, s)
	for _, nodes := range [][]*proxy{{good, bad}, {bad, good}} {
		w := chaintest.NewWatcher(newDriver(c, nodes...), b, confirmations)
		for range 5 {
			s.Commit()
		}
		settle(t, c, w)
		_, before, _ := b.Position(t.Context())
		bad.set(edit("eth_getBlockByNumber", forged))
		for range 5 {
			s.Commit()
		}
		for range 10 {
			_, err := w.Step(t.Context())
			if !errors.Is(err, node.ErrDisagree) {
				t.Fatalf("step: %v", err)
			}
		}
		if _, final, _ := b.Position(t.Context()); !final.Is(before) {
			t.Errorf("final moved to %v", final)
		}
		bad.set(faults{})
		settle(t, c, w)
		if _, final, _ := b.Position(t.Context()); final.Height != before.Height+5 {
			t.Errorf("final %d, was %d", final.Height, before.Height)
		}
	}
}

// A node that lags has a say while its head is recent, and none when it is stuck.
func TestHeadIsWhatTwoNodesHave(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	for range 9 {
		s.Commit()
	}
	behind := newProxy(t, s)
	d := newDriver(c, behind, newProxy(t, s))
	behind.set(faults{lag: 2})
	if h, err := d.Head(t.Context()); err != nil || h.Height != 7 {
		t.Errorf("head %v, %v", h, err)
	}
	if b, err := d.Block(t.Context(), 9); !errors.Is(err, node.ErrDisagree) {
		t.Errorf("a block that one of two nodes has: %v, %v", b, err)
	}
	if err := s.AdjustTime(3 * time.Minute); err != nil { // block 10, and behind stays at 8 of long ago
		t.Fatal(err)
	}
	if h, err := d.Head(t.Context()); err != nil || h.Height != 10 {
		t.Errorf("head %v, %v", h, err)
	}
	if b, err := d.Block(t.Context(), 10); err != nil || b.Height != 10 {
		t.Errorf("a block that the other node is too old to know: %v, %v", b, err)
	}
}

func TestBlocksOfTheFutureAreRefused(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	s.Commit()
	c.advance(-25 * time.Hour)
	if h, err := newDriver(c, newProxy(t, s)).Head(t.Context()); err == nil || !strings.Contains(err.Error(), "future") {
		t.Errorf("head %v, %v", h, err)
	}
}

// A node of another chain is told apart, and asked for nothing but its chain.
func TestOtherChainIsNeverRead(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	p := newProxy(t, s)
	d := newDriver(c, p)
	d.ChainID = 1
	for range 3 {
		_, err := d.Head(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ethereum node 1 is a node of chain 1337, want 1") {
			t.Errorf("head: %v", err)
		}
	}
	if n := p.count("eth_getBlockByNumber"); n != 0 {
		t.Errorf("read %d blocks", n)
	}
}

// Errors are for logs: they hold neither the node's address nor all that it says.
func TestErrorsShowNoSecrets(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	p := newProxy(t, s)
	p.url += "/v3/secret-key"
	for name, f := range map[string]faults{
		"hang": {hang: true}, "garbage": {garbage: true}, "status": {maxBatch: -1}, "refuse": {refuse: "eth_chainId"},
		"long": edit("eth_chainId", func(string) string { return `"` + strings.Repeat("x", 1<<20) + `"` }),
	} {
		p.set(f)
		d := newDriver(c, p)
		d.Timeout = 200 * time.Millisecond
		if _, err := d.Head(t.Context()); err == nil || strings.Contains(err.Error(), "secret") || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v", name, err)
		}
	}
	d := newDriver(c)
	d.Nodes = []string{"secret-key://x"}
	if _, err := d.Head(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("unusable address: %v", err)
	}
}

// A limit on the size of batches costs retries only, and not one for each block.
func TestBatchesFitTheNode(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	for range 100 {
		s.Commit()
	}
	p := newProxy(t, s)
	p.set(faults{maxBatch: 4})
	d := newDriver(c, p)
	first, err := d.Block(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.Scan(t.Context(), first, 100, (&chaintest.Book{}).Ours)
	if err != nil || found.Last.Height != 100 {
		t.Errorf("scanned to %d: %v", found.Last.Height, err)
	}
	before := p.posts()
	if before > 60 { // 25 would do
		t.Errorf("%d requests for 100 blocks", before)
	}
	p.set(faults{})
	if _, err := d.Scan(t.Context(), first, 100, (&chaintest.Book{}).Ours); err != nil {
		t.Error(err)
	}
	if n := p.posts() - before; n > 20 {
		t.Errorf("%d requests for 100 blocks when there is no limit", n)
	}
}

// A node without proofs is named once, and deposits that need none are unharmed.
func TestNoProofsIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	p := newProxy(t, s)
	p.set(faults{refuse: "eth_getProof"})
	d := newDriver(c, p)
	var log bytes.Buffer
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	b := &chaintest.Book{Addresses: ours()}
	w := chaintest.NewWatcher(d, b, confirmations)
	pays(t, s)
	for range 5 {
		chaintest.Settle(t, w)
		s.Commit()
	}
	if n := strings.Count(log.String(), "cannot prove balances"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

// Transactions of types that nobody here has heard of stop nothing: their bytes
// are proven, and what they pay shows as surplus.
func TestUnknownTransactionType(t *testing.T) {
	t.Parallel()
	s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
	p := newProxy(t, s)
	p.set(edit("eth_getBlockByNumber", func(r string) string { return strings.ReplaceAll(r, `"type":"0x2"`, `"type":"0x7d"`) }))
	w := chaintest.NewWatcher(newDriver(c, p), b, confirmations)
	settle(t, c, w)
	pays(t, s)
	chaintest.Settle(t, w)
	// 5 was the value of a transaction. It is as much, under another name.
	if got := unitsOf(b.Seen()); !slices.Equal(got, paid) {
		t.Errorf("seen %v, want %v", got, paid)
	}
	if n := p.count("eth_getRawTransactionByBlockHashAndIndex"); n == 0 {
		t.Error("the type was known")
	}
}

// A transaction that a fork moves to another block stays the same deposit.
func TestForkMovesDeposit(t *testing.T) {
	t.Parallel()
	s, c, b := newSim(t), newClock(), &chaintest.Book{Addresses: ours()}
	w := chaintest.NewWatcher(newDriver(c, newProxy(t, s)), b, confirmations)
	s.mine(t)
	s.mine(t)
	settle(t, c, w)
	parent, err := s.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.mine(t, chaintest.Transfer{Address: ourA.Hex(), Units: 5})
	settle(t, c, w)
	before := b.Seen()
	if err := s.Fork(parent.Hash()); err != nil {
		t.Fatal(err)
	}
	s.Rollback() // or the node itself would mine it again, at once
	s.Commit()
	s.send(t, types.DynamicFeeTx{To: &ourA, Value: big.NewInt(5)}) // the same nonce and content: the same transaction
	s.Commit()
	for range confirmations {
		settle(t, c, w)
		s.Commit()
	}
	settle(t, c, w)
	after := b.Final()
	if len(before) != 1 || len(after) != 1 || before[0].TxHash != after[0].TxHash || before[0].Block.Is(after[0].Block) || after[0].From != s.from.Hex() {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s, c := newSim(t), newClock()
	s.mine(t)
	bad := newProxy(t, s)
	bad.set(faults{maxBatch: -1})
	d := newDriver(c, bad, newProxy(t, s))
	done := make(chan error)
	for range 8 {
		go func() {
			first, err1 := d.Block(context.Background(), 0)
			_, err2 := d.Scan(context.Background(), first, 1, (&chaintest.Book{}).Ours)
			_, err3 := d.Surplus(context.Background(), first, []pay.Probe{{Address: ourA.Hex()}})
			_, err4 := d.Head(context.Background())
			done <- errors.Join(err1, err2, err3, err4)
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkBackfill(b *testing.B) {
	s, c := newSim(b), newClock()
	const blocks = 500
	for range blocks {
		s.mine(b, chaintest.Transfer{Address: ourA.Hex(), Units: 5}, chaintest.Transfer{Address: ourB.Hex(), Token: token.Hex(), Units: 5},
			chaintest.Transfer{Address: stranger.Hex(), Units: 5}, chaintest.Transfer{Address: stranger.Hex(), Token: token.Hex(), Units: 5})
	}
	s.Commit() // under load the last block may not take all
	d := newDriver(c, newProxy(b, s))
	first, err := d.Block(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	book := &chaintest.Book{Addresses: ours()}
	for b.Loop() {
		found, err := d.Scan(b.Context(), first, blocks+1, book.Ours)
		if err != nil || found.Blocks != blocks+1 || len(found.Deposits) != 2*blocks {
			b.Fatalf("%d blocks, %d deposits: %v", found.Blocks, len(found.Deposits), err)
		}
	}
	b.ReportMetric(float64(blocks*b.N)/b.Elapsed().Seconds(), "blocks/s")
}

// BenchmarkVerify shows what reading and proving a full block costs, without a node.
func BenchmarkVerify(b *testing.B) {
	s := newSim(b)
	var ts []chaintest.Transfer
	for range 15 { // the pool's limit for one sender is 16
		ts = append(ts, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 5})
	}
	s.mine(b, ts...)
	block, receipts, _ := blockOf(b, s)
	var n struct{ Transactions []json.RawMessage }
	if err := json.Unmarshal(block, &n); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := evm.ParseBlock(block, receipts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(n.Transactions)*b.N)/b.Elapsed().Seconds(), "txs/s")
}

func TestHugeAnswersAreCutOff(t *testing.T) {
	t.Parallel()
	p := newProxy(t, newSim(t))
	p.set(faults{huge: true})
	if _, err := newDriver(newClock(), p).Head(t.Context()); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("head: %v", err)
	}
}
