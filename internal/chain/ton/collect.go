package ton

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Positions in a transaction of what it does with a jetton.
const (
	indexArrived = 0
	indexLeft    = 1
)

// collect finds what transactions did to accounts of ours.
func (d *Driver) collect(ctx context.Context, rounds []round, ours chain.Ours) (found chain.Found, err error) {
	found.Last, found.Blocks = rounds[len(rounds)-1].at, len(rounds)
	accounts := map[string]bool{}
	for _, r := range rounds {
		for _, t := range r.txs {
			if a, ok := account(&t.Account); ok {
				accounts[a.String()] = true
			}
			if t.In == nil { // a jetton wallet of ours may have sent it
				continue
			}
			if a, ok := t.In.From(); ok {
				accounts[a.String()] = true
			}
		}
	}
	if len(accounts) == 0 {
		return found, nil
	}
	ask := make([]string, 0, len(accounts))
	for a := range accounts {
		ask = append(ask, a)
	}
	slices.Sort(ask)
	mine, err := ours(ctx, ask)
	if err != nil {
		return chain.Found{}, fmt.Errorf("ask which of %d accounts are ours: %w", len(ask), err)
	}
	if len(mine) == 0 {
		return found, nil
	}
	for _, r := range rounds {
		for _, t := range r.txs {
			if err := d.collectTx(ctx, &found, r.at, t, mine); err != nil {
				return chain.Found{}, fmt.Errorf("transaction %s: %w", t.Hash, err)
			}
		}
	}
	return found, nil
}

func (d *Driver) collectTx(ctx context.Context, found *chain.Found, at pay.Block, t Tx, mine map[string]string) error {
	a, ok := account(&t.Account)
	if !ok {
		return nil
	}
	add := func(index int, to, token string, units *big.Int, from string) {
		found.Deposits = append(found.Deposits, pay.Deposit{
			Network: d.Network, TxHash: t.Hash, Index: index, Block: at, Address: to, Token: token, Units: money.NewUnits(units), From: from,
		})
	}
	left := func(index int, from, token string, units *big.Int, to string) {
		found.Sweeps = append(found.Sweeps, pay.Sweep{
			Network: d.Network, TxHash: t.Hash, Index: index, Block: at, Address: from, Token: token, Units: money.NewUnits(units), To: to,
		})
	}
	owner := mine[a.String()]
	if owner == a.String() {
		if units, from := t.paid(); units != nil {
			add(pay.IndexValue, owner, "", units, from)
		}
		for i, m := range t.Out {
			if units, to := m.spent(); units != nil {
				left(i, owner, "", units, to)
			}
		}
		return nil
	}
	if t.In == nil || t.Failed() || t.In.bounced() {
		return nil
	}
	sender, _ := t.In.From()
	from := mine[sender.String()]
	if owner == "" && (from == "" || from == sender.String()) {
		return nil // between strangers, who may write what they like
	}
	arrival, ok, err := ParseArrival(t.In.Body())
	if err != nil || !ok {
		return err
	}
	if owner != "" {
		token, j, ok, err := d.holds(ctx, owner, a)
		if err != nil {
			return err
		}
		if ok && sender != j.Master && (!arrival.Sent || sender != j.Wallet(arrival.From)) {
			return fmt.Errorf("%s sent the jetton and has none", sender)
		}
		if from := ""; ok && arrival.Units.Sign() > 0 {
			if arrival.Sent {
				from = arrival.From.String()
			}
			add(indexArrived, owner, token, arrival.Units, from)
		}
	}
	// What a jetton wallet of ours sent is gone once it has come to another: until then it
	// may come back.
	if from != "" && from != sender.String() && arrival.Units.Sign() > 0 {
		token, j, ok, err := d.holds(ctx, from, sender)
		if err != nil || !ok {
			return err
		}
		to, err := d.owner(ctx, j, a)
		if err != nil {
			return err
		}
		left(indexLeft, from, token, arrival.Units, to.String())
	}
	return nil
}

// holds says which of the tokens that count an account holds for an owner.
func (d *Driver) holds(ctx context.Context, owner string, a Address) (token string, j Jetton, ok bool, err error) {
	o, err := Parse(owner, false)
	if err != nil {
		return "", j, false, err
	}
	for _, t := range d.Tokens {
		if j, err = d.jetton(ctx, t.Address); err != nil {
			return "", j, false, err
		}
		if j.Wallet(o) == a {
			return t.Address, j, true, nil
		}
	}
	return "", j, false, nil
}

// owner says whose a jetton wallet is. Its address proves it; the account itself stands in
// for an owner that no node can say.
func (d *Driver) owner(ctx context.Context, j Jetton, a Address) (owner Address, err error) {
	nodes, err := d.ready()
	if err != nil {
		return owner, err
	}
	owner = a
	err = nodes.Try(ctx, func(n *Node) error {
		h, err := n.Holding(ctx, a)
		if err != nil || h.Data == nil {
			return err
		}
		o, _, _, err := j.Holding(h.Data)
		if err != nil || j.Wallet(o) != a {
			return fmt.Errorf("%s: %s is not a wallet of the jetton", n.Name, a)
		}
		owner = o
		return nil
	}, nil)
	return owner, err
}

// paid returns what a transaction of a deposit wallet brought as a payment; nil for nothing.
// Coin that did not go back stays, even if the transaction failed: that is how coin comes to
// an account without a contract. Coin that only accompanies a jetton, or the relayer's request,
// is no payment.
func (t Tx) paid() (v *big.Int, from string) {
	if t.In == nil || t.In.Source == nil || t.In.bounced() || t.Description.Bounce != nil {
		return nil, ""
	}
	switch Op(t.In.Body()) {
	case OpNotification, OpExcesses, internal:
		return nil, ""
	}
	value, err := units(t.In.Value)
	if err != nil || value.Sign() == 0 {
		return nil, ""
	}
	if a, ok := t.In.From(); ok {
		from = a.String()
	}
	return value, from
}

// spent returns what a message of a deposit wallet takes away of what was paid to it; nil for
// nothing: what comes back goes back, and a jetton wallet gets only what the relayer brought.
func (m Msg) spent() (v *big.Int, to string) {
	a, ok := m.To()
	if !ok || m.bounced() || Op(m.Body()) == OpTransfer {
		return nil, ""
	}
	value, err := units(m.Value)
	if err != nil || value.Sign() == 0 {
		return nil, ""
	}
	return value, a.String()
}
