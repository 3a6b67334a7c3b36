// Package ton settles on TON: a relayer's wallet brings each deposit wallet its signed request
// to empty itself, with the coin that this costs.
package ton

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strconv"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

const (
	maxItems = 40
	// A relay has no effect from outside after outerLife, and the requests that it brings none
	// after innerLife more: that is how long a message may be on its way.
	outerLife = 2 * time.Minute
	innerLife = 3 * time.Minute
	// margin is how much newer than the end of a relay the masterchain must be before it is
	// given up: blocks of shards may become final later than they are dated.
	margin = time.Minute
	// patience is how long the addresses for one relay are asked about. It leaves a job, and the
	// relay, time to do the rest.
	patience = 20 * time.Second
)

// What goes along with each item, in nanotons. Of what a jetton does not need the most comes back.
var (
	withNative = big.NewInt(6_000_000)
	withJetton = big.NewInt(100_000_000)
	forwarding = big.NewInt(5_000_000) // for a message that deploys a wallet
	ownGas     = big.NewInt(20_000_000)
	maxTopUp   = big.NewInt(50_000_000) // that the network may have taken for keeping an address
	notify     = big.NewInt(1)          // with which the receiver's wallet is told of a jetton
)

// Mover implements settle.Mover. Its fields must not change once it is used.
type Mover struct {
	Chain   *ton.Driver
	Relayer ed25519.PrivateKey                             // of the wallet that pays the fees
	Key     func(index uint32) (ed25519.PrivateKey, error) // of a deposit wallet
	Log     *slog.Logger
	// Patience is how long addresses are asked about for one relay; 0 for 20 seconds.
	Patience time.Duration

	turns      settle.Turns
	mu         sync.Mutex
	have, need *big.Int // of the relayer; need is nil while it has enough
}

var _ settle.Mover = (*Mover)(nil)

func (m *Mover) wallet() ton.Wallet {
	return ton.FeeWallet(m.Relayer.Public().(ed25519.PublicKey), m.Chain.Testnet)
}

// nonce keeps by when a relay has no effect any more, and its place among the relayer's.
func nonce(seqno, until uint32) uint64 { return uint64(seqno)<<32 | uint64(until) }

func (m *Mover) holding(ctx context.Context, a ton.Address) (ton.Holding, error) {
	return ton.Agreed(ctx, m.Chain, func(ctx context.Context, n *ton.Node) (ton.Holding, error) { return n.Holding(ctx, a) },
		func(a, b ton.Holding) (ton.Holding, bool) { return a, a.Same(b) })
}

// fees returns what the relayer's wallet holds. Of two balances it is the lower: anybody may add
// to it between two answers, in each block if he likes.
func (m *Mover) fees(ctx context.Context) (ton.Holding, error) {
	return ton.Agreed(ctx, m.Chain, func(ctx context.Context, n *ton.Node) (ton.Holding, error) {
		return n.Holding(ctx, m.wallet().Address())
	},
		func(a, b ton.Holding) (ton.Holding, bool) {
			if a.Balance.Cmp(b.Balance) > 0 {
				a, b = b, a
			}
			b.Balance = a.Balance
			return a, a.Same(b)
		})
}

