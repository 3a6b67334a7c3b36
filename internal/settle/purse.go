package settle

import (
	"context"
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
)

// purse is what we last knew of a relayer's account.
type purse struct {
	mu   sync.Mutex
	have *big.Int
	need *big.Int // by the last settlement it could not pay for; nil when it could
}

// needs records what a settlement needs.
func (p *purse) needs(need, have *big.Int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.have, p.need = have, need
	if have.Cmp(need) >= 0 {
		p.need = nil
	}
}

// has records what the account holds; a shortage ends when that is enough.
func (p *purse) has(have *big.Int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.have = have; p.need != nil && have.Cmp(p.need) >= 0 {
		p.need = nil
	}
}

// balance asks what the relayer's account holds.
func (r *Relayer) balance(ctx context.Context) (*big.Int, error) {
	from := crypto.PubkeyToAddress(r.Key.PublicKey)
	have, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (*big.Int, error) { return c.BalanceAt(ctx, from, nil) })
	if err != nil {
		return nil, fmt.Errorf("read the relayer's balance: %w", err)
	}
	r.Meter.Balance(string(r.Network.Name), have)
	return have, nil
}

// outOfGas reports whether the account cannot pay for the next settlement, and
// tells the meter.
func (r *Relayer) outOfGas() bool {
	out := r.Shortage() != ""
	r.Meter.OutOfGas(string(r.Network.Name), out)
	return out
}

// Look reads the balance of the relayer's account. Whoever settles does so too; this
// is for the other nodes, and for the time when there is nothing to settle.
func (r *Relayer) Look(ctx context.Context) error {
	have, err := r.balance(ctx)
	if err == nil {
		r.purse.has(have)
		r.outOfGas()
	}
	return err
}

// Shortage says what the relayer's account lacks for the next settlement, "" while
// it lacks nothing or nobody has found out.
func (r *Relayer) Shortage() string {
	r.purse.mu.Lock()
	defer r.purse.mu.Unlock()
	if r.purse.need == nil {
		return ""
	}
	return fmt.Sprintf("%s has %s wei and needs %s for the next settlement; send it some", crypto.PubkeyToAddress(r.Key.PublicKey).Hex(), r.purse.have, r.purse.need)
}
