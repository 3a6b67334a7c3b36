package evm_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/evm"
	"github.com/pepay/pepay/internal/devchain/avalanche"
)

// The deposit transaction of block 127446283 of OP Mainnet.
const optimismDeposit = `{"type":"0x7e","nonce":"0x152ea95","input":"0x440a5e200000146b000f79c50000000000000003000000006725333f` +
	`000000000141e287000000000000000000000000000000000000000000000000000000012439ee7e00000000000000000000000000000000000000` +
	`00000000000000000063f363e973e96e7145ff001c81b9562cba7b6104eeb12a2bc4ab9f07c27d45cd81a98662000000000000000000000000688724` +
	`6668a3b87f54deb3b94ba47a6f63f32985","mint":"0x0","sourceHash":"0x04e9a69416471ead93b02f0c279ab11ca0b635db5c1726a56faf22623bafde52",` +
	`"gas":"0xf4240","from":"0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001","to":"0x4200000000000000000000000000000000000015","value":"0x0",` +
	`"hash":"0xbc9329afac05556497441e2b3ee4c5d4da7ca0b2a4c212c212d0739e94a24df9"}`

func TestTransactionOfARollup(t *testing.T) {
	t.Parallel()
	_, to, _, known, err := evm.ParseTx([]byte(optimismDeposit))
	if err != nil || !known || to == nil || to.Hex() != "0x4200000000000000000000000000000000000015" {
		t.Errorf("to %v, known %v, %v", to, known, err)
	}
	// A value that the hash does not bear out is not believed.
	_, to, value, known, err := evm.ParseTx([]byte(strings.Replace(optimismDeposit, `"value":"0x0"`, `"value":"0x1"`, 1)))
	if err != nil || known || to != nil || value.Sign() != 0 {
		t.Errorf("altered: to %v, value %v, known %v, %v", to, value, known, err)
	}
}

// Where a part of a transaction may fail and its logs stand, they have happened; its own value has not moved.
func TestLogsOfAFailure(t *testing.T) {
	t.Parallel()
	topics := []common.Hash{crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)")), common.BytesToHash(stranger.Bytes()), common.BytesToHash(ourA.Bytes())}
	for status, want := range []int{0: 1, 1: 2} {
		got := evm.Collected(uint64(status), ourA, token, topics, common.LeftPadBytes([]byte{5}, 32))
		if len(got) != want || got[want-1].Token != token.Hex() || got[want-1].Units.String() != "5" {
			t.Errorf("status %d: %v", status, got)
		}
	}
}

// What is read is what is hashed, not a field of nearly the same name beside it.
func TestFieldSpelledTwice(t *testing.T) {
	t.Parallel()
	for _, more := range []string{`,"VALUE":"0x5"}`, `,"To":"0x5000000000000000000000000000000000000001"}`} {
		_, to, value, known, err := evm.ParseTx([]byte(strings.TrimSuffix(optimismDeposit, "}") + more))
		if err != nil || !known || value.Sign() != 0 || to == nil || to.Hex() != "0x4200000000000000000000000000000000000015" {
			t.Errorf("with %s: %s to %v, known %v, %v", more, value, to, known, err)
		}
	}
}

func blockOf(t testing.TB, s *sim) (block, receipts []byte, hash common.Hash) {
	var b, r json.RawMessage
	if err := s.raw.CallContext(t.Context(), &b, "eth_getBlockByNumber", "latest", true); err != nil {
		t.Fatal(err)
	}
	var head struct{ Hash common.Hash }
	if err := json.Unmarshal(b, &head); err != nil {
		t.Fatal(err)
	}
	if err := s.raw.CallContext(t.Context(), &r, "eth_getBlockReceipts", head.Hash); err != nil {
		t.Fatal(err)
	}
	return b, r, head.Hash
}

func FuzzBlock(f *testing.F) {
	s := newSim(f)
	s.Commit()
	s.Commit()
	s.mine(f, chaintest.Transfer{Address: ourA.Hex(), Units: 5}, chaintest.Transfer{Address: ourA.Hex(), Token: token.Hex(), Units: 7})
	block, receipts, hash := blockOf(f, s)
	f.Add(block, receipts)
	f.Add([]byte(`{"hash":null,"extDataHash":"0x00"}`), []byte(`[{"logs":[null]}]`))
	f.Add([]byte(`null`), []byte(`null`))
	var late json.RawMessage
	if err := avalanche.New(s.raw).CallContext(f.Context(), &late, "eth_getBlockByNumber", "latest", true); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(late), receipts)
	f.Fuzz(func(t *testing.T, block, receipts []byte) {
		got, _, err := evm.ParseBlock(block, receipts)
		evm.ParseReceipts(receipts)
		if err == nil && got != hash && len(receipts) > 0 && got == (common.Hash{}) {
			t.Errorf("believed a block without a hash")
		}
	})
}

func FuzzTx(f *testing.F) {
	f.Add([]byte(optimismDeposit))
	f.Add([]byte(`{"type":"0x64","chainId":"0x1","to":null,"value":null}`))
	f.Add([]byte(`{"type":"0x2","v":"0x0","r":"0x0","s":"0x0","value":"0x0","input":"0x","gas":"0x0","nonce":"0x0","chainId":"0x1"}`))
	f.Add([]byte(`{"type":"0x2","v":"0x0","r":"0x1","s":"0x1","value":"0x1","input":"0x","gas":"0x0","nonce":"0x0","chainId":"0x0",` +
		`"maxFeePerGas":"0x0","maxPriorityFeePerGas":"0x0","to":"0x4200000000000000000000000000000000000015","accessList":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _, value, _, err := evm.ParseTx(raw)
		if err == nil && value == nil {
			t.Error("no value")
		}
	})
}

func FuzzLog(f *testing.F) {
	f.Add(transferLog(stranger, ourA, 5)[:96], number(5))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, topics, data []byte) {
		var ts []common.Hash
		for ; len(topics) >= 32; topics = topics[32:] {
			ts = append(ts, common.Hash(topics[:32]))
		}
		if a, b := evm.ParseLog(ts, data); a && b {
			t.Error("both a transfer and a sweep")
		}
	})
}

func FuzzProof(f *testing.F) {
	s := newSim(f)
	s.mine(f, chaintest.Transfer{Address: ourA.Hex(), Units: 5})
	h, err := s.Client().HeaderByNumber(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	var proof json.RawMessage
	if err := s.raw.CallContext(f.Context(), &proof, "eth_getProof", ourA, []string{}, "latest"); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(proof))
	f.Add([]byte(`{"accountProof":["0x","0xc0"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// Whatever a node answers, only the truth is believed.
		if n, err := evm.ProvenBalance(raw, h.Root, ourA); err == nil && n.Cmp(big.NewInt(5)) != 0 {
			t.Errorf("believed %s", n)
		}
		// A root that fits the first node of a proof, so that what comes after is read.
		var p struct{ AccountProof []hexutil.Bytes }
		if json.Unmarshal(raw, &p) == nil && len(p.AccountProof) > 0 {
			_, _ = evm.ProvenBalance(raw, crypto.Keccak256Hash(p.AccountProof[0]), ourA)
		}
	})
}
