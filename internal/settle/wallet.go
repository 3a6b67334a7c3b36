package settle

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Wallet is an account that refunds are paid from: whoever has its key has what it holds,
// and whoever has this process at most the limit of a day.
type Wallet struct {
	Account
	Token pay.Token // a stable one of the network
	Limit money.USD // most that is taken on in any 24 hours

	mu       sync.Mutex
	why, say string
	dollars  money.Units
	known    bool
}

// Reasons are why refunds may wait: for room under the limit, for dollars or gas in the
// wallet, or for the token to let them through.
var Reasons = []string{"limit", "dollars", "gas", "refused"}

// look is what there is to do.
type look int

const (
	nothing look = iota
	waits
	ready
)

// Kept says why refunds wait, one of Reasons, and what is to be done about it; "" while
// none waits.
func (w *Wallet) Kept() (why, say string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why, w.say
}

// keep remembers why refunds wait, and logs what is new.
func (w *Wallet) keep(ctx context.Context, why, say string) {
	w.mu.Lock()
	is := w.why
	w.why, w.say = why, say
	w.mu.Unlock()
	if why != "" && why != is {
		w.Log.WarnContext(ctx, "refunds wait", "network", w.Network.Name, "why", why, "say", say)
	}
}

// Dollars returns how much of the token the wallet had when it was last looked at, and
// false when it never was.
func (w *Wallet) Dollars() (money.Units, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dollars, w.known
}

// holds asks how much of the token the wallet has.
func (w *Wallet) holds(ctx context.Context) (money.Units, error) {
	n, err := ask(ctx, &w.Account, func(ctx context.Context, c *ethclient.Client) (*big.Int, error) {
		return contracts.BalanceOf(ctx, c, common.HexToAddress(w.Token.Address), w.address())
	})
	if err != nil {
		return money.Units{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dollars, w.known = money.NewUnits(n), true
	return w.dollars, nil
}

// Look finds out on any node what the wallet has and why refunds wait, if they do.
func (p *Payer) Look(ctx context.Context, w *Wallet) error {
	if err := w.Account.Look(ctx); err != nil {
		return err
	}
	_, _, err := p.next(ctx, w)
	return err
}

// next returns the refund to pay next, if it is ready to be paid. What keeps it is
// remembered. One of more than the whole limit does not keep others.
func (p *Payer) next(ctx context.Context, w *Wallet) (f pay.Repayment, what look, err error) {
	var spent, tooMuch money.USD
	var later bool
	if err := p.Store.Read(ctx, func(tx *store.Tx) (err error) {
		var some, over bool
		if f, some, err = tx.RefundDue(w.Network.Environment, tx.Now(), w.Limit); err != nil {
			return err
		}
		if what = nothing; some {
			what = ready
			spent, err = tx.Refunded(w.Network.Name, tx.Now().Add(-limitPeriod), f.OrderID)
			return err
		}
		large, over, err := tx.RefundDue(w.Network.Environment, tx.Now(), math.MaxInt64)
		if tooMuch = large.Amount; err == nil && !over {
			_, later, err = tx.RefundDue(w.Network.Environment, tx.Now().Add(retryRefuse), math.MaxInt64)
		}
		return err
	}); err != nil {
		return f, what, err
	}
	have, err := w.holds(ctx)
	if err != nil {
		return f, what, err
	}
	why, say := "", ""
	switch {
	case tooMuch > 0:
		why, say = "limit", fmt.Sprintf("a refund of $%s is above the whole limit of $%s; raise refund_limit_usd or pay it by hand", tooMuch.Cents(), w.Limit.Cents())
	case later:
		why, say = "refused", fmt.Sprintf("%s does not let a transfer through; see the log", w.Token.Symbol)
	case what == nothing:
	case spent.Add(f.Amount) > w.Limit:
		why, say = "limit", fmt.Sprintf("$%s of $%s were paid within 24 hours and the next refund is $%s; they go on by themselves", spent.Cents(), w.Limit.Cents(), f.Amount.Cents())
	case have.Cmp(w.Token.Worth(f.Amount)) < 0:
		why, say = "dollars", fmt.Sprintf("%s has %s %s and needs $%s for the next refund; send it some", w.address().Hex(), have.Decimal(w.Token.Decimals), w.Token.Symbol, f.Amount.Cents())
	case w.Shortage() != "":
		why, say = "gas", w.Shortage()
	}
	if w.keep(ctx, why, say); why != "" && why != "gas" { // what gas costs now only trying shows
		what = waits
	}
	return f, what, nil
}

// paid reports whether the token knows of a transfer from the refund's wallet to its
// destination, since the refund was taken on and up to a block.
func (a *Account) paid(ctx context.Context, f pay.Repayment, last uint64) (bool, error) {
	q := ethereum.FilterQuery{
		FromBlock: new(big.Int).SetUint64(f.Head + 1), ToBlock: new(big.Int).SetUint64(last), Addresses: []common.Address{common.HexToAddress(f.Token)},
		Topics: [][]common.Hash{{contracts.TransferTopic}, {common.HexToHash(f.Wallet)}, {common.HexToHash(f.Destination)}},
	}
	logs, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) ([]types.Log, error) { return c.FilterLogs(ctx, q) })
	if err != nil {
		return false, fmt.Errorf("look for transfers to %s: %w", f.Destination, err)
	}
	return len(logs) > 0, nil
}
