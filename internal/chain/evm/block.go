package evm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/pepay/pepay/internal/pay"
)

// block is a block whose content is proven by its hash.
type block struct {
	hash    common.Hash
	header  types.Header
	settled *hexutil.Uint64 // see settles; nil where blocks are executed as they are made
	txs     []tx            // of the blocks in of
	of      []common.Hash   // whose receipts the header's root and bloom are of
}

// tx is what matters of a transaction.
type tx struct {
	hash  common.Hash
	to    *common.Address // nil when it creates a contract, or is of an unknown type
	value *big.Int        // never nil
	from  func() (common.Address, error)
	raw   []byte // the consensus encoding; nil when the node has yet to be asked for it
}

func (b *block) position() pay.Block {
	return pay.Block{Height: b.header.Number.Uint64(), Hash: strings.ToLower(b.hash.Hex()), Time: time.Unix(int64(b.header.Time), 0).UTC()} //nolint:gosec // checked by parseHeader
}

// parseHeader reads a header from a node's answer and proves that it has the hash
// which the node states.
func parseHeader(raw json.RawMessage) (*block, error) {
	b := new(block)
	if err := decode(raw, &b.header); err != nil {
		return nil, fmt.Errorf("decode a header: %w", err)
	}
	var more struct {
		Hash        common.Hash
		ExtDataHash *common.Hash
	}
	if err := json.Unmarshal(raw, &more); err != nil {
		return nil, fmt.Errorf("decode a block's hash: %w", err)
	}
	if more.ExtDataHash == nil {
		b.hash = b.header.Hash()
	} else if err := b.avalanche(raw); err != nil {
		return nil, err
	}
	if !b.header.Number.IsInt64() || b.header.Time > 1<<40 {
		return nil, errors.New("a header's height or time is out of range")
	}
	if b.hash != more.Hash {
		return nil, fmt.Errorf("block %d is stated to be %s but hashes to %s", b.header.Number, more.Hash, b.hash)
	}
	if b.settled != nil && uint64(*b.settled) >= b.header.Number.Uint64() {
		return nil, fmt.Errorf("block %d settles %d", b.header.Number, *b.settled)
	}
	b.of = []common.Hash{b.hash}
	return b, nil
}

// avalanche reads a header of Avalanche's kind, and its hash.
func (b *block) avalanche(raw json.RawMessage) error {
	object, only, err := avalancheHeader.exact(raw)
	if err != nil {
		return fmt.Errorf("decode a header: %w", err)
	}
	encoded, err := avalancheHeader.encode(object, "header")
	if err != nil {
		return fmt.Errorf("encode a header: %w", err)
	}
	var more struct{ SettledHeight *hexutil.Uint64 }
	b.hash, b.header = crypto.Keccak256Hash(encoded), types.Header{}
	if err := errors.Join(json.Unmarshal(only, &b.header), json.Unmarshal(only, &more)); err != nil {
		return fmt.Errorf("decode a header: %w", err)
	}
	b.settled = more.SettledHeight
	return nil
}

// parseBlock reads a block with its transactions. Once each has its raw encoding,
// proveTxs must be called.
func parseBlock(raw json.RawMessage) (*block, error) {
	b, err := parseHeader(raw)
	if err != nil {
		return nil, err
	}
	var body struct{ Transactions []json.RawMessage }
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, fmt.Errorf("decode a block's transactions: %w", err)
	}
	b.txs = make([]tx, len(body.Transactions))
	for i, raw := range body.Transactions {
		if b.txs[i], err = parseTx(raw); err != nil {
			return nil, fmt.Errorf("transaction %d of block %d: %w", i, b.header.Number, err)
		}
	}
	return b, nil
}

func parseTx(raw json.RawMessage) (tx, error) {
	var head struct {
		Type hexutil.Uint64
		Hash common.Hash
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return tx{}, fmt.Errorf("decode: %w", err)
	}
	if head.Type > 0x7f {
		return tx{}, fmt.Errorf("type %d", head.Type)
	}
	if head.Type <= types.SetCodeTxType {
		var t types.Transaction
		if err := json.Unmarshal(raw, &t); err != nil {
			return tx{}, fmt.Errorf("decode: %w", err)
		}
		encoded, err := t.MarshalBinary()
		if err != nil {
			return tx{}, fmt.Errorf("encode: %w", err)
		}
		signer := types.Signer(types.HomesteadSigner{}) // some still sign for every chain at once
		if t.ChainId().Sign() > 0 {
			signer = types.LatestSignerForChainID(t.ChainId())
		}
		return tx{t.Hash(), t.To(), t.Value(), func() (common.Address, error) { return types.Sender(signer, &t) }, encoded}, nil
	}
	// The root proves the bytes of a type that we cannot encode, but not what they
	// mean. What such a transaction moves shows in logs and balances.
	unknown := tx{hash: head.Hash, value: new(big.Int)}
	l, ok := foreign[byte(head.Type)]
	if !ok {
		return unknown, nil
	}
	object, only, err := l.exact(raw)
	if err != nil {
		return tx{}, fmt.Errorf("decode: %w", err)
	}
	encoded, err := l.encode(object, "tx")
	if err != nil {
		return unknown, nil //nolint:nilerr // the network may have changed the type: its bytes will do
	}
	encoded = append([]byte{byte(head.Type)}, encoded...)
	if crypto.Keccak256Hash(encoded) != head.Hash {
		return unknown, nil
	}
	t := tx{hash: head.Hash, value: new(big.Int), raw: encoded}
	var moves struct {
		From  common.Address
		To    *common.Address
		Value *hexutil.Big
	}
	if err := json.Unmarshal(only, &moves); err != nil {
		return tx{}, fmt.Errorf("decode: %w", err)
	}
	if moves.Value != nil {
		t.to, t.value = moves.To, (*big.Int)(moves.Value)
		t.from = func() (common.Address, error) { return moves.From, nil }
	}
	return t, nil
}

// proveTxs checks the transactions against the header.
func (b *block) proveTxs() error {
	encoded := make(list, len(b.txs))
	for i, t := range b.txs {
		if crypto.Keccak256Hash(t.raw) != t.hash {
			return fmt.Errorf("transaction %d of block %d has not the hash %s", i, b.header.Number, t.hash)
		}
		encoded[i] = t.raw
	}
	if root := types.DeriveSha(encoded, trie.NewStackTrie(nil)); root != b.header.TxHash {
		return fmt.Errorf("the transactions of block %d are not those of its header", b.header.Number)
	}
	return nil
}

// list makes encodings derivable.
type list [][]byte

func (l list) Len() int                             { return len(l) }
func (l list) EncodeIndex(i int, out *bytes.Buffer) { out.Write(l[i]) }
