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

	mu   sync.Mutex // one nonce at a time
	next uint64     // the node counts a transaction a little after it took it
}

// Pay sends units of a token, or of the native coin when token is zero, and returns the transaction's hash without
// waiting for a block.
func (w *Wallet) Pay(ctx context.Context, token, to common.Address, units *big.Int) (common.Hash, error) {
	if token != (common.Address{}) {
		return w.Call(ctx, token, contracts.PackTransfer(to, units))
	}
	return w.send(ctx, to, units, nil)
}

// Call sends a call of a contract, and returns the transaction's hash without waiting for a block.
func (w *Wallet) Call(ctx context.Context, contract common.Address, data []byte) (common.Hash, error) {
	return w.send(ctx, contract, new(big.Int), data)
}

func (w *Wallet) send(ctx context.Context, to common.Address, units *big.Int, data []byte) (common.Hash, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := address(w.Key)
	id, err := w.Client.ChainID(ctx)
	if err != nil {
		return common.Hash{}, fmt.Errorf("read the chain id: %w", err)
	}
	nonce, err := w.Client.PendingNonceAt(ctx, from)
	if err != nil {
		return common.Hash{}, fmt.Errorf("read the nonce: %w", err)
	}
	nonce = max(nonce, w.next)
	gas, err := w.Client.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &to, Value: units, Data: data})
	if err != nil {
		return common.Hash{}, fmt.Errorf("estimate gas: %w", err)
	}
	tip := big.NewInt(1e9)
	tx, err := types.SignNewTx(w.Key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: big.NewInt(50e9), Gas: 2 * gas, To: &to, Value: units, Data: data,
	})
	if err != nil {
		return common.Hash{}, fmt.Errorf("sign: %w", err)
	}
	if err := w.Client.SendTransaction(ctx, tx); err != nil {
		return common.Hash{}, fmt.Errorf("send: %w", err)
	}
	w.next = nonce + 1
	return tx.Hash(), nil
}

// Replace takes the place of a transaction that is not mined, or no longer, with a payment of nothing to the wallet
// itself for ten times the fee.
func (w *Wallet) Replace(ctx context.Context, old *types.Transaction) error {
	to, ten := address(w.Key), big.NewInt(10)
	tx, err := types.SignNewTx(w.Key, types.LatestSignerForChainID(old.ChainId()), &types.DynamicFeeTx{
		ChainID: old.ChainId(), Nonce: old.Nonce(), Gas: 21_000, To: &to, Value: new(big.Int),
		GasTipCap: new(big.Int).Mul(old.GasTipCap(), ten), GasFeeCap: new(big.Int).Mul(old.GasFeeCap(), ten),
	})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := w.Client.SendTransaction(ctx, tx); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}
