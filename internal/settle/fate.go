package settle

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/pay"
)

// fate is what the chain says became of a transaction.
type fate struct {
	state   pay.RelayState // sent while it may still go either way
	mined   bool
	txHash  string
	reason  string
	final   uint64         // the newest block that is final
	used    bool           // its nonce is, by the newest block; not known of the final one
	receipt *types.Receipt // of a form that is final; none of a transaction that failed: another took its nonce
}

// fate asks the chain. A transaction is decided only by blocks as deep as a deposit's
// must be to count.
func (a *Account) fate(ctx context.Context, from common.Address, nonce uint64, sends []pay.RelaySend) (f fate, err error) {
	final, some, err := a.final(ctx)
	if err != nil {
		return f, err
	}
	f = fate{state: pay.RelaySent, txHash: sends[len(sends)-1].TxHash}
	for _, s := range sends {
		receipt, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (*types.Receipt, error) {
			return c.TransactionReceipt(ctx, common.HexToHash(s.TxHash))
		})
		if notFound(err) {
			continue
		}
		if err != nil {
			return f, fmt.Errorf("read a receipt: %w", err)
		}
		f.mined, f.txHash = true, s.TxHash
		if !some || final < receipt.BlockNumber.Uint64() {
			return f, nil
		}
		f.receipt = receipt
		if f.state = pay.RelayDone; receipt.Status != types.ReceiptStatusSuccessful {
			f.state, f.reason = pay.RelayFailed, "the transaction was reverted"
		}
		return f, nil
	}
	if !some {
		return f, nil
	}
	f.final = final
	a.replaced(ctx, from, nonce, &f)
	return f, nil
}

// replaced finds out whether a transaction can no longer be mined: its nonce was used,
// in a final block, by one that is none of its forms. A node that has forgotten what accounts
// were then, as many have after 128 blocks, keeps nothing from being sent again.
func (a *Account) replaced(ctx context.Context, from common.Address, nonce uint64, f *fate) {
	used := func(block *big.Int) (bool, error) {
		n, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (uint64, error) { return c.NonceAt(ctx, from, block) })
		return n > nonce, err
	}
	switch final, err := used(new(big.Int).SetUint64(f.final)); {
	case err != nil:
		a.Log.DebugContext(ctx, "no node tells the nonce of an account in a final block", "network", a.Network.Name, "block", f.final, "err", err)
		now, err := used(nil)
		f.used = err == nil && now
	case final:
		f.state, f.reason = pay.RelayFailed, "another transaction of the account took its place"
	}
}

// refused returns the items that the factory reports as failed.
func refused(receipt *types.Receipt, sweeps []pay.SweepItem) (items []pay.SweepItem) {
	for _, log := range receipt.Logs {
		failed, ok := contracts.ParseFailed(*log)
		if !ok {
			continue
		}
		for _, s := range sweeps {
			if common.HexToAddress(s.Address) == failed.Deposit && common.HexToAddress(s.Token) == failed.Token {
				items = append(items, s)
			}
		}
	}
	return items
}
