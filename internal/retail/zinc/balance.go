package zinc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Balance implements retail.Provider: what the managed account holds. Where the answer
// is of a form that is not understood, Options.Balance counts instead.
func (z *Zinc) Balance(ctx context.Context) (money.USD, error) {
	r, err := z.ask(ctx, http.MethodGet, []string{"addax", "balance"}, nil, nil)
	switch {
	case err != nil:
		return 0, fmt.Errorf("balance: %w", err)
	case r.code != "":
		return 0, fmt.Errorf("balance: %w", unavailable("%s", r.code))
	}
	if b, ok := decodeBalance(r.body); ok {
		return b, nil
	}
	z.warn(ctx, true, "balance", "zinc: the account's balance is told in a form that is not understood; the configured figure counts", "balance", z.opt.Balance.String())
	if z.opt.Balance == 0 {
		return 0, fmt.Errorf("balance: %w", unavailable("the answer is not understood"))
	}
	return z.opt.Balance, nil
}

// decodeBalance reads a number of cents; an overdrawn account holds nothing.
func decodeBalance(b []byte) (money.USD, bool) {
	var in struct {
		Available lax[int64] `json:"available_balance"`
		Balance   lax[int64] `json:"balance"`
	}
	if json.Unmarshal(b, &in) != nil {
		return 0, false
	}
	cents := in.Available
	if !cents.ok {
		cents = in.Balance
	}
	return money.USD(min(max(cents.v, 0), int64(pay.MaxAmount/money.Cent))) * money.Cent, cents.ok
}
