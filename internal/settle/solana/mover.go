// Package solana moves what deposit addresses on Solana hold to the merchants. The keys of
// the addresses sign as owners; another key pays the fees, so that no address needs coin
// for what it sends.
package solana

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

const (
	signatureFee = 5000   // lamports for each signature
	defaultPrice = 20_000 // millionths of a lamport for a unit of computation
	// What parts of a transaction compute at most, generously.
	unitsBase, unitsNative, unitsToken, unitsCreate = 5_000, 1_000, 25_000, 60_000
	// margin is by how many blocks a transaction must be too old before it counts as lost: nodes
	// write down what is in a block a moment after it is final.
	margin = 32
)

// Mover implements settle.Mover. What one node says of balances is believed: a transaction
// moves exact amounts, and only from a deposit address to its merchant, so one that was made
// in error fails, or moves what should be moved.
type Mover struct {
	Driver    *solana.Driver
	Payer     ed25519.PrivateKey                             // pays the fees; needs nothing else
	Key       func(index uint32) (ed25519.PrivateKey, error) // of a deposit address
	UnitPrice uint64                                         // millionths of a lamport offered for a unit of computation; 0 for 20,000
	Log       *slog.Logger

	mu         sync.Mutex
	have, need *big.Int // lamports of the payer; need is nil while have is enough
}

var _ settle.Mover = (*Mover)(nil)

// Prepare implements settle.Mover. All items of a transaction have the same receiver, so that
// the chain shows beyond doubt who got what.
func (m *Mover) Prepare(ctx context.Context, items []pay.SweepItem) (settle.Prepared, error) {
	p := settle.Prepared{Left: map[pay.SweepItem]string{}}
	sweeps, err := m.read(ctx, items, p.Left)
	if err != nil || len(sweeps) == 0 {
		return p, err
	}
	d := m.draft()
	for _, s := range sweeps {
		if s.receiver == sweeps[0].receiver && d.add(s) {
			p.Items = append(p.Items, s.item)
		}
	}
	if err := m.afford(ctx, d); err != nil {
		return p, err
	}
	// Asked for last: a transaction's time, half a minute or less, runs from this block on.
	hash, last, err := m.Driver.Recent(ctx)
	if err != nil {
		return p, fmt.Errorf("read a recent block: %w", err)
	}
	d.hash = hash
	t, err := d.message().Sign(d.keys...)
	if err != nil {
		return p, fmt.Errorf("sign: %w", err)
	}
	p.Nonce, p.Send = last, pay.RelaySend{TxHash: t.ID(), Raw: hex.EncodeToString(t.Bytes())}
	return p, nil
}

// draft is a transaction in the making.
type draft struct {
	payer, hash solana.Key
	price       uint64
	units       uint32
	steps       []solana.Instruction
	keys        []ed25519.PrivateKey
	created     map[solana.Key]bool // accounts, for each of which the payer pays a deposit
	deposits    uint64
}

func (m *Mover) draft() *draft {
	d := &draft{
		payer: solana.Address(m.Payer), price: m.UnitPrice, units: unitsBase,
		keys: []ed25519.PrivateKey{m.Payer}, created: map[solana.Key]bool{},
	}
	if d.price == 0 {
		d.price = defaultPrice
	}
	return d
}

func (d *draft) message() solana.Message {
	all := append([]solana.Instruction{solana.UnitLimit(d.units), solana.UnitPrice(d.price)}, d.steps...)
	return solana.Compile(d.payer, d.hash, all...)
}

// add adds what empties an address, if there is room for it.
func (d *draft) add(s sweep) bool {
	next := *d
	next.steps, next.keys = slices.Clone(d.steps), append(slices.Clone(d.keys), s.key)
	create := s.mint != solana.System && !s.exists && !d.created[s.to]
	if create {
		next.units += unitsCreate
		next.steps = append(next.steps, solana.CreateAccount(d.payer, s.receiver, s.program, s.mint))
	}
	if s.mint == solana.System {
		next.units += unitsNative
		next.steps = append(next.steps, solana.Transfer(s.owner, s.receiver, s.units))
	} else {
		next.units += unitsToken
		next.steps = append(next.steps, solana.TransferChecked(s.program, s.from, s.mint, s.to, s.owner, s.units, s.decimals),
			solana.CloseAccount(s.program, s.from, d.payer, s.owner))
	}
	if next.message().Size() > solana.MaxTransaction {
		return false
	}
	if create {
		next.created[s.to], next.deposits = true, next.deposits+s.deposit
	}
	*d = next
	return true
}

