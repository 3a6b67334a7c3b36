package settle

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/pay"
)

// fate is what the chain says became of a relay.
type fate struct {
	state  pay.RelayState // sent while it may still go either way
	mined  bool
	txHash string
	reason string
	failed []pay.SweepItem // of a relay that is done: what it could not move
}

// fate asks the chain. A relay is decided only by blocks as deep as a deposit's
// must be to count.
func (r *Relayer) fate(ctx context.Context, l pay.Relay) (f fate, err error) {
	head, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (uint64, error) { return c.BlockNumber(ctx) })
	if err != nil {
		return f, fmt.Errorf("read the head: %w", err)
	}
	f = fate{state: pay.RelaySent, txHash: l.Sends[len(l.Sends)-1].TxHash}
	for _, s := range l.Sends {
		receipt, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (*types.Receipt, error) {
			return c.TransactionReceipt(ctx, common.HexToHash(s.TxHash))
		})
		if notFound(err) {
			continue
		}
		if err != nil {
			return f, fmt.Errorf("read a receipt: %w", err)
		}
		f.mined, f.txHash = true, s.TxHash
		if head+1 < receipt.BlockNumber.Uint64()+r.Network.Confirmations {
			return f, nil
		}
		if f.state = pay.RelayDone; receipt.Status != types.ReceiptStatusSuccessful {
			f.state, f.reason = pay.RelayFailed, "the settlement transaction was reverted"
		}
		f.failed = refused(receipt, l)
		return f, nil
	}
	return f, r.replaced(ctx, head, l, &f)
}

// replaced finds out whether a relay can no longer be mined: its nonce was used, in
// a final block, by a transaction that is none of its own.
func (r *Relayer) replaced(ctx context.Context, head uint64, l pay.Relay, f *fate) error {
	if head < r.Network.Confirmations {
		return nil
	}
	final := new(big.Int).SetUint64(head + 1 - r.Network.Confirmations)
	nonce, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (uint64, error) {
		return c.NonceAt(ctx, crypto.PubkeyToAddress(r.Key.PublicKey), final)
	})
	if err != nil {
		return fmt.Errorf("read the relayer's nonce: %w", err)
	}
	if nonce > l.Nonce {
		f.state, f.reason = pay.RelayFailed, "another transaction of the relayer's account took its place"
	}
	return nil
}

// refused returns the items that the factory reports as failed.
func refused(receipt *types.Receipt, l pay.Relay) (items []pay.SweepItem) {
	for _, log := range receipt.Logs {
		failed, ok := contracts.ParseFailed(*log)
		if !ok {
			continue
		}
		for _, s := range l.Sweeps {
			if common.HexToAddress(s.Address) == failed.Deposit && common.HexToAddress(s.Token) == failed.Token {
				items = append(items, s)
			}
		}
	}
	return items
}
