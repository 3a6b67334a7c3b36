package devchain

import (
	"crypto/ecdsa"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pepay/pepay/contracts"
)

// The keys are hashes of the words below. Everybody can compute them: coin sent there on a real chain is gone.
var (
	payer   = devKey("pepay development payer")
	relayer = devKey("pepay development relayer")
)

// Payer returns the key of the account that plays the payor. It is public and worthless.
func Payer() *ecdsa.PrivateKey { return payer }

// Relayer returns the key of the account that pays the fees of sweeps. It is public and worthless.
func Relayer() *ecdsa.PrivateKey { return relayer }

// Merchant returns the account that settlements go to. Its key is public and worthless like the others.
func Merchant() common.Address { return address(devKey("pepay development merchant")) }

func devKey(words string) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(words)))
	if err != nil {
		panic(err) // one in 2^128
	}
	return key
}

func address(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// chainConfig has every released fork from the first block on.
func chainConfig(id uint64) *params.ChainConfig {
	c := *params.AllDevChainProtocolChanges
	c.BogotaTime = nil // unreleased: gas would cost other than on real chains
	c.ChainID = new(big.Int).SetUint64(id)
	return &c
}

func genesis(id uint64) *core.Genesis {
	alloc := core.SystemContractAllocs()
	alloc[address(payer)] = types.Account{Balance: coins(1_000_000)}
	alloc[address(relayer)] = types.Account{Balance: coins(1_000_000)}
	alloc[contracts.DeploymentProxy] = types.Account{Balance: new(big.Int), Nonce: 1, Code: contracts.DeploymentProxyCode}
	return &core.Genesis{Config: chainConfig(id), GasLimit: ethconfig.Defaults.Miner.GasCeil, Alloc: alloc}
}

func coins(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(params.Ether)) }

// nodeConfig opens one port on loopback for HTTP and websocket, and nothing else: no peers, no IPC, no engine API.
func nodeConfig(dir, host string, port int) *node.Config {
	modules, anybody := []string{"eth", "net", "web3", "dev"}, []string{"*"}
	return &node.Config{
		Name:        "devchain",
		DataDir:     dir,
		KeyStoreDir: os.TempDir(), // go-ethereum wants one, but puts nothing there
		P2P:         p2p.Config{NoDiscovery: true, NoDial: true, PrivateKey: relayer},
		HTTPHost:    host, HTTPPort: port, HTTPModules: modules, HTTPTimeouts: node.DefaultConfig.HTTPTimeouts,
		WSHost: host, WSPort: port, WSModules: modules,
		// Any page in a browser may use the chain: it holds nothing of worth and signs nothing. A foreign Host header
		// is refused all the same, so that no page can reach it under a name of its own.
		HTTPCors: anybody, WSOrigins: anybody, HTTPVirtualHosts: []string{"localhost"},
		BatchRequestLimit:    node.DefaultConfig.BatchRequestLimit,
		BatchResponseMaxSize: node.DefaultConfig.BatchResponseMaxSize,
	}
}

func ethConfig(id uint64) *ethconfig.Config {
	c := ethconfig.Defaults
	c.Genesis = genesis(id)
	c.SyncMode = ethconfig.FullSync
	// Every block's state goes to disk with the block. By default geth keeps the latest states in memory until it is
	// shut down, and a killed process would fall back to an old block.
	c.StateScheme = rawdb.HashScheme
	c.NoPruning = true
	c.TrieDirtyCache = 0
	c.SnapshotCache = 0
	c.TransactionHistory = 0 // index all
	c.LogNoHistory = true    // search logs block by block
	c.DatabaseCache = 16     // MB, this and the next
	c.TrieCleanCache = 16
	c.NoPrefetch = true
	c.TxPool.NoLocals = true
	c.TxPool.Journal = ""
	c.BlobPool.Datadir = ""
	c.Miner.GasPrice = big.NewInt(1)
	return &c
}
