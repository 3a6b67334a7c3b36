package settle_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// answers is a node that answers each method, or a method with some argument, with the result
// given, in which an error begins with {"code". It hangs up on what it has no answer for, unless
// there is one for "*", never answers what is "hangs", and takes one question at a time unless it
// has "batches".
type answers map[string]string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	type question struct {
		ID     json.RawMessage
		Method string
		Params []json.RawMessage
	}
	body, _ := io.ReadAll(r.Body)
	qs, many := make([]question, 1), a["batches"] != "" && bytes.HasPrefix(body, []byte("["))
	if many {
		_ = json.Unmarshal(body, &qs)
	} else {
		_ = json.Unmarshal(body, &qs[0])
	}
	var out []string
	for _, q := range qs {
		result, ok := a[q.Method]
		if !ok {
			result, ok = a["*"]
		}
		for _, p := range q.Params {
			arg := strings.ToLower(strings.Trim(string(p), `"`))
			var call struct{ To, Input string }
			if q.Method == "eth_call" && json.Unmarshal(p, &call) == nil {
				if arg = call.Input[:10]; arg == "0x70a08231" { // balanceOf
					arg = call.To
				}
			}
			if special, found := a[strings.TrimPrefix(q.Method, "eth_")+" "+arg]; found {
				result, ok = special, true
			}
		}
		key := "result"
		if strings.HasPrefix(result, `{"code"`) {
			key = "error"
		}
		if result == hangs {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		if !ok {
			return nil, errors.New("it hung up")
		}
		out = append(out, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%q:%s}`, q.ID, key, result))
	}
	text := strings.Join(out, ",")
	if many {
		text = "[" + text + "]"
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// Questions and answers of tests.
const (
	hangs  = "hangs"
	latest = "getBlockByNumber latest"
)

func (a answers) node(t *testing.T) *ethclient.Client {
	t.Helper()
	c, err := rpc.DialOptions(t.Context(), "http://node.test", rpc.WithHTTPClient(&http.Client{Transport: a}))
	if err != nil {
		t.Fatal(err)
	}
	return ethclient.NewClient(c)
}

func block(height int64) string { return blockAt(height, time.Unix(0, 0)) }

func blockAt(height int64, at time.Time) string {
	b, _ := json.Marshal(&types.Header{Number: big.NewInt(height), Difficulty: new(big.Int), BaseFee: big.NewInt(1000), Time: uint64(at.Unix())})
	return string(b)
}

// receipt is one of a transaction that worked, in block 20.
var receipt = fmt.Sprintf(`{"status":"0x1","blockNumber":"0x14","blockHash":%q,"transactionHash":%q,"transactionIndex":"0x0","cumulativeGasUsed":"0x1",
	"gasUsed":"0x1","logs":[],"logsBloom":"0x%s"}`, common.Hash{1}.Hex(), common.Hash{2}.Hex(), strings.Repeat("0", 512))

// relayOf is a relay of one form, signed with a key.
func relayOf(t *testing.T, key *ecdsa.PrivateKey, nonce uint64, sent time.Time) pay.Relay {
	t.Helper()
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(10)), &types.DynamicFeeTx{
		ChainID: big.NewInt(10), Nonce: nonce, GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(1000), Gas: 100_000, To: &contracts.Factory,
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return pay.Relay{Nonce: nonce, At: sent, Sends: []pay.RelaySend{{TxHash: tx.Hash().Hex(), Raw: hex.EncodeToString(raw), At: sent}}}
}

func relayerOn(t *testing.T, n pay.Network, nodes ...answers) settle.Relayer {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	n.ChainID, n.BlockTime = 10, time.Second
	a := &settle.Account{Network: n, Key: key, MaxFee: big.NewInt(1e12), Log: slog.New(slog.DiscardHandler), Now: time.Now}
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
				latest: block(9), "eth_getBalance": fmt.Sprintf("%q", "0x"+big.NewInt(test.have).Text(16)),
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

// Where the network says what is final, a relay is decided by blocks that two nodes hold so,
// however deep it is: one that is ahead is not believed, one that is behind not waited for.
func TestRelayIsFinalByTheTag(t *testing.T) {
	t.Parallel()
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
		{[]int64{20, 19, 20}, receipt, "0x6", pay.RelayDone},
		{[]int64{19, 20, 19}, receipt, "0x5", pay.RelaySent},
		{[]int64{20}, "null", "0x5", pay.RelaySent},
		{[]int64{20}, "null", "0x6", pay.RelayFailed},
		{[]int64{0}, receipt, "0x6", ""},
	} {
		var nodes []answers
		for _, h := range test.held {
			n := answers{"eth_getTransactionReceipt": test.receipt, "eth_getTransactionCount": fmt.Sprintf("%q", test.used), latest: block(0xffff)}
			if h > 0 {
				n["getBlockByNumber safe"] = block(h)
			}
			nodes = append(nodes, n)
		}
		r := relayerOn(t, pay.Network{Finality: pay.Safe, Confirmations: 3}, nodes...)
		f, err := r.Fate(t.Context(), relayOf(t, r.Key, 5, time.Now()))
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
			latest: block(9), "eth_getBalance": `"0xffffffffffffff"`, "eth_call": `"0x"`,
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
