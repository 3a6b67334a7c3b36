package devchain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// control is the JSON-RPC namespace "dev": what no real node does when asked. It is
// on loopback, like everything here.
type control struct{ chain *Chain }

// DropTransaction is dev_dropTransaction; see Chain.Drop.
func (c control) DropTransaction(ctx context.Context, tx common.Hash) error {
	return c.chain.Drop(ctx, tx)
}

// maxDrop is how many blocks Drop takes back: what is deeper may be final to readers.
const maxDrop = 2

// Drop reorganises the chain so that a transaction of the payer's in one of the last
// two blocks is gone for good: a longer branch holds another in its place. It fails,
// and changes nothing, when the transaction is deeper or others are pending; that
// passes.
func (c *Chain) Drop(ctx context.Context, hash common.Hash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx, pending, err := c.client.TransactionByHash(ctx, hash)
	if err != nil || pending {
		return errors.Join(errors.New("the transaction is not in a block"), err)
	}
	receipt, err := c.client.TransactionReceipt(ctx, hash)
	if err != nil {
		return fmt.Errorf("read the receipt: %w", err)
	}
	head, err := c.client.BlockNumber(ctx)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	depth := head + 1 - receipt.BlockNumber.Uint64()
	if depth > maxDrop {
		return fmt.Errorf("the transaction is in the last block but %d; only the last %d are taken back", depth-1, maxDrop)
	}
	block, err := c.client.HeaderByHash(ctx, receipt.BlockHash)
	if err != nil {
		return fmt.Errorf("read the block: %w", err)
	}
	if err := c.beacon.Fork(block.ParentHash); err != nil {
		return fmt.Errorf("fork: %w", err)
	}
	payer := &Wallet{Client: c.client, Key: Payer()}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for err = payer.Replace(ctx, tx); err != nil && ctx.Err() == nil; err = payer.Replace(ctx, tx) {
		<-time.After(5 * time.Millisecond) // the pool has not noticed the fork yet
	}
	for range depth + 1 {
		c.beacon.Commit()
	}
	return err
}