// fee is what the transaction costs at most, and the deposits for accounts.
func (d *draft) fee() uint64 {
	return uint64(d.message().Signed)*signatureFee + (uint64(d.units)*d.price+999_999)/1_000_000 + d.deposits //nolint:gosec // small
}

// afford fails when the payer cannot pay for a transaction. It must keep what its own account
// must hold.
func (m *Mover) afford(ctx context.Context, d *draft) error {
	least, err := m.Driver.Rents(ctx, 0)
	if err != nil {
		return fmt.Errorf("read what an account must hold: %w", err)
	}
	have, err := m.balance(ctx)
	if err != nil {
		return err
	}
	need := new(big.Int).SetUint64(d.fee() + least[0])
	m.mu.Lock()
	m.have, m.need = have, need
	if have.Cmp(need) >= 0 {
		m.need = nil
	}
	m.mu.Unlock()
	if short := m.Shortage(); short != "" {
		return fmt.Errorf("%w: %s", settle.ErrNoGas, short)
	}
	return nil
}

func (m *Mover) balance(ctx context.Context) (*big.Int, error) {
	payer := solana.Address(m.Payer)
	accounts, err := m.Driver.Accounts(ctx, payer)
	if err != nil {
		return nil, fmt.Errorf("read the payer's balance: %w", err)
	}
	return new(big.Int).SetUint64(accounts[payer].Lamports), nil
}

// Send implements settle.Mover.
func (m *Mover) Send(ctx context.Context, l pay.Relay) {
	s := l.Sends[len(l.Sends)-1]
	raw, err := hex.DecodeString(s.Raw)
	if err != nil {
		m.Log.ErrorContext(ctx, "a stored transaction cannot be read", "network", l.Network, "tx", s.TxHash)
		return
	}
	if err := m.Driver.Broadcast(ctx, raw); err != nil {
		m.Log.WarnContext(ctx, "no node took a transaction; it will be sent again", "network", l.Network, "tx", s.TxHash, "err", err)
	}
}

// Again implements settle.Mover. The same bytes are sent until they land or are too old:
// nothing else can be sure not to move twice.
func (m *Mover) Again(ctx context.Context, l pay.Relay, _ time.Time) (next pay.RelaySend, some bool, err error) {
	m.Send(ctx, l)
	return next, false, nil
}

// Fate implements settle.Mover. A transaction that is not known is lost only when two nodes,
// or the only one, are past the last block that could have taken it, and say so.
func (m *Mover) Fate(ctx context.Context, l pay.Relay) (settle.Fate, error) {
	last := l.Sends[len(l.Sends)-1]
	f := settle.Fate{State: pay.RelaySent, TxHash: last.TxHash}
	raw, err := hex.DecodeString(last.Raw)
	if err != nil {
		return f, fmt.Errorf("a stored transaction cannot be read: %w", err)
	}
	t, err := solana.ParseTransaction(raw)
	if err != nil {
		return f, fmt.Errorf("a stored transaction: %w", err)
	}
	all, enough, err := m.Driver.Outcomes(ctx, f.TxHash, t.Message.Blockhash, l.Nonce+margin)
	if err != nil {
		return f, fmt.Errorf("ask for a transaction: %w", err)
	}
	past := enough
	for _, o := range all {
		past = past && o.Over
		f.Mined = f.Mined || o.Known
		switch {
		case o.Known && o.Final && o.Failed:
			f.State, f.Reason = pay.RelayFailed, "the transaction failed on chain: it moved nothing"
			return f, nil
		case o.Known && o.Final:
			f.State = pay.RelayDone
			return f, nil
		}
	}
	if past && !f.Mined {
		f.State, f.Reason = pay.RelayFailed, "no block took the transaction in time"
	}
	return f, nil
}

// Look implements settle.Mover.
func (m *Mover) Look(ctx context.Context) error {
	have, err := m.balance(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.have = have; m.need != nil && have.Cmp(m.need) >= 0 {
		m.need = nil
	}
	return nil
}

// Holds implements settle.Mover.
func (m *Mover) Holds() (lamports *big.Int, known bool) {
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
	return fmt.Sprintf("%s has %s lamports and needs %s for the next transaction; send it some", solana.Address(m.Payer), m.have, m.need)
}
