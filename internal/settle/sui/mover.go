// Package sui moves what deposit addresses on Sui hold to the merchants. Each address signs
// for its own coins; a sponsor signs for the gas, so that nothing is ever sent to an address
// to pay for its emptying.
package sui

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// DefaultBudget is the most that one transaction may cost, in MIST, unless said otherwise.
// What it does cost is a tenth of that.
const DefaultBudget = 50_000_000

// Mover is the settle.Mover of Sui. It may be used concurrently, but prepares one transaction
// at a time: of two that use the same coins one would be void. Its fields must not change
// once it is used.
type Mover struct {
	Network pay.NetworkName
	Chain   string                                         // the chain's identifier
	Nodes   []string                                       // as sui.Dial takes them; all are sent to
	Key     func(index uint32) (ed25519.PrivateKey, error) // of deposit addresses
	Sponsor ed25519.PrivateKey                             // pays for gas; its account must be used for nothing else
	Budget  uint64                                         // the most that one transaction may cost, in MIST; 0 for DefaultBudget
	Log     *slog.Logger
	Now     func() time.Time
	HTTP    http.RoundTripper // nil for one that speaks HTTP/2
	Timeout time.Duration     // for one call; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   *node.Pool[*sui.Node]
	openErr error
	mu      sync.Mutex
	have    *big.Int // by the sponsor, when it was last looked at
	landed  uint64   // the newest checkpoint that a relay was found in
}

var _ settle.Mover = (*Mover)(nil)

func (m *Mover) ready() (*node.Pool[*sui.Node], error) {
	m.once.Do(func() {
		m.nodes = &node.Pool[*sui.Node]{Network: m.Network, Log: m.Log, Now: m.Now, Meter: m.Meter}
		m.nodes.Nodes, m.openErr = sui.Dial(string(m.Network), m.Chain, m.Nodes, m.HTTP, m.Timeout)
	})
	return m.nodes, m.openErr
}

func (m *Mover) budget() uint64 {
	if m.Budget == 0 {
		return DefaultBudget
	}
	return m.Budget
}

func (m *Mover) sponsor() sui.Address { return sui.AddressOf(m.Sponsor.Public().(ed25519.PublicKey)) }

// Prepare implements settle.Mover: one transaction empties one address of as many of its
// items as can be moved now. It is valid in the current epoch only. All is read from one node,
// which also says whether the network would take the transaction.
func (m *Mover) Prepare(ctx context.Context, items []pay.SweepItem) (p settle.Prepared, err error) {
	nodes, err := m.ready()
	if err != nil {
		return p, err
	}
	epoch, current, err := m.views(ctx, nodes)
	if err != nil {
		return p, err
	}
	err = nodes.Try(ctx, func(n *sui.Node) (err error) {
		if !current(n) {
			return fmt.Errorf("%s: its coins may be of another version by now: %w", n.Name, node.ErrBehind)
		}
		for range picks {
			if p, err = m.pick(ctx, n, epoch, items); !errors.Is(err, errStale) {
				break
			}
		}
		return err
	}, func(_ *sui.Node, err error) bool {
		return errors.Is(err, settle.ErrNoGas) || errors.Is(err, node.ErrBehind)
	})
	return p, err
}

// picks is how often one node is asked for coins in a row until it names them as they are.
const picks = 3

// pick prepares a transaction of the coins that a node names.
func (m *Mover) pick(ctx context.Context, n *sui.Node, epoch uint64, items []pay.SweepItem) (p settle.Prepared, err error) {
	p = settle.Prepared{Nonce: epoch, Left: map[pay.SweepItem]string{}}
	g, err := m.gas(ctx, n, epoch)
	if err != nil {
		return p, err
	}
	for rest := items; len(rest) > 0 && len(p.Items) == 0; {
		same := func(i pay.SweepItem) bool { return i.Address == rest[0].Address }
		of := slices.DeleteFunc(slices.Clone(rest), func(i pay.SweepItem) bool { return !same(i) })
		if p.Items, p.Send, err = m.one(ctx, n, g, of, p.Left); err != nil {
			return p, err
		}
		rest = slices.DeleteFunc(slices.Clone(rest), same)
	}
	return p, nil
}

// one prepares the transaction of one address. Items that cannot be moved are left, with the
// reason.
func (m *Mover) one(ctx context.Context, n *sui.Node, g gas, items []pay.SweepItem, left map[pay.SweepItem]string) (done []pay.SweepItem, s pay.RelaySend, err error) {
	key, reason := m.key(items[0])
	if reason != "" {
		for _, i := range items {
			left[i] = reason
		}
		return nil, s, nil
	}
	found, err := m.holdings(ctx, n, items, left)
	if err != nil || len(found) == 0 {
		return nil, s, err
	}
	// All together, or else the first that can be moved: a coin may be frozen for the address,
	// which makes every transaction with it void.
	tries := [][]holding{found}
	if len(found) > 1 {
		for _, h := range found {
			tries = append(tries, []holding{h})
		}
	}
	for _, some := range tries {
		t := m.build(some, items[0].Address, g)
		raw := t.Bytes()
		reason, err := m.simulate(ctx, n, raw)
		if err == nil && reason != "" {
			err = fresh(ctx, n, t, reason)
		}
		if err != nil {
			return nil, s, err
		}
		if reason == "" {
			for _, h := range some {
				done = append(done, h.item)
			}
			return done, m.sign(key, raw), nil
		}
		if len(some) == 1 {
			left[some[0].item] = reason
		}
	}
	return nil, s, nil
}

