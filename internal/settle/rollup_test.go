package settle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// answers is a node that answers each method with the result given, in which an error
// begins with {"code", and blocks are asked for by their tag.
type answers map[string]string

func (a answers) node(t *testing.T) *ethclient.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		result, ok := a[q.Method]
		if q.Method == "eth_call" {
			var call struct{ Input string }
			_ = json.Unmarshal(q.Params[0], &call)
			if special, found := a["call "+call.Input[:min(len(call.Input), 10)]]; found {
				result, ok = special, true
			}
		}
		if q.Method == "eth_getBlockByNumber" {
			result, ok = a["block "+strings.Trim(string(q.Params[0]), `"`)]
		}
		key := "result"
		if strings.HasPrefix(result, `{"code"`) {
			key = "error"
		}
		if !ok { // it hangs up
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,%q:%s}`, q.ID, key, result)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(s.Close)
	c, err := ethclient.Dial(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func block(height int64) string {
	b, _ := json.Marshal(&types.Header{Number: big.NewInt(height), Difficulty: new(big.Int), BaseFee: big.NewInt(1000)})
	return string(b)
}

func relayerOn(t *testing.T, n pay.Network, nodes ...answers) settle.Relayer {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	n.ChainID, n.BlockTime = 10, time.Second
	a := &settle.Account{Network: n, Key: key, MaxFee: big.NewInt(1e12), Log: slog.New(slog.DiscardHandler)}
	for _, o := range nodes {
		a.Nodes = append(a.Nodes, o.node(t))
	}
	return settle.Relayer{Account: a}
}

// A chain of the OP stack takes a fee for the bytes of a transaction on top of its gas: the
// account must have both, or the node would refuse what was signed.
func TestRelayerPaysForItsBytes(t *testing.T) {
	t.Parallel()
	const gas = (100_000*5/4 + 50_000) * 2000 // at twice the base fee
	word := func(n int64) string { return fmt.Sprintf("%q", common.BigToHash(big.NewInt(n)).Hex()) }
	for name, test := range map[string]struct {
		call     string
		operator string // what it takes, if it is asked
		have     int64
		short    bool
		broken   bool
	}{
		"no such contract":            {call: `"0x"`, have: gas},
		"no such contract, too poor":  {call: `"0x"`, have: gas - 1, short: true},
		"another contract":            {call: `{"code":3,"message":"execution reverted"}`, have: gas},
		"bytes are paid for":          {call: word(7_000_000), operator: `"0x"`, have: gas + 14_000_000},
		"too poor for the bytes":      {call: word(7_000_000), operator: `"0x"`, have: gas + 13_999_999, short: true},
		"the operator is paid":        {call: word(7_000_000), operator: word(500_000), have: gas + 15_000_000},
		"too poor for the operator":   {call: word(7_000_000), operator: word(500_000), have: gas + 14_999_999, short: true},
		"the node does not answer it": {have: 1e18, broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := answers{
				"eth_getTransactionCount": `"0x5"`, "eth_estimateGas": `"0x186a0"`, "eth_maxPriorityFeePerGas": `"0x0"`,
				"block latest": block(9), "eth_getBalance": fmt.Sprintf("%q", "0x"+big.NewInt(test.have).Text(16)),
			}
			if test.call != "" {
				node["eth_call"] = test.call
			}
			if test.operator != "" {
				node["call 0x275aedd2"] = test.operator
			}
			p, err := relayerOn(t, pay.Network{Confirmations: 3}, node).Prepare(t.Context(), []pay.SweepItem{{Address: "0x1", Receiver: "0x2", Salt: "0x3"}})
			switch {
			case test.broken:
				if err == nil || errors.Is(err, settle.ErrNoGas) {
					t.Errorf("got %v", err)
				}
			case errors.Is(err, settle.ErrNoGas) != test.short || err != nil && !test.short:
				t.Errorf("got %v", err)
			case !test.short && (p.Nonce != 5 || p.Send.Raw == ""), test.short && p.Send.Raw != "":
				t.Errorf("got %+v", p)
			}
		})
	}
}

// Where the network says what is final, a relay is decided by blocks that every node holds
// so, however deep it is.
func TestRelayIsFinalByTheTag(t *testing.T) {
	t.Parallel()
	receipt := fmt.Sprintf(`{"status":"0x1","blockNumber":"0x14","blockHash":%q,"transactionHash":%q,"transactionIndex":"0x0","cumulativeGasUsed":"0x1",
		"gasUsed":"0x1","logs":[],"logsBloom":"0x%s"}`, common.Hash{1}.Hex(), common.Hash{2}.Hex(), strings.Repeat("0", 512))
	for _, test := range []struct {
		held    []int64 // 0 for a node that does not answer
		receipt string
		used    string // transactions of the account in the final block
		want    pay.RelayState
	}{
		{[]int64{19}, receipt, "0x5", pay.RelaySent},
		{[]int64{20}, receipt, "0x6", pay.RelayDone},
		{[]int64{20, 19}, receipt, "0x5", pay.RelaySent},
		{[]int64{19, 20}, receipt, "0x5", pay.RelaySent},
		{[]int64{0, 20}, receipt, "0x6", pay.RelayDone},
		{[]int64{20, 0}, receipt, "0x6", pay.RelayDone},
		{[]int64{20}, "null", "0x5", pay.RelaySent},
		{[]int64{20}, "null", "0x6", pay.RelayFailed},
		{[]int64{0}, receipt, "0x6", ""},
	} {
		var nodes []answers
		for _, h := range test.held {
			n := answers{"eth_getTransactionReceipt": test.receipt, "eth_getTransactionCount": fmt.Sprintf("%q", test.used), "eth_blockNumber": `"0xffff"`}
			if h > 0 {
				n["block safe"] = block(h)
			}
			nodes = append(nodes, n)
		}
		r := relayerOn(t, pay.Network{Finality: pay.Safe, Confirmations: 3}, nodes...)
		f, err := r.Fate(t.Context(), pay.Relay{Nonce: 5, Sends: []pay.RelaySend{{TxHash: common.Hash{2}.Hex()}}})
		if f.State != test.want || (err == nil) != (test.want != "") {
			t.Errorf("nodes hold %v, receipt %.8s, %s used: %+v, %v", test.held, test.receipt, test.used, f, err)
		}
	}
}

// A transaction is given more gas than the estimate, but not more than a block takes of one.
func TestGasOfATransaction(t *testing.T) {
	t.Parallel()
	for estimate, want := range map[uint64]uint64{100_000: 175_000, 15_000_000: 1 << 24, 20_000_000: 20_000_000} { // the last is on a network without a cap
		node := answers{
			"eth_getTransactionCount": `"0x5"`, "eth_estimateGas": fmt.Sprintf(`"0x%x"`, estimate), "eth_maxPriorityFeePerGas": `"0x0"`,
			"block latest": block(9), "eth_getBalance": `"0xffffffffffffff"`, "eth_call": `"0x"`,
		}
		p, err := relayerOn(t, pay.Network{Confirmations: 3}, node).Prepare(t.Context(), []pay.SweepItem{{Address: "0x1", Receiver: "0x2", Salt: "0x3"}})
		if err != nil {
			t.Fatal(err)
		}
		var tx types.Transaction
		if err := tx.UnmarshalBinary(common.FromHex(p.Send.Raw)); err != nil || tx.Gas() != want {
			t.Errorf("estimated %d: %d, want %d: %v", estimate, tx.Gas(), want, err)
		}
	}
}
