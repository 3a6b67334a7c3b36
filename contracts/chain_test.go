package contracts_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pepay/pepay/contracts"
)

// chain is a simulated chain with one rich account, which holds the deployment proxy and, if asked for, the factory.
type chain struct {
	t     *testing.T
	sim   *simulated.Backend
	key   *ecdsa.PrivateKey
	from  common.Address
	nonce uint64
}

func newChain(t *testing.T) *chain { return newChainWith(t, func(*params.ChainConfig) {}) }

// newChainWith returns one whose rules were changed.
func newChainWith(t *testing.T, rules func(*params.ChainConfig)) *chain {
	key := must(crypto.ToECDSA(crypto.Keccak256([]byte("contracts test"))))
	c := &chain{t: t, key: key, from: crypto.PubkeyToAddress(key.PublicKey)}
	alloc := types.GenesisAlloc{
		c.from:                    {Balance: ether(1_000_000)},
		contracts.DeploymentProxy: {Balance: new(big.Int), Code: contracts.DeploymentProxyCode},
	}
	c.sim = simulated.NewBackend(alloc, func(_ *node.Config, e *ethconfig.Config) {
		released := *e.Genesis.Config
		released.BogotaTime = nil // unreleased, and it prices gas differently
		rules(&released)
		e.Genesis.Config = &released
		e.TrieCleanCache, e.TrieDirtyCache, e.SnapshotCache = 16, 16, 16
	})
	t.Cleanup(func() { _ = c.sim.Close() })
	return c
}

func newFactoryChain(t *testing.T) *chain { return newChain(t).deployed() }

// deployed puts the factory on the chain.
func (c *chain) deployed() *chain {
	c.send(&contracts.DeploymentProxy, contracts.FactoryDeployData(), 0)
	return c
}

// try mines one transaction with plenty of gas and returns its receipt, whatever became of it.
func (c *chain) try(to *common.Address, data []byte, wei int64) *types.Receipt {
	c.t.Helper()
	return c.tryGas(to, data, wei, 10_000_000)
}

func (c *chain) tryGas(to *common.Address, data []byte, wei int64, gas uint64) *types.Receipt {
	c.t.Helper()
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(big.NewInt(1337)), &types.DynamicFeeTx{
		ChainID: big.NewInt(1337), Nonce: c.nonce, To: to, Data: data, Value: big.NewInt(wei), Gas: gas,
		GasFeeCap: big.NewInt(10e9), GasTipCap: big.NewInt(1e9),
	})
	if err == nil {
		err = c.sim.Client().SendTransaction(c.t.Context(), tx)
	}
	if err != nil {
		c.t.Fatalf("send: %v", err)
	}
	c.nonce++
	c.sim.Commit()
	r, err := c.sim.Client().TransactionReceipt(c.t.Context(), tx.Hash())
	if err != nil {
		c.t.Fatalf("receipt: %v", err)
	}
	return r
}

// send is try for a transaction that must succeed.
func (c *chain) send(to *common.Address, data []byte, wei int64) *types.Receipt {
	c.t.Helper()
	r := c.try(to, data, wei)
	if r.Status != types.ReceiptStatusSuccessful {
		c.t.Fatalf("transaction reverted, %d gas used", r.GasUsed)
	}
	return r
}

func (c *chain) create(code []byte) common.Address {
	c.t.Helper()
	return c.send(nil, code, 0).ContractAddress
}

func (c *chain) sweep(items ...contracts.Item) *types.Receipt {
	c.t.Helper()
	return c.send(&contracts.Factory, contracts.PackSweep(items), 0)
}

// balance reads wei for the zero token, else the token's balance.
func (c *chain) balance(token, of common.Address) int64 {
	c.t.Helper()
	if token == (common.Address{}) {
		n, err := c.sim.Client().BalanceAt(c.t.Context(), of, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		return n.Int64()
	}
	n, err := contracts.BalanceOf(c.t.Context(), c.sim.Client(), token, of)
	if err != nil {
		c.t.Fatal(err)
	}
	return n.Int64()
}

func (c *chain) call(to common.Address, data []byte) []byte {
	c.t.Helper()
	out, err := c.sim.Client().CallContract(c.t.Context(), ethereum.CallMsg{From: c.from, To: &to, Data: data}, nil)
	if err != nil {
		c.t.Fatalf("call: %v", err)
	}
	return out
}

func (c *chain) code(at common.Address) []byte {
	c.t.Helper()
	code, err := c.sim.Client().CodeAt(context.Background(), at, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

// compiled is every contract in artifacts.json, those for tests included.
var compiled = func() map[string]struct {
	ABI      abi.ABI
	Bytecode hexutil.Bytes
	Runtime  hexutil.Bytes
} {
	var all map[string]struct {
		ABI      abi.ABI
		Bytecode hexutil.Bytes
		Runtime  hexutil.Bytes
	}
	if err := json.Unmarshal(must(os.ReadFile("artifacts.json")), &all); err != nil {
		panic(err)
	}
	return all
}()

func ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e18)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