// key returns the key of an item's address, or why there is none.
func (m *Mover) key(i pay.SweepItem) (key ed25519.PrivateKey, reason string) {
	index, err := strconv.ParseUint(i.Salt, 10, 32)
	if err == nil {
		key, err = m.Key(uint32(index))
	}
	if err != nil || sui.AddressOf(key.Public().(ed25519.PublicKey)).String() != i.Address {
		return nil, "the deployment has no key for this address; were its words changed?"
	}
	return key, ""
}

// build makes the transaction that gives holdings of an address to their receivers.
func (m *Mover) build(hs []holding, from string, g gas) sui.Transaction {
	sender, _ := sui.ParseAddress(from) // it was compared with the key's
	t := sui.Transaction{Sender: sender, Payer: m.sponsor(), Payment: g.payment, Price: g.price, Budget: m.budget(), Expires: g.expires}
	input := func(i sui.Input) sui.Argument {
		t.Inputs = append(t.Inputs, i)
		return sui.Argument{N: uint16(len(t.Inputs) - 1)} //nolint:gosec // maxCoins is small
	}
	for _, h := range hs {
		var coins []sui.Argument
		for _, c := range h.coins {
			coins = append(coins, input(sui.Input{Object: &c.ObjectRef}))
		}
		if h.held > 0 {
			w := input(sui.Input{Withdraw: &sui.Withdraw{Units: h.held, Coin: h.coin}})
			coins = append(coins, sui.Argument{Result: true, N: uint16(len(t.Commands))}) //nolint:gosec // as above
			t.Commands = append(t.Commands, sui.Command{Kind: sui.Redeem, Coin: h.coin, Coins: []sui.Argument{w}})
		}
		if len(coins) > 1 {
			t.Commands = append(t.Commands, sui.Command{Kind: sui.Merge, Into: coins[0], Coins: coins[1:]})
		}
		to := input(sui.Input{Pure: h.to[:]})
		t.Commands = append(t.Commands, sui.Command{Kind: sui.Transfer, Coins: coins[:1], Into: to})
	}
	return t
}

// sign returns what is sent: the request itself, so that what is sent again is the same.
func (m *Mover) sign(key ed25519.PrivateKey, raw []byte) pay.RelaySend {
	f := sui.Fields{}.Bytes(1, transaction(raw))
	for _, k := range []ed25519.PrivateKey{key, m.Sponsor} {
		f = f.Bytes(2, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, sui.Sign(k, raw))))
	}
	return pay.RelaySend{TxHash: sui.TxDigest(raw).String(), Raw: hex.EncodeToString(f)}
}

// transaction is the message of a transaction in BCS.
func transaction(raw []byte) sui.Fields {
	return sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, raw))
}

// simulate says why the network would not take a transaction, or would make nothing of it; ""
// if it would.
func (m *Mover) simulate(ctx context.Context, n *sui.Node, raw []byte) (reason string, err error) {
	a, err := n.Call(ctx, sui.SimulateTransaction, sui.Fields{}.Bytes(1, transaction(raw)).Mask(2, "transaction.effects.status"))
	if r, ok := errors.AsType[sui.Refusal](err); ok && sui.Refused(err, sui.CodeInvalid, sui.CodePrecondition) {
		return "the network refuses the transfer: " + r.Message, nil
	}
	if err != nil {
		return "", err
	}
	status, err := a.At(1, 4, 4)
	if err != nil || status.Uint(1) == 1 {
		return "", err
	}
	why, err := status.At(2)
	return fmt.Sprintf("the transfer would fail: %s", node.Short(why.Text(1))), err
}

// Send implements settle.Mover.
func (m *Mover) Send(ctx context.Context, l pay.Relay) {
	last := l.Sends[len(l.Sends)-1]
	nodes, err := m.ready()
	request, hexErr := hex.DecodeString(last.Raw)
	if err := errors.Join(err, hexErr); err != nil {
		m.Log.ErrorContext(ctx, "a stored transaction cannot be sent", "network", m.Network, "tx", last.TxHash, "err", err)
		return
	}
	for _, n := range nodes.Nodes {
		if _, err := n.Call(ctx, sui.ExecuteTransaction, request); err != nil {
			m.Log.WarnContext(ctx, "a node did not take a transaction; it will be sent again", "network", m.Network, "tx", last.TxHash, "err", err)
		}
	}
}

// Again implements settle.Mover. Only the same bytes are ever sent again: another form could
// use other coins, and both could have an effect.
func (m *Mover) Again(ctx context.Context, l pay.Relay, _ time.Time) (next pay.RelaySend, some bool, err error) {
	m.Send(ctx, l)
	return next, false, nil
}
