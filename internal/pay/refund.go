package pay

import (
	"math/big"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Repayment is the refund of an order as the wallet that pays it knows it. Like a relay it
// is written down before it is first sent, and sent again as it was. One order has one.
type Repayment struct {
	OrderID     string
	MerchantID  int64
	Environment Environment
	Amount      money.USD // that arrives: the fee is kept back
	Destination string    // "" while nobody has named one
	State       RelayState
	Reason      string    // why it failed, or why it waits
	DueAt       time.Time // not to be paid before

	// What it was taken on with; zero until it first was.
	Network NetworkName
	Wallet  string // the account that pays
	Token   string
	Units   money.Units
	Nonce   uint64
	Head    uint64      // the newest block then: it cannot have been paid in that or an earlier one
	Sends   []RelaySend // oldest first; at most one of them can be mined
	TakenAt time.Time
	DoubtAt time.Time // since when it looks as if it could not be mined any more
}

// RepaymentOf is what is to be paid of an order's refund, as it stands now.
func RepaymentOf(o Order, now time.Time) Repayment {
	return Repayment{
		OrderID: o.ID, MerchantID: o.MerchantID, Environment: o.Environment, Amount: o.Refund.Amount - o.Refund.Fee,
		Destination: o.Refund.Destination, State: RelayDue, DueAt: now,
	}
}

// Worth is how much of a stable token so many dollars are, one to one and rounded down to
// its smallest unit.
func (t Token) Worth(u money.USD) money.Units {
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Decimals)), nil)
	n.Mul(n, big.NewInt(int64(u)))
	return money.NewUnits(n.Quo(n, big.NewInt(1000)))
}
