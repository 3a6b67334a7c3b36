package evm

import (
	"encoding/json"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
)

// ParseBlock reads a block and its receipts, as a scan does, and says whether
// every encoding was known.
func ParseBlock(rawBlock, rawReceipts []byte) (hash common.Hash, known bool, err error) {
	b, err := parseBlock(rawBlock)
	if err != nil {
		return common.Hash{}, false, err
	}
	for _, t := range b.txs {
		if t.raw == nil {
			return b.hash, false, nil
		}
		if t.pays() {
			_, _ = t.from()
		}
	}
	if err := b.proveTxs(); err != nil {
		return b.hash, true, err
	}
	if rawReceipts != nil {
		_, err = parseReceipts([]json.RawMessage{rawReceipts}, b)
	}
	b.position()
	return b.hash, true, err
}

// ParseHeader returns the proven hash of a header.
func ParseHeader(raw []byte) (common.Hash, error) {
	b, err := parseHeader(raw)
	if err != nil {
		return common.Hash{}, err
	}
	return b.hash, nil
}

// ParseReceipts decodes receipts and encodes them again.
func ParseReceipts(raw []byte) {
	var rs []receipt
	if json.Unmarshal(raw, &rs) == nil {
		for i := range rs {
			_, _, _ = rs[i].encode()
		}
		_, _ = parseReceipts([]json.RawMessage{raw}, &block{header: types.Header{Number: new(big.Int)}, txs: make([]tx, len(rs))})
	}
}

// ParseTx returns a transaction's hash, recipient and value, and whether its
// encoding is known.
func ParseTx(raw []byte) (hash common.Hash, to *common.Address, value *big.Int, known bool, err error) {
	t, err := parseTx(raw)
	if err == nil && t.pays() {
		_, _ = t.from()
	}
	return t.hash, t.to, t.value, t.raw != nil, err
}

// ParseLog reads a log both ways.
func ParseLog(topics []common.Hash, data []byte) (isTransfer, isSwept bool) {
	e := entry{Topics: topics, Data: data}
	_, _, _, isTransfer = transfer(e)
	_, _, _, _, isSwept = swept(e)
	return isTransfer, isSwept
}

// Collected returns what a transaction of one wei and one log brings an address, by the status of its receipt.
func Collected(status uint64, to, token common.Address, topics []common.Hash, data []byte) []pay.Deposit {
	d, found := Driver{Tokens: []common.Address{token}}, chain.Found{}
	t := tx{to: &to, value: big.NewInt(1), from: func() (a common.Address, err error) { return a, err }}
	r := receipt{Status: hexutil.Uint64(status), Logs: []entry{{Address: token, Topics: topics, Data: data}}}
	d.collect(&found, &block{header: types.Header{Number: new(big.Int)}, txs: []tx{t}}, 0, r, map[string]string{to.Hex(): "an invoice"})
	return found.Deposits
}

// ProvenBalance reads a balance from a proof.
func ProvenBalance(raw []byte, root common.Hash, a common.Address) (*big.Int, error) {
	return provenBalance(raw, root, a)
}
