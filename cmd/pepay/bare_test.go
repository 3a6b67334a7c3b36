package main

import (
	"math/big"
	"path/filepath"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/rogpeppe/go-internal/testscript"
)

// bareChain VAR starts a chain that has nothing of ours, on which one key has coin,
// until the script ends.
func bareChain(ts *testscript.TestScript, _ bool, args []string) {
	key, err := crypto.HexToECDSA(strings.Repeat("01", 32))
	ts.Check(err)
	ipc := filepath.Join(ts.Getenv("WORK"), "ipc")
	rich := new(big.Int).Mul(big.NewInt(100), big.NewInt(1e18))
	sim := simulated.NewBackend(types.GenesisAlloc{crypto.PubkeyToAddress(key.PublicKey): {Balance: rich}}, func(n *node.Config, e *ethconfig.Config) {
		n.IPCPath, n.AllowUnprotectedTxs = ipc, true
		e.TrieCleanCache, e.TrieDirtyCache, e.SnapshotCache = 16, 16, 16
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				sim.Commit()
			}
		}
	}()
	ts.Defer(func() {
		close(stop)
		<-stopped
		_ = sim.Close()
	})
	ts.Setenv(args[0], ipc)
}
