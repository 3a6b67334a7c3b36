package devchain_test

import (
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
)

// A chain that has nothing of ours, not even the deployment proxy, and whose relayer is poor.
func TestPrepareForeignChain(t *testing.T) {
	t.Parallel()
	ipc := filepath.Join(t.TempDir(), "ipc")
	payer := crypto.PubkeyToAddress(devchain.Payer().PublicKey)
	rich := new(big.Int).Mul(big.NewInt(25), big.NewInt(1e18))
	sim := simulated.NewBackend(types.GenesisAlloc{payer: {Balance: rich}}, func(n *node.Config, e *ethconfig.Config) {
		n.IPCPath, n.AllowUnprotectedTxs = ipc, true
		e.TrieCleanCache, e.TrieDirtyCache, e.SnapshotCache = 16, 16, 16
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				sim.Commit()
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		_ = sim.Close()
	})

	client := dial(t, ipc)
	for range 2 {
		if _, err := devchain.Prepare(t.Context(), client, devchain.Payer()); err != nil {
			t.Fatal(err)
		}
	}
	if err := contracts.Verify(t.Context(), client); err != nil {
		t.Error(err)
	}
	if got := dollars(t, client, payer); got != 1_000_000e6 {
		t.Errorf("the payer has %d", got)
	}
	ten := new(big.Int).Mul(big.NewInt(10), big.NewInt(1e18))
	if got := balance(t, client, crypto.PubkeyToAddress(devchain.Relayer().PublicKey)); got.Cmp(ten) != 0 {
		t.Errorf("the relayer has %s", got)
	}
}
