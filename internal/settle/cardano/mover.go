// Package cardano settles on networks of Cardano: it signs with the keys of the deposit
// addresses that it empties, and with that of an account which pays the fees, so that
// deposit addresses need no ADA of their own.
package cardano

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// patience is for how many slots, of a second each, a transaction may be put into a block.
// Blocks come every 20 seconds; in half an hour even a full network has had room.
const patience = 1800

// maxUnread bounds the addresses that are asked for in vain for one transaction.
const maxUnread = 3

// Mover is the settle.Mover of a network of Cardano. A transaction spends outputs by name,
// and has one form and a last slot: nothing it moves can be moved twice.
type Mover struct {
	Network  pay.Network
	Driver   *cardano.Driver
	Key      func(index uint32) (cardano.Key, error) // of the deposit address with that index
	FeePayer cardano.Key
	MaxFee   uint64 // most lovelace that one transaction may cost
	Log      *slog.Logger

	turns settle.Turns
	mu    sync.Mutex
	have  *big.Int // what the fee payer held when it was last looked at
	need  *big.Int // by the last transaction it could not pay for; nil when it could
}

var _ settle.Mover = (*Mover)(nil)

func (m *Mover) net() cardano.Net { return cardano.NetOf(m.Driver.Magic) }

// payer is the address of the fee payer.
func (m *Mover) payer() string { return m.net().Enterprise(m.FeePayer.Public()) }

// Prepare implements settle.Mover.
func (m *Mover) Prepare(ctx context.Context, items []pay.SweepItem) (settle.Prepared, error) {
	params, err := m.Driver.Params(ctx)
	if err != nil {
		return settle.Prepared{}, fmt.Errorf("ask for the network's parameters: %w", err)
	}
	purse, err := m.purse(ctx)
	if err != nil {
		return settle.Prepared{}, err
	}
	slot, err := m.Driver.Tip(ctx)
	if err != nil {
		return settle.Prepared{}, fmt.Errorf("ask for the newest block: %w", err)
	}
	p := &plan{params: params, purse: purse, payer: m.payer(), ttl: slot + patience, left: map[pay.SweepItem]string{}}
	var unread []pay.SweepItem
	var why []error
	for _, group := range byAddress(m.turns.Order(items)) {
		full, err := m.take(ctx, p, group)
		if m.turns.Learned(err == nil, group...); errors.Is(err, settle.ErrUnread) {
			unread, why = append(unread, group...), append(why, err)
		} else if err != nil {
			return settle.Prepared{}, err
		}
		if full || len(why) == maxUnread {
			break
		}
	}
	if err := p.leaveDust(); err != nil || len(p.parts)+len(p.left) == 0 {
		return settle.Prepared{Unread: unread}, errors.Join(append(why, err)...)
	}
	if len(why) > 0 {
		m.Log.WarnContext(ctx, "what some deposit addresses hold is not known; the others go first", "network", m.Network.Name, "err", errors.Join(why...))
	}
	if len(p.parts) == 0 {
		return settle.Prepared{Left: p.left, Unread: unread}, nil
	}
	d, err := p.draft()
	if short, ok := errors.AsType[shortage](err); ok {
		m.saw(p.purse, short.need)
		return settle.Prepared{}, fmt.Errorf("%w: %s", settle.ErrNoGas, m.Shortage())
	}
	if err == nil && d.Fee > m.MaxFee {
		err = fmt.Errorf("the network asks for a fee of %d lovelace, and the most is configured as %d", d.Fee, m.MaxFee)
	}
	if err != nil {
		return settle.Prepared{}, err
	}
	hash, raw, err := d.Sign(append(p.keys(), m.FeePayer)...)
	if err != nil {
		return settle.Prepared{}, fmt.Errorf("sign: %w", err)
	}
	return settle.Prepared{
		Nonce: p.ttl, Send: pay.RelaySend{TxHash: hash.String(), Raw: hex.EncodeToString(raw)}, Items: p.items(), Left: p.left, Unread: unread,
	}, nil
}

// Send implements settle.Mover.
func (m *Mover) Send(ctx context.Context, l pay.Relay) { m.send(ctx, l, slog.LevelWarn) }

// send hands the transaction to every node. One that has it already refuses it, so that
// only what the first sending brought is worth a warning.
func (m *Mover) send(ctx context.Context, l pay.Relay, level slog.Level) {
	last := l.Sends[len(l.Sends)-1]
	raw, err := hex.DecodeString(last.Raw)
	if err == nil {
		err = m.Driver.Submit(ctx, raw)
	}
	if err != nil {
		m.Log.Log(ctx, level, "a node did not take a transaction; it will be sent again", "network", l.Network, "tx", last.TxHash, "err", err)
	}
}

// Fate implements settle.Mover.
func (m *Mover) Fate(ctx context.Context, l pay.Relay) (settle.Fate, error) {
	last := l.Sends[len(l.Sends)-1]
	f := settle.Fate{State: pay.RelaySent, TxHash: last.TxHash}
	raw, err := hex.DecodeString(last.Raw)
	if err != nil {
		return f, fmt.Errorf("a stored transaction cannot be read: %w", err)
	}
	o, err := m.Driver.Outcome(ctx, raw, m.Network.Confirmations)
	if err != nil {
		return f, err
	}
	switch f.Mined = o.Mined; {
	case o.Final:
		f.State = pay.RelayDone
	case o.Dead != "":
		f.State, f.Reason = pay.RelayFailed, o.Dead
	}
	return f, nil
}

// Again implements settle.Mover: the same bytes are sent again until their time runs out.
func (m *Mover) Again(ctx context.Context, l pay.Relay, _ time.Time) (next pay.RelaySend, some bool, err error) {
	m.send(ctx, l, slog.LevelDebug)
	return next, false, nil
}

// purse returns the fee payer's outputs that hold ADA and nothing else, the largest first.
func (m *Mover) purse(ctx context.Context) ([]cardano.Unspent, error) {
	plain, err := m.Driver.Unspent(ctx, m.payer(), func(u cardano.Unspent) bool { return !u.Script && len(u.Value.Assets) == 0 })
	if err != nil {
		return nil, fmt.Errorf("look what the fee payer holds: %w", err)
	}
	slices.SortStableFunc(plain, plainest)
	m.saw(plain, 0)
	return plain, nil
}

// saw records what the fee payer holds, and what a transaction needs if it could not pay
// for it. A shortage ends when it holds as much.
func (m *Mover) saw(purse []cardano.Unspent, need uint64) {
	have := new(big.Int).SetUint64(sum(purse))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.have = have; need > 0 {
		m.need = new(big.Int).SetUint64(need)
	} else if m.need != nil && have.Cmp(m.need) >= 0 {
		m.need = nil
	}
}

// Look implements settle.Mover.
func (m *Mover) Look(ctx context.Context) error {
	_, err := m.purse(ctx)
	return err
}

// Holds implements settle.Mover, in lovelace.
func (m *Mover) Holds() (units *big.Int, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.have, m.have != nil
}

// Shortage implements settle.Mover.
func (m *Mover) Shortage() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.need == nil {
		return ""
	}
	return fmt.Sprintf("%s has %s lovelace and needs %s for the next transaction; send it some ADA", m.payer(), m.have, m.need)
}
