package evm_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/evm"
)

var (
	token     = common.HexToAddress("0x7000000000000000000000000000000000000001") // both log what they are told to
	fakeToken = common.HexToAddress("0x7000000000000000000000000000000000000002")
	factory   = common.HexToAddress("0x7000000000000000000000000000000000000003")
	forwarder = common.HexToAddress("0x7000000000000000000000000000000000000004") // passes its value on
	ourA      = common.HexToAddress("0xAbCdEf0000000000000000000000000000000001")
	ourB      = common.HexToAddress("0xaBcDeF0000000000000000000000000000000002")
	refusing  = common.HexToAddress("0xabcdef0000000000000000000000000000000003") // ours, and reverts
	stranger  = common.HexToAddress("0x5000000000000000000000000000000000000001")
	merchant  = common.HexToAddress("0x5000000000000000000000000000000000000002")

	transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))
	sweptTopic    = crypto.Keccak256Hash([]byte("Swept(address,address,address,uint256)"))
)

const chainID = 1337

// sim is a blockchain in this process.
type sim struct {
	*simulated.Backend
	raw  *rpc.Client
	key  *ecdsa.PrivateKey
	from common.Address
	held map[[2]string]int64
}

func newSim(t testing.TB) *sim {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return newSimOf(t, key)
}

// newSimOf returns a blockchain whose first block is that of all others with the key.
func newSimOf(t testing.TB, key *ecdsa.PrivateKey) *sim {
	s := &sim{key: key, from: crypto.PubkeyToAddress(key.PublicKey), held: map[[2]string]int64{}}
	// A loop over words of topic, topic, topic, data that logs each.
	logs := common.FromHex("0x60005b806060013560005280604001358160200135823560206000a360800180361160025700")
	zero := new(big.Int)
	s.Backend = simulated.NewBackend(types.GenesisAlloc{
		s.from:    {Balance: new(big.Int).Lsh(big.NewInt(1), 100)},
		token:     {Code: logs, Balance: zero},
		fakeToken: {Code: logs, Balance: zero},
		factory:   {Code: common.FromHex("0x60803560005260603560403560203560003560206000a400"), Balance: zero},
		forwarder: {Code: common.FromHex("0x6000600060006000346000355af100"), Balance: zero},
		refusing:  {Code: common.FromHex("0x60006000fd"), Balance: zero},
	}, func(c *node.Config, _ *ethconfig.Config) { c.AllowUnprotectedTxs = true })
	t.Cleanup(func() { _ = s.Close() })
	s.raw = reflect.ValueOf(s.Client()).Field(0).Interface().(*ethclient.Client).Client()
	return s
}

