package avalanche

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

// since is the first block of the new kind. Those before it are executed as they are made.
const since = 3

// Lag is how many blocks after a block it is settled at the latest.
const Lag = 2

// settles returns the height up to which all is executed by the time a block is made: every
// second block settles two.
func settles(height uint64) uint64 {
	if height < since {
		return height
	}
	return (height - 1) &^ 1
}

// block is a block in its new form.
type block struct {
	hash   common.Hash
	behind common.Hash // its hash there
	root   common.Hash // of the state after it
	height uint64
	parent *block
	fields map[string]any // of its header, where they differ; kept of the newest
}

// kept is how many blocks keep their fields: they take ten times what the rest does.
const kept = 1000

// header is what the C-chain hashes (ava-labs/avalanchego,
// graft/coreth/plugin/evm/customtypes/header_ext.go).
type header struct {
	ParentHash          common.Hash
	UncleHash           common.Hash
	Coinbase            common.Address
	Root                common.Hash
	TxHash              common.Hash
	ReceiptHash         common.Hash
	Bloom               types.Bloom
	Difficulty          *big.Int
	Number              *big.Int
	GasLimit            uint64
	GasUsed             uint64
	Time                uint64
	Extra               []byte
	MixDigest           common.Hash
	Nonce               types.BlockNonce
	ExtDataHash         common.Hash
	BaseFee             *big.Int
	ExtDataGasUsed      *big.Int
	BlockGasCost        *big.Int
	BlobGasUsed         uint64
	ExcessBlobGas       uint64
	ParentBeaconRoot    common.Hash
	TimeMilliseconds    uint64
	MinDelayExcess      uint64
	TargetExponent      uint64
	MinPriceExponent    uint64
	SettledHeight       uint64
	SettledGasUnix      uint64
	SettledGasNumerator uint64
	SettledExcess       uint64
}

// block returns the new form of a block of the node behind. The lock is held.
func (n *Node) block(ctx context.Context, hash common.Hash) (b *block, err error) {
	if b = n.blocks[hash]; b != nil && (b.fields != nil || b.height < since) {
		return b, nil
	}
	var old *types.Header
	if err := n.client.CallContext(ctx, &old, "eth_getBlockByHash", hash, false); err != nil || old == nil {
		return nil, fmt.Errorf("read block %s: %w", hash, err)
	}
	if b == nil {
		b = &block{hash: hash, behind: hash, root: old.Root, height: old.Number.Uint64()}
		if b.height > 0 {
			if b.parent, err = n.block(ctx, old.ParentHash); err != nil {
				return nil, err
			}
		}
	}
	if b.height >= since {
		if err := n.form(ctx, b, old); err != nil {
			return nil, err
		}
		if n.recent = append(n.recent, b); len(n.recent) > kept {
			n.recent[0].fields, n.recent = nil, n.recent[1:]
		}
	}
	n.blocks[hash], n.hashes[b.hash] = b, hash
	return b, nil
}

// form makes the header of a block, which settles those after what its parent settles.
func (n *Node) form(ctx context.Context, b *block, old *types.Header) error {
	at := b
	for at.height > settles(b.height) {
		at = at.parent
	}
	root, height := at.root, at.height
	var receipts types.Receipts
	for ; at.height > settles(b.height-1); at = at.parent {
		var rs types.Receipts
		if err := n.client.CallContext(ctx, &rs, "eth_getBlockReceipts", at.behind); err != nil {
			return fmt.Errorf("read receipts of block %s: %w", at.behind, err)
		}
		receipts = append(rs, receipts...)
	}
	h := header{
		b.parent.hash, old.UncleHash, old.Coinbase, root, old.TxHash, types.DeriveSha(receipts, trie.NewStackTrie(nil)), types.MergeBloom(receipts),
		big.NewInt(1), old.Number, old.GasLimit, old.GasUsed, old.Time, old.Extra, old.MixDigest, old.Nonce, crypto.Keccak256Hash([]byte{0x80}), old.BaseFee,
		new(big.Int), new(big.Int), 0, 0,
		common.Hash{},
		old.Time * 1000, 7_970_124, 0, 30, height, old.Time, 0, 1,
	}
	encoded, err := rlp.EncodeToBytes(&h)
	if err != nil {
		return fmt.Errorf("encode a header: %w", err)
	}
	b.hash = crypto.Keccak256Hash(encoded)
	b.fields = map[string]any{
		"hash": b.hash, "parentHash": h.ParentHash, "stateRoot": h.Root, "receiptsRoot": h.ReceiptHash, "logsBloom": h.Bloom,
		"difficulty": (*hexutil.Big)(h.Difficulty), "extDataHash": h.ExtDataHash, "extDataGasUsed": "0x0", "blockGasCost": "0x0",
		"blobGasUsed": "0x0", "excessBlobGas": "0x0", "parentBeaconBlockRoot": h.ParentBeaconRoot,
		"timestampMilliseconds": hexutil.Uint64(h.TimeMilliseconds), "minDelayExcess": hexutil.Uint64(h.MinDelayExcess),
		"targetExponent": hexutil.Uint64(h.TargetExponent), "minPriceExponent": hexutil.Uint64(h.MinPriceExponent),
		"settledHeight": hexutil.Uint64(h.SettledHeight), "settledGasUnix": hexutil.Uint64(h.SettledGasUnix),
		"settledGasNumerator": hexutil.Uint64(h.SettledGasNumerator), "settledExcess": hexutil.Uint64(h.SettledExcess),
		"withdrawalsRoot": json.RawMessage("null"), "requestsHash": json.RawMessage("null"),
	}
	return nil
}
