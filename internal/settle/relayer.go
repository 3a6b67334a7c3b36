package settle

import (
	"context"
	"time"

	"github.com/ethereum/go-ethereum/common"
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

// Prepare implements Mover.
func (r Relayer) Prepare(ctx context.Context, items []pay.SweepItem) (p Prepared, err error) {
	p.Items = items[:min(len(items), maxItems)]
	all := make([]contracts.Item, len(p.Items))
	for n, s := range p.Items {
		all[n] = contracts.Item{Receiver: common.HexToAddress(s.Receiver), Salt: common.HexToHash(s.Salt), Token: common.HexToAddress(s.Token)}
	}
	p.Nonce, p.Send, err = r.prepare(ctx, contracts.Factory, contracts.PackSweep(all), 0)
	return p, err
}

// Send implements Mover.
func (r Relayer) Send(ctx context.Context, l pay.Relay) { r.send(ctx, l.Sends) }

// Fate implements Mover.
func (r Relayer) Fate(ctx context.Context, l pay.Relay) (Fate, error) {
	f, err := r.fate(ctx, r.address(), l.Nonce, l.Sends)
	if err != nil {
		return Fate{}, err
	}
	out := Fate{State: f.state, Mined: f.mined, TxHash: f.txHash, Reason: f.reason}
	if f.state == pay.RelayDone {
		out.Refused = refused(f.receipt, l.Sweeps)
	}
	return out, nil
}

// Again implements Mover: for a better fee when the relay has waited long.
func (r Relayer) Again(ctx context.Context, l pay.Relay, now time.Time) (next pay.RelaySend, some bool, err error) {
	return r.again(ctx, l.Sends, now)
}
