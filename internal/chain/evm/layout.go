package evm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"
)

// A layout names, in the order of their encoding, the fields of a JSON object
// that the network's consensus encodes as an RLP list. A field with a question
// mark is optional: it and all after it may be missing. It lets us hash what
// go-ethereum has no type for.
type layout []string

func fields(s string) layout { return strings.Fields(s) }

// avalancheHeader is the header of Avalanche's C-chain (ava-labs/avalanchego,
// graft/coreth/plugin/evm/customtypes/header_ext.go).
var avalancheHeader = fields(`parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number gasLimit
	gasUsed timestamp extraData mixHash nonce extDataHash ?baseFeePerGas ?extDataGasUsed ?blockGasCost ?blobGasUsed ?excessBlobGas
	?parentBeaconBlockRoot ?timestampMilliseconds ?minDelayExcess ?targetExponent ?minPriceExponent ?settledHeight ?settledGasUnix
	?settledGasNumerator ?settledExcess`)

// foreign are the transaction types of rollups (OffchainLabs/go-ethereum,
// core/types/arb_types.go; the OP stack's specification of deposits). They carry
// no signature: the rollup vouches for from.
var foreign = map[byte]layout{
	0x64: fields("chainId requestId from to value"),
	0x65: fields("chainId from nonce maxFeePerGas gas to value input"),
	0x66: fields("chainId requestId from maxFeePerGas gas to value input"),
	0x68: fields("chainId nonce from maxFeePerGas gas to value input ticketId refundTo maxRefund submissionFeeRefund"),
	0x69: fields(`chainId requestId from l1BaseFee depositValue maxFeePerGas gas retryTo retryValue beneficiary maxSubmissionFee
		refundTo retryData`),
	0x6a: fields("chainId input"),
	0x7e: fields("sourceHash from to mint value gas isSystemTx input"),
}

// bytesFields are those whose value is a string of bytes; every other is a number,
// which is encoded without leading zeros.
var bytesFields = map[string]bool{}

func init() {
	for _, f := range fields(`parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom extraData mixHash nonce/header
		extDataHash parentBeaconBlockRoot requestId from to input ticketId refundTo retryTo beneficiary retryData sourceHash`) {
		bytesFields[f] = true
	}
}

// exact returns the fields of an object that are spelled as in the layout, and the object of
// those alone. encoding/json also takes "VALUE" for "value": a node could show one for the hash
// and have the other read.
func (l layout) exact(raw json.RawMessage) (object map[string]json.RawMessage, only json.RawMessage, err error) {
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(object, func(name string, _ json.RawMessage) bool {
		return !slices.Contains(l, name) && !slices.Contains(l, "?"+name)
	})
	only, err = json.Marshal(object)
	return object, only, err
}

// encode returns the RLP list of an object's fields. Kind is appended to the names
// of fields that are numbers in one kind of object and bytes in another.
func (l layout) encode(object map[string]json.RawMessage, kind string) ([]byte, error) {
	var items [][]byte
	for i, f := range l {
		name, optional := strings.CutPrefix(f, "?")
		raw, ok := object[name]
		if optional && (!ok || string(raw) == "null") {
			for _, later := range l[i:] {
				if raw, ok := object[later[1:]]; ok && string(raw) != "null" {
					return nil, fmt.Errorf("field %s without %s", later[1:], name)
				}
			}
			break
		}
		item, err := value(raw, bytesFields[name] || bytesFields[name+"/"+kind])
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		items = append(items, item)
	}
	return rlp.EncodeToBytes(items)
}

// value reads one field. What is missing, null or false is empty; true is one.
func value(raw json.RawMessage, isBytes bool) ([]byte, error) {
	switch string(raw) {
	case "", "null", "false":
		return nil, nil
	case "true":
		return []byte{1}, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, errors.New("not a string")
	}
	if isBytes {
		return hexutil.Decode(s)
	}
	n, err := hexutil.DecodeBig(s)
	if err != nil {
		return nil, err
	}
	return n.Bytes(), nil
}