// Prepare implements settle.Mover. An address that is among the items twice, for another token,
// has its turn with the next relay. An item that cannot be moved, as the nodes agree, is left.
// One that they do not answer about, or not in time, is neither moved nor left: others go on
// without it, and come before it from then on. The error is theirs if nothing else came of it.
func (m *Mover) Prepare(ctx context.Context, items []pay.SweepItem) (p settle.Prepared, err error) {
	head, err := m.Chain.Head(ctx)
	if err != nil {
		return p, err
	}
	w := m.wallet()
	h, err := m.fees(ctx)
	if err != nil {
		return p, fmt.Errorf("read the relayer's wallet: %w", err)
	}
	seqno, err := w.Seqno(h.Data)
	if err != nil {
		return p, err
	}
	until := uint32(head.Time.Add(outerLife).Unix()) //nolint:gosec // until 2106
	r := ton.Request{Wallet: w.ID, ValidUntil: until, Seqno: seqno}
	need, taken := new(big.Int).Set(ownGas), map[string]bool{}
	p.Left = map[pay.SweepItem]string{}
	asking, end := context.WithTimeout(ctx, cmp.Or(m.Patience, patience))
	defer end()
	var unknown error
	for _, i := range m.turns.Order(items) {
		if len(p.Items) == maxItems || asking.Err() != nil {
			break
		}
		if taken[i.Address] {
			continue
		}
		msg, why, err := m.bring(asking, i, until+uint32(innerLife/time.Second))
		if m.turns.Learned(err == nil, i); err != nil {
			m.Log.WarnContext(ctx, "nothing could be learned of an address; it has its turn after others", "address", i.Address, "token", i.Token, "err", err)
			p.Unread, unknown = append(p.Unread, i), cmp.Or(unknown, fmt.Errorf("empty %s: %w", i.Address, err))
			continue
		}
		if why != "" {
			p.Left[i] = why
			continue
		}
		taken[i.Address] = true
		p.Items, r.Messages = append(p.Items, i), append(r.Messages, msg)
		need.Add(need, new(big.Int).Add(msg.Value, forwarding))
	}
	if m.looked(h.Balance, need); len(p.Items) == 0 {
		if len(p.Left) > 0 {
			return p, nil // and it is out of the way the next time
		}
		if unknown != nil {
			unknown = fmt.Errorf("%w: %w", settle.ErrUnread, unknown)
		}
		return p, cmp.Or(unknown, ctx.Err())
	}
	if why := m.Shortage(); why != "" {
		return settle.Prepared{}, fmt.Errorf("%w: %s", settle.ErrNoGas, why)
	}
	var init *ton.Cell
	if !h.Active {
		init = w.Init()
	}
	body := r.Sign(m.Relayer)
	p.Nonce = nonce(seqno, until)
	p.Send = pay.RelaySend{
		TxHash: hex.EncodeToString(ton.ExternalHash(w.Address(), body)),
		Raw:    hex.EncodeToString(ton.External(w.Address(), init, body).ToBOC()),
	}
	return p, nil
}

// bring returns the message that makes a deposit wallet empty itself; why it cannot now, if two
// nodes say so or none needs to be asked. The error is of what could not be learned.
func (m *Mover) bring(ctx context.Context, i pay.SweepItem, until uint32) (msg ton.Message, why string, err error) {
	index, err := strconv.ParseUint(i.Salt, 10, 32)
	if err != nil {
		return msg, "its derivation index is not a number", nil
	}
	key, err := m.Key(uint32(index))
	if err != nil {
		return msg, "its key cannot be derived", nil
	}
	w, err := ton.DepositWallet(key.Public().(ed25519.PublicKey), uint32(index), m.Chain.Testnet)
	if err != nil || w.Address().String() != i.Address {
		return msg, "the deployment has no key for this address; were its words changed?", nil
	}
	to, err := ton.Parse(i.Receiver, m.Chain.Testnet)
	if err != nil {
		return msg, "the receiver: " + err.Error(), nil
	}
	h, err := m.holding(ctx, w.Address())
	if err != nil {
		return msg, "", err
	}
	seqno, err := w.Seqno(h.Data)
	if err != nil {
		return msg, err.Error(), nil
	}
	r := ton.Request{Internal: true, Wallet: w.ID, ValidUntil: until, Seqno: seqno}
	msg = ton.Message{To: w.Address(), Bounce: true, Mode: ton.ModePaysFees | ton.ModeSkipErrors}
	if !h.Active {
		msg.Init = w.Init()
	}
	var out ton.Message
	if i.Token == "" {
		out, msg.Value, why, err = m.native(ctx, w.Address(), to, h.Balance)
	} else {
		msg.Value = withJetton
		out, why, err = m.jetton(ctx, w.Address(), to, i.Token)
	}
	r.Messages = []ton.Message{out}
	if err == nil && why == "" {
		msg.Body = r.Sign(key)
	}
	return msg, why, err
}