// send puts transactions into the next block.
func (s *sim) send(t testing.TB, txs ...types.DynamicFeeTx) {
	t.Helper()
	nonce, err := s.Client().PendingNonceAt(t.Context(), s.from)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range txs {
		x.ChainID, x.Nonce, x.Gas = big.NewInt(chainID), nonce+uint64(i), 2_000_000
		x.GasFeeCap, x.GasTipCap = big.NewInt(100*params.GWei), big.NewInt(params.GWei)
		tx, err := types.SignNewTx(s.key, types.LatestSignerForChainID(x.ChainID), &x)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Client().SendTransaction(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
}

func word(a common.Address) []byte { return common.LeftPadBytes(a[:], 32) }
func number(n int64) []byte        { return common.LeftPadBytes(big.NewInt(n).Bytes(), 32) }

func transferLog(from, to common.Address, n int64) []byte {
	return bytes.Join([][]byte{transferTopic[:], word(from), word(to), number(n)}, nil)
}

func (s *sim) tx(x chaintest.Transfer) types.DynamicFeeTx {
	to, at := common.HexToAddress(x.Address), [2]string{x.Address, x.Token}
	contract := common.HexToAddress(x.Token)
	switch {
	case x.Sweep:
		n := s.held[at]
		delete(s.held, at)
		return types.DynamicFeeTx{To: &factory, Data: bytes.Join([][]byte{sweptTopic[:], word(to), word(contract), word(merchant), number(n)}, nil)}
	case x.Hidden:
		return types.DynamicFeeTx{To: &forwarder, Value: big.NewInt(x.Units), Data: word(to)}
	case x.Token == "":
		return types.DynamicFeeTx{To: &to, Value: big.NewInt(x.Units)}
	}
	s.held[at] += x.Units
	return types.DynamicFeeTx{To: &contract, Data: transferLog(s.from, to, x.Units)}
}

func (s *sim) mine(t testing.TB, ts ...chaintest.Transfer) {
	var txs []types.DynamicFeeTx
	for _, x := range ts {
		txs = append(txs, s.tx(x))
	}
	s.send(t, txs...)
	s.Commit()
}

func (s *sim) fork(t testing.TB, depth int, ts ...chaintest.Transfer) {
	head, err := s.Client().BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parent, err := s.Client().HeaderByNumber(t.Context(), big.NewInt(int64(head)-int64(depth)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Fork(parent.Hash()); err != nil {
		t.Fatal(err)
	}
	s.Rollback() // or the dropped transactions would be mined again
	s.mine(t, ts...)
	for range depth {
		s.Commit()
	}
}

// proxy is a node: the blockchain behind HTTP, with faults.
type proxy struct {
	url string
	raw interface {
		CallContext(ctx context.Context, result any, method string, args ...any) error
	}

	mu     sync.Mutex
	faults faults
	calls  map[string]int
}

// faults are what is wrong with a node.
type faults struct {
	hang     bool
	garbage  bool
	huge     bool
	lag      uint64
	maxBatch int
	refuse   string // a method it does not have
	deny     func(method string, params []json.RawMessage) bool
	edit     func(method string, params []json.RawMessage, result string) string
}

func newProxy(t testing.TB, s *sim) *proxy {
	p := &proxy{raw: s.raw, calls: map[string]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *proxy) set(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

func (p *proxy) count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

func (p *proxy) posts() int { return p.count("POST") }

type message struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   any               `json:"error,omitempty"`
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	f := p.faults
	p.calls["POST"]++
	p.mu.Unlock()
	switch {
	case f.hang:
		<-r.Context().Done()
		return
	case f.garbage:
		_, _ = io.WriteString(w, `[{"id":1,"result":{"hash":7}},null,{"id":"x"},`)
		return
	case f.huge:
		chunk := bytes.Repeat([]byte(`["aaaaaaaa"],`), 1<<16)
		_, _ = io.WriteString(w, `[{"id":1,"result":[`)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	var batch []message
	if err := json.Unmarshal(body, &batch); err != nil {
		http.Error(w, "only batches", http.StatusBadRequest)
		return
	}
	if f.maxBatch != 0 && len(batch) > f.maxBatch {
		http.Error(w, "too many", http.StatusRequestEntityTooLarge)
		return
	}
	for i, m := range batch {
		batch[i] = p.answer(r, f, m)
	}
	_ = json.NewEncoder(w).Encode(batch)
}

func (p *proxy) answer(r *http.Request, f faults, m message) message {
	p.mu.Lock()
	p.calls[m.Method]++
	p.mu.Unlock()
	out := message{Version: "2.0", ID: m.ID}
	if m.Method == f.refuse || f.deny != nil && f.deny(m.Method, m.Params) {
		out.Error = map[string]any{"code": -32601, "message": "the method does not exist"}
		return out
	}
	if f.lag > 0 && m.Method == "eth_getBlockByNumber" {
		var head hexutil.Uint64
		_ = p.raw.CallContext(r.Context(), &head, "eth_blockNumber")
		top := head - hexutil.Uint64(f.lag)
		var h hexutil.Uint64
		if err := json.Unmarshal(m.Params[0], &h); err != nil {
			m.Params[0], _ = json.Marshal(top)
		} else if h > top {
			out.Result = json.RawMessage("null")
			return out
		}
	}
	args := make([]any, len(m.Params))
	for i, a := range m.Params {
		args[i] = a
	}
	if err := p.raw.CallContext(r.Context(), &out.Result, m.Method, args...); err != nil {
		out.Error = map[string]any{"code": -32000, "message": err.Error()}
		return out
	}
	if f.edit != nil {
		out.Result = json.RawMessage(f.edit(m.Method, m.Params, string(out.Result)))
	}
	return out
}

// clock is moved by hand. It starts well after the blocks, which are of now.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Add(24 * time.Hour)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newDriver(c *clock, nodes ...*proxy) *evm.Driver {
	d := &evm.Driver{
		Network: "ethereum", ChainID: chainID, Tokens: []common.Address{token}, Factory: factory,
		Log: slog.New(slog.DiscardHandler), Now: c.Now, Timeout: 10 * time.Second,
	}
	for _, n := range nodes {
		d.Nodes = append(d.Nodes, n.url)
	}
	return d
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel()
			chaintest.Run(t, func(t testing.TB) chaintest.Harness {
				s := newSim(t)
				var ps []*proxy
				for range nodes {
					ps = append(ps, newProxy(t, s))
				}
				return chaintest.Harness{
					Driver: newDriver(newClock(), ps...), Addresses: []string{ourA.Hex(), ourB.Hex()}, Stranger: stranger.Hex(),
					Token: token.Hex(), Fake: fakeToken.Hex(), Mine: s.mine, Fork: s.fork,
				}
			})
		})
	}
}
