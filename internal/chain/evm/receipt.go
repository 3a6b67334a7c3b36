package evm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

// receipt is what the consensus encodes of a receipt, of any type of transaction
// of any network.
type receipt struct {
	Type              hexutil.Uint64
	Root              hexutil.Bytes // before Byzantium, instead of Status
	Status            hexutil.Uint64
	CumulativeGasUsed hexutil.Uint64
	Logs              []entry
	// The OP stack's, on deposit transactions only.
	DepositNonce          *hexutil.Uint64
	DepositReceiptVersion *hexutil.Uint64
}

type entry struct {
	Address common.Address
	Topics  []common.Hash
	Data    hexutil.Bytes
}

func (r *receipt) succeeded() bool { return len(r.Root) > 0 || r.Status == 1 }

func (r *receipt) encode() ([]byte, types.Bloom, error) {
	logs := make([]*types.Log, len(r.Logs))
	for i, e := range r.Logs {
		logs[i] = &types.Log{Address: e.Address, Topics: e.Topics, Data: e.Data}
	}
	bloom := types.CreateBloom(&types.Receipt{Logs: logs})
	status := []byte(r.Root)
	if len(status) == 0 && r.Status != 0 {
		status = new(big.Int).SetUint64(uint64(r.Status)).Bytes()
	}
	body := []any{status, uint64(r.CumulativeGasUsed), bloom, logs}
	if r.Type == 0x7e && r.DepositNonce != nil && r.DepositReceiptVersion != nil { // since Canyon
		body = append(body, uint64(*r.DepositNonce), uint64(*r.DepositReceiptVersion))
	}
	encoded, err := rlp.EncodeToBytes(body)
	if err == nil && r.Type != 0 {
		encoded = append([]byte{byte(r.Type)}, encoded...)
	}
	return encoded, bloom, err
}

// parseReceipts reads the receipts that a block's header is of from a node's answers and
// proves that they are all there are, as they are.
func parseReceipts(answers []json.RawMessage, b *block) ([]receipt, error) {
	var rs []receipt
	for _, raw := range answers {
		var part []receipt
		if err := decode(raw, &part); err != nil {
			return nil, fmt.Errorf("decode the receipts of block %d: %w", b.header.Number, err)
		}
		rs = append(rs, part...)
	}
	if len(rs) != len(b.txs) {
		return nil, fmt.Errorf("%d receipts for the %d transactions of block %d", len(rs), len(b.txs), b.header.Number)
	}
	var all types.Bloom
	encoded := make(list, len(rs))
	for i := range rs {
		if rs[i].Type > 0x7f {
			return nil, fmt.Errorf("receipt of type %d", rs[i].Type)
		}
		e, bloom, err := rs[i].encode()
		if err != nil {
			return nil, fmt.Errorf("encode receipt %d of block %d: %w", i, b.header.Number, err)
		}
		encoded[i] = e
		for j := range all {
			all[j] |= bloom[j]
		}
	}
	if types.DeriveSha(encoded, trie.NewStackTrie(nil)) != b.header.ReceiptHash {
		return nil, fmt.Errorf("the receipts of block %d are not those of its header", b.header.Number)
	}
	if all != b.header.Bloom {
		return nil, fmt.Errorf("the logs of block %d are not those of its bloom", b.header.Number)
	}
	return rs, nil
}

// Topics that logs begin with: the hashes of the events' signatures.
var (
	transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))
	sweptTopic    = crypto.Keccak256Hash([]byte("Swept(address,address,address,uint256)"))
)

// transfer reads a log as the Transfer of an ERC-20 token; false if it is anything
// else, or moves nothing.
func transfer(e entry) (from, to common.Address, units *big.Int, ok bool) {
	if len(e.Topics) != 3 || e.Topics[0] != transferTopic || len(e.Data) != 32 {
		return from, to, nil, false
	}
	from, err1 := address(e.Topics[1])
	to, err2 := address(e.Topics[2])
	units = new(big.Int).SetBytes(e.Data)
	return from, to, units, err1 == nil && err2 == nil && from != to && units.Sign() > 0
}

// swept reads a log as a factory's Swept; false if it is anything else.
func swept(e entry) (deposit, token, receiver common.Address, units *big.Int, ok bool) {
	if len(e.Topics) != 4 || e.Topics[0] != sweptTopic || len(e.Data) != 32 {
		return deposit, token, receiver, nil, false
	}
	deposit, err1 := address(e.Topics[1])
	token, err2 := address(e.Topics[2])
	receiver, err3 := address(e.Topics[3])
	return deposit, token, receiver, new(big.Int).SetBytes(e.Data), err1 == nil && err2 == nil && err3 == nil
}

func address(topic common.Hash) (common.Address, error) {
	if common.BytesToHash(topic[12:]) != topic {
		return common.Address{}, errors.New("not an address")
	}
	return common.Address(topic[12:]), nil
}
