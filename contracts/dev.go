package contracts

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

var dollarSalt = crypto.Keccak256Hash([]byte("pepay.testdollar.1"))

// TestDollar is the address of the play token "Devnet USDC" (DUSDC, 6 decimals) on every development chain, whether it
// is deployed there yet or not. Anybody may mint it.
var TestDollar = crypto.CreateAddress2(DeploymentProxy, dollarSalt, crypto.Keccak256(artifacts["TestDollar"].Bytecode))

// TestDollarDeployData returns the call data with which DeploymentProxy deploys the token at TestDollar.
func TestDollarDeployData() []byte { return deployData(dollarSalt, artifacts["TestDollar"].Bytecode) }

// TestDollarCode returns the token's creation code, to deploy a copy elsewhere. Its constructor takes no arguments.
func TestDollarCode() []byte { return slices.Clone(artifacts["TestDollar"].Bytecode) }

// PackMint returns the call data of TestDollar.mint. The amount is in millionths of a dollar and must be a uint256.
func PackMint(to common.Address, amount *big.Int) []byte {
	return pack("TestDollar", "mint", to, uint256(amount))
}

// PackTransfer returns the call data of any ERC-20's transfer. The amount is in base units and must be a uint256.
func PackTransfer(to common.Address, amount *big.Int) []byte {
	return pack("TestDollar", "transfer", to, uint256(amount))
}

// BalanceOf returns what an account holds of an ERC-20 token, in base units, at the chain's latest block.
func BalanceOf(ctx context.Context, chain Caller, token, account common.Address) (*big.Int, error) {
	out, err := chain.CallContract(ctx, ethereum.CallMsg{To: &token, Data: pack("TestDollar", "balanceOf", account)}, nil)
	if err != nil {
		return nil, fmt.Errorf("read the balance of %s in token %s: %w", account, token, err)
	}
	if len(out) < 32 {
		return nil, fmt.Errorf("%s is no token: it answers balanceOf with %d bytes", token, len(out))
	}
	return new(big.Int).SetBytes(out[:32]), nil
}

// BatchCode returns the creation code of a contract that pays native coin from inside a call, as exchanges do. It is
// for tests; its constructor takes no arguments.
func BatchCode() []byte { return slices.Clone(artifacts["Batch"].Bytecode) }

// PackPay returns the call data of Batch.pay: one amount in wei, a uint256, for every recipient. The transaction's value
// must cover their sum; one refusing recipient reverts the whole.
func PackPay(to []common.Address, amounts []*big.Int) []byte {
	for _, n := range amounts {
		uint256(n)
	}
	return pack("Batch", "pay", to, amounts)
}