// native moves exactly what was paid and has not left: what the network took since is added, and
// what earlier relays brought too much stays.
func (m *Mover) native(ctx context.Context, from, to ton.Address, balance *big.Int) (out ton.Message, with *big.Int, why string, err error) {
	due, err := ton.Agreed(ctx, m.Chain, func(ctx context.Context, n *ton.Node) (*big.Int, error) {
		due, err := n.Due(ctx, from)
		if errors.Is(err, ton.ErrTooMany) {
			return nil, nil //nolint:nilnil // an answer, too, on which nodes can agree
		}
		return due, err
	}, func(a, b *big.Int) (*big.Int, bool) {
		return a, a == nil && b == nil || a != nil && b != nil && a.Cmp(b) == 0
	})
	if err != nil {
		return out, nil, "", err
	}
	if due == nil {
		return out, nil, "the address has too many transactions to tell what was paid to it", nil
	}
	if due.Sign() <= 0 {
		return out, nil, "the address holds none of it", nil
	}
	with = new(big.Int).Set(withNative)
	if missing := new(big.Int).Sub(due, balance); missing.Sign() > 0 {
		if with.Add(with, missing); missing.Cmp(maxTopUp) > 0 {
			return out, nil, "the address holds less than was paid to it", nil
		}
	}
	return ton.Message{To: to, Value: due, Mode: ton.ModePaysFees | ton.ModeBounceError}, with, "", nil
}

func (m *Mover) jetton(ctx context.Context, from, to ton.Address, master string) (out ton.Message, why string, err error) {
	j, err := m.Chain.Jetton(ctx, master)
	if none, ok := errors.AsType[ton.NoJetton](err); ok {
		return out, "its token: " + none.Error(), nil
	}
	if err != nil {
		return out, "", err
	}
	units, lock, why, err := m.jettons(ctx, j, from)
	switch {
	case err != nil || why != "":
		return out, why, err
	case units.Sign() == 0:
		return out, "the address holds none of it", nil
	case lock&ton.LockedOut != 0:
		return out, "the issuer of the token lets the address send none of it", nil
	}
	if j.Governed { // in vain it would cost all that goes along
		switch _, lock, why, err = m.jettons(ctx, j, to); {
		case err != nil || why != "":
			return out, why, err
		case lock&ton.LockedIn != 0:
			return out, "the issuer of the token lets the receiver get none of it", nil
		}
	}
	body := ton.Transfer{Units: units, To: to, Answer: m.wallet().Address(), Forward: notify}.Body()
	return ton.Message{To: j.Wallet(from), Value: new(big.Int), Bounce: true, Body: body, Mode: ton.ModeForward | ton.ModeBounceError}, "", nil
}

// jettons returns what an owner's jetton wallet holds and may not do; why that cannot be said, if
// nodes agree that it is none.
func (m *Mover) jettons(ctx context.Context, j ton.Jetton, owner ton.Address) (units *big.Int, lock ton.Lock, why string, err error) {
	h, err := m.holding(ctx, j.Wallet(owner))
	if err != nil {
		return nil, 0, "", err
	}
	if _, units, lock, err = j.Holding(h.Data); err != nil {
		return nil, 0, err.Error(), nil
	}
	return units, lock, "", nil
}

// Send implements settle.Mover.
func (m *Mover) Send(ctx context.Context, l pay.Relay) {
	last := l.Sends[len(l.Sends)-1]
	message, err := decode(last)
	if err == nil {
		err = m.Chain.Send(ctx, message)
	}
	if err != nil {
		m.Log.WarnContext(ctx, "a node did not take a message; it will be sent again", "network", l.Network, "message", last.TxHash, "err", err)
	}
}

// Again implements settle.Mover: the same message is sent once more. There is no better fee on
// this network.
func (m *Mover) Again(ctx context.Context, l pay.Relay, _ time.Time) (next pay.RelaySend, some bool, err error) {
	m.Send(ctx, l)
	return next, false, nil
}

func decode(s pay.RelaySend) (*ton.Cell, error) {
	raw, err := hex.DecodeString(s.Raw)
	if err != nil {
		return nil, err
	}
	return ton.Decode(raw)
}

// Look implements settle.Mover.
func (m *Mover) Look(ctx context.Context) error {
	h, err := m.fees(ctx)
	if err == nil {
		m.looked(h.Balance, nil)
	}
	return err
}

// looked keeps what the relayer has and, unless nil, what it needs.
func (m *Mover) looked(have, need *big.Int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.have = have; need != nil {
		m.need = need
	}
	if m.need != nil && have.Cmp(m.need) >= 0 {
		m.need = nil
	}
}

// Holds implements settle.Mover.
func (m *Mover) Holds() (nanotons *big.Int, known bool) {
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
	return fmt.Sprintf("%s has %s nanotons and needs %s for the next transaction; send it some", m.wallet().Address(), m.have, m.need)
}
