package devchain

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
)

// Wallet pays from one account, for people who try things out. It may be used by many goroutines.
type Wallet struct {
	Client *ethclient.Client
	Key    *ecdsa.PrivateKey

	mu sync.Mutex // one nonce at a time
}

// Pay sends units of a token, or of the native coin when token is zero, and returns the transaction's hash without
// waiting for a block.
func (w *Wallet) Pay(ctx context.Context, token, to common.Address, units *big.Int) (common.Hash, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, data := address(w.Key), []byte(nil)
	if token != (common.Address{}) {
		to, data, units = token, contracts.PackTransfer(to, units), new(big.Int)
	}
	id, err := w.Client.ChainID(ctx)
	if err != nil {
		return common.Hash{}, fmt.Errorf("read the chain id: %w", err)
	}
	nonce, err := w.Client.PendingNonceAt(ctx, from)
	if err != nil {
		return common.Hash{}, fmt.Errorf("read the nonce: %w", err)
	}
	gas, err := w.Client.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &to, Value: units, Data: data})
	if err != nil {
		return common.Hash{}, fmt.Errorf("estimate gas: %w", err)
	}
	tip := big.NewInt(1e9)
	tx, err := types.SignNewTx(w.Key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: big.NewInt(50e9), Gas: gas + gas/4, To: &to, Value: units, Data: data,
	})
	if err != nil {
		return common.Hash{}, fmt.Errorf("sign: %w", err)
	}
	if err := w.Client.SendTransaction(ctx, tx); err != nil {
		return common.Hash{}, fmt.Errorf("send: %w", err)
	}
	return tx.Hash(), nil
}
