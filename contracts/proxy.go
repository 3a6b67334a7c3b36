package contracts

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// DeploymentProxy is Arachnid's deterministic deployment proxy: a call with salt (32 bytes) and init code creates that
// code with CREATE2, so that everything deployed through it has the same address on every chain.
// Source: https://github.com/Arachnid/deterministic-deployment-proxy
var DeploymentProxy = common.HexToAddress("0x4e59b44847b379578588920cA78FbF26c0B4956C")

// DeploymentProxyCode is the code deployed at DeploymentProxy, for the genesis of a development chain.
var DeploymentProxyCode = hexutil.MustDecode("0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
	"e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3")

// DeploymentTxSender is the account that DeploymentTx spends from; nobody has its key. It must hold DeploymentTxCost
// before the transaction is sent.
var DeploymentTxSender = common.HexToAddress("0x3fAB184622Dc19b6109349B94811493BF2a45362")

// DeploymentTxCost returns the wei that DeploymentTx needs at most: 100,000 gas at 100 gwei.
func DeploymentTxCost() *big.Int { return big.NewInt(100_000 * 100e9) }

// DeploymentTx returns the raw transaction that creates DeploymentProxy on a chain that lacks it. It was signed by
// choosing the signature, and names no chain id, so a node must allow transactions without replay protection.
func DeploymentTx() []byte {
	return hexutil.MustDecode("0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe" +
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
		"e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3" +
		"1ba02222222222222222222222222222222222222222222222222222222222222222" +
		"a02222222222222222222222222222222222222222222222222222222222222222")
}
