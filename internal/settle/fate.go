package settle

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
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
	return f, a.replaced(ctx, from, nonce, &f)
}

// final returns the newest block that is as final as a deposit's must be to count, if there
// is one yet. Where the network says which, it is what the least of the nodes that answer
// says: one that is ahead may be wrong.
func (a *Account) final(ctx context.Context) (height uint64, some bool, err error) {
	if a.Network.Finality == pay.Deep {
		head, err := a.head(ctx)
		return head + 1 - min(head+1, a.Network.Confirmations), err == nil && head+1 > a.Network.Confirmations, err
	}
	tag := new(big.Int).SetInt64(int64(rpc.FinalizedBlockNumber))
	if a.Network.Finality == pay.Safe {
		tag.SetInt64(int64(rpc.SafeBlockNumber))
	}
	for _, c := range a.Nodes {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		h, e := c.HeaderByNumber(call, tag)
		if cancel(); e != nil {
			err = fmt.Errorf("ask which block is %s: %w", a.Network.Finality, e)
			continue
		}
		if at := h.Number.Uint64(); !some || at < height {
			height, some = at, true
		}
	}
	if some {
		err = nil
	}
	return height, some, err
}

// replaced finds out whether a transaction can no longer be mined: its nonce was used,
// in a final block, by one that is none of its forms.
func (a *Account) replaced(ctx context.Context, from common.Address, nonce uint64, f *fate) error {
	used, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (uint64, error) {
		return c.NonceAt(ctx, from, new(big.Int).SetUint64(f.final))
	})
	if err != nil {
		return fmt.Errorf("read the account's nonce: %w", err)
	}
	if used > nonce {
		f.state, f.reason = pay.RelayFailed, "another transaction of the account took its place"
	}
	return nil
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
