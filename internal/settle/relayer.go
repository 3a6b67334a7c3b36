package settle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/pay"
)

// maxItems bounds the addresses emptied by one transaction, so that the most that receivers
// and tokens can burn in it, 940,000 gas each, is below what a transaction may have (EIP-7825).
const maxItems = 16

// Relayer is the Mover of an EVM network: its account, which needs nothing but gas, asks
// the factory to empty deposit addresses. Their only exit is the merchant.
type Relayer struct{ *Account }

var _ Mover = Relayer{}

// givenUp is how old a transaction must be that is in no block to be given up for another.
const givenUp = time.Hour

// nothingThere is why an item is left. Should a node say so of what it has not seen yet,
// nothing but another try follows.
const nothingThere = "there is nothing at the address now"

// Prepare implements Mover. Addresses that are empty are left: to empty them would do
// nothing, and cost gas.
func (r Relayer) Prepare(ctx context.Context, items []pay.SweepItem) (p Prepared, err error) {
	if _, err := r.head(ctx); err != nil { // first, so that no node is asked that is behind another
		return p, err
	}
	items = items[:min(len(items), maxItems)]
	empty, err := r.empty(ctx, items)
	if err != nil {
		return p, fmt.Errorf("ask what deposit addresses hold: %w", err)
	}
	var all []contracts.Item
	p.Left = map[pay.SweepItem]string{}
	for n, s := range items {
		if empty[n] {
			p.Left[s] = nothingThere
			continue
		}
		p.Items = append(p.Items, s)
		all = append(all, contracts.Item{Receiver: common.HexToAddress(s.Receiver), Salt: common.HexToHash(s.Salt), Token: common.HexToAddress(s.Token)})
	}
	if len(all) > 0 {
		p.Nonce, p.Send, err = r.prepare(ctx, contracts.Factory, contracts.PackSweep(all), 0)
	}
	return p, err
}

// balanceOf is the first four bytes of the hash of balanceOf(address).
var balanceOf = common.FromHex("0x70a08231")

// empty asks which items hold nothing, at once if the node takes several questions so. One
// of which the node does not tell is not empty.
func (r Relayer) empty(ctx context.Context, items []pay.SweepItem) ([]bool, error) {
	return ask(ctx, r.Account, func(ctx context.Context, c *ethclient.Client) ([]bool, error) {
		calls, held, empty := make([]rpc.BatchElem, len(items)), make([]string, len(items)), make([]bool, len(items))
		for n, s := range items {
			calls[n] = rpc.BatchElem{Method: "eth_getBalance", Args: []any{s.Address, "latest"}, Result: &held[n]}
			if s.Token != "" {
				data := append(common.CopyBytes(balanceOf), common.LeftPadBytes(common.FromHex(s.Address), 32)...)
				calls[n].Method, calls[n].Args[0] = "eth_call", map[string]any{"to": s.Token, "input": hexutil.Bytes(data)}
			}
		}
		if c.Client().BatchCallContext(ctx, calls) != nil {
			for n := range calls {
				if err := c.Client().CallContext(ctx, calls[n].Result, calls[n].Method, calls[n].Args...); err != nil && !answered(err) {
					return nil, err
				}
			}
		}
		for n, h := range held {
			empty[n] = len(h) > 2 && strings.Trim(h, "0x") == ""
		}
		return empty, nil
	})
}

// Send implements Mover.
func (r Relayer) Send(ctx context.Context, l pay.Relay) { r.send(ctx, l.Sends) }

// Fate implements Mover. The account is the one that sent the relay: the key may have been
// changed since. Then, or when no node tells for certain whether the nonce was used, a relay
// that is old and in no block is given up. If it is mined after all, no harm is done: what a
// deposit holds goes to its receiver only, and the factory passes over an empty one.
func (r Relayer) Fate(ctx context.Context, l pay.Relay) (Fate, error) {
	from, err := sender(l.Sends[0])
	if err != nil {
		return Fate{}, err
	}
	f, err := r.fate(ctx, from, l.Nonce, l.Sends)
	if err != nil {
		return Fate{}, err
	}
	if f.state == pay.RelaySent && !f.mined && (f.used || from != r.address()) && r.Now().Sub(l.At) > givenUp {
		f.state, f.reason = pay.RelayFailed, "it is in no block, and no longer the account's next transaction"
	}
	out := Fate{State: f.state, Mined: f.mined, TxHash: f.txHash, Reason: f.reason}
	if f.state == pay.RelayDone {
		out.Refused = refused(f.receipt, l.Sweeps)
	}
	return out, nil
}

// Again implements Mover: for a better fee when the relay has waited long, unless it is of a
// key that is not the account's any more.
func (r Relayer) Again(ctx context.Context, l pay.Relay, now time.Time) (next pay.RelaySend, some bool, err error) {
	if from, err := sender(l.Sends[0]); err != nil || from != r.address() {
		r.send(ctx, l.Sends)
		return next, false, err
	}
	return r.again(ctx, l.Sends, now)
}
