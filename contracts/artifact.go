// Package contracts holds the smart contracts of keyless deposit addresses on EVM chains, and what Go needs to speak
// with them: addresses, call data, events and the byte code itself. The sources are the .sol files of this folder;
// build.mjs compiles them to artifacts.json, which is committed, so that building Pepay needs neither Node nor solc.
package contracts

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:embed artifacts.json
var artifactsJSON []byte

// artifact is one compiled contract.
type artifact struct {
	ABI        abi.ABI       `json:"abi"`
	Bytecode   hexutil.Bytes `json:"bytecode"`   // creation code, without constructor arguments
	Runtime    hexutil.Bytes `json:"runtime"`    // deployed code, zeros in place of immutables
	Immutables []int         `json:"immutables"` // where those zeros are, 32 bytes each
}

var artifacts = func() map[string]artifact {
	var all map[string]artifact
	if err := json.Unmarshal(artifactsJSON, &all); err != nil {
		panic(fmt.Sprintf("contracts: artifacts.json: %v", err))
	}
	return all
}()

// pack encodes a call. The arguments are typed by our callers and the ABI is embedded, so only a mistake in this
// package, or an amount that is no uint256, can fail.
func pack(contract, method string, args ...any) []byte {
	data, err := artifacts[contract].ABI.Pack(method, args...)
	if err != nil {
		panic(fmt.Sprintf("contracts: pack %s.%s: %v", contract, method, err))
	}
	return data
}

// uint256 returns n, which it requires to be a uint256: the ABI encoder would cut other numbers down silently.
func uint256(n *big.Int) *big.Int {
	if n.Sign() < 0 || n.BitLen() > 256 {
		panic(fmt.Sprintf("contracts: %v is no uint256", n))
	}
	return n
}

// deployData is the call to the deployment proxy that creates code under salt.
func deployData(salt common.Hash, code []byte) []byte {
	return append(salt.Bytes(), code...)
}
