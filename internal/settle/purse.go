package settle

import (
	"context"
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/ethclient"
)

// purse is what we last knew of an account.
type purse struct {
	mu   sync.Mutex
	have *big.Int
	need *big.Int // by the last transaction it could not pay for; nil when it could
}

// needs records what a transaction needs.
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

// balance asks what the account holds.
func (a *Account) balance(ctx context.Context) (*big.Int, error) {
	have, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (*big.Int, error) {
		return c.BalanceAt(ctx, a.address(), nil)
	})
	if err != nil {
		return nil, fmt.Errorf("read the account's balance: %w", err)
	}
	return have, nil
}

// Look reads the balance of the account. Whoever sends from it does so too; this is for
// the other nodes, and for the time when there is nothing to send.
func (a *Account) Look(ctx context.Context) error {
	have, err := a.balance(ctx)
	if err == nil {
		a.purse.has(have)
	}
	return err
}

// Holds returns how many wei the account had when it was last looked at, and false when it
// never was.
func (a *Account) Holds() (wei *big.Int, known bool) {
	a.purse.mu.Lock()
	defer a.purse.mu.Unlock()
	return a.purse.have, a.purse.have != nil
}

// Shortage says what the account lacks for its next transaction, "" while it lacks
// nothing or nobody has found out.
func (a *Account) Shortage() string {
	a.purse.mu.Lock()
	defer a.purse.mu.Unlock()
	if a.purse.need == nil {
		return ""
	}
	return fmt.Sprintf("%s has %s wei and needs %s for the next transaction; send it some", a.address().Hex(), a.purse.have, a.purse.need)
}
