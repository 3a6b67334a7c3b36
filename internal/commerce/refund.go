package commerce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// oweIn does what is to be done about a refund that has come due or got a destination: a
// wallet pays it, or somebody by hand. On devnet without a wallet, where there is no money,
// it is paid at once in name only, and so is one that the fee eats up.
func (c *Commerce) oweIn(tx *store.Tx, before pay.Order, o *pay.Order) (err error) {
	if o.Simulated || o.Refund.Status != pay.RefundPending || o.Refund == before.Refund {
		return nil
	}
	nothing, nowhere := o.Refund.Amount <= o.Refund.Fee, o.Refund.Destination == ""
	if nothing || o.Environment == pay.Devnet && c.RefundWallets[pay.Devnet] == "" {
		f := pay.Fact{Kind: pay.FactRefunded}
		if !nothing {
			f.TxHash = synthetic(o.ID, "refund")
		}
		if !nowhere {
			*o, err = o.Next(f, tx.Now())
		}
		return err
	}
	f := pay.RepaymentOf(*o, tx.Now())
	was, again, err := tx.Refund(o.ID)
	if err != nil {
		return err
	}
	if again { // what was tried before stays on record
		was.Destination, was.State, was.Reason, was.DueAt = f.Destination, f.State, f.Reason, f.DueAt
		f = was
	}
	if !nowhere {
		tx.AddJob(billing.JobRefund, string(pay.RefundNetwork), tx.Now())
	}
	return tx.SaveRefund(f)
}

// RefundIn makes a fact about its refund true of an order, which the unit holds from then
// on. The error has CodeTransition when the fact does not fit, or when the simulator has
// taken the order over.
func (c *Commerce) RefundIn(tx *store.Tx, order string, f pay.Fact) error {
	before, err := tx.OrderForUpdate(order)
	if err == nil && before.Simulated {
		err = pay.Errorf(pay.CodeTransition, "The order is in the hands of the simulator")
	}
	if err != nil {
		return err
	}
	after, err := before.Next(f, tx.Now())
	if err != nil {
		return err
	}
	return announce(tx, before, after)
}

// SetRefundDestination says where a refund goes that is due and not under way.
func (c *Commerce) SetRefundDestination(ctx context.Context, by billing.Caller, id string, in api.RefundDestinationRequest, o billing.Once) ([]byte, error) {
	to, err := c.refundTo(ctx, in.RefundDestination)
	if err == nil && to == "" {
		err = pay.Errorf(pay.CodeRefundAddress, "refundDestinationWalletAddressBsc is required: an address on BSC")
	}
	if err != nil {
		return nil, err
	}
	return c.write(ctx, by, "refund", o, func(tx *store.Tx) (any, error) {
		before, err := orderOf(tx.OrderForUpdate(id))(by)
		if err != nil {
			return nil, err
		}
		after, err := before.Next(pay.Fact{Kind: pay.FactDestination, Wallet: to}, tx.Now())
		if pay.CodeOf(err) == pay.CodeTransition {
			err = pay.Errorf(pay.CodeTransition, "No refund of this order waits for another destination: the order is %s and its refund %s", before.Status, before.Refund.Status)
		}
		if err != nil {
			return nil, err
		}
		if err := c.oweIn(tx, before, &after); err != nil {
			return nil, err
		}
		return view.Wrapped(view.Order(after)), announce(tx, before, after)
	})
}

// refundTo reads where a refund is to go, "" for not said. Contracts of ours and addresses
// that customers pay to are refused: what is sent there is lost to the customer.
func (c *Commerce) refundTo(ctx context.Context, in *string) (string, error) {
	if in == nil || *in == "" {
		return "", nil
	}
	to, err := c.Billing.Wallets[pay.EVM].Canonical(*in)
	if err != nil {
		return "", pay.Errorf(pay.CodeRefundAddress, "refundDestinationWalletAddressBsc %v", err)
	}
	ours := slices.Contains(c.Billing.Wallets[pay.EVM].Ours, to) || slices.ContainsFunc(c.Billing.Registry.Tokens, func(t pay.Token) bool { return t.Address == to })
	for _, wallet := range c.RefundWallets {
		ours = ours || wallet == to
	}
	if err := c.Store.Look(ctx, func(tx *store.Tx) error {
		for _, n := range c.Billing.Registry.Networks {
			_, deposit, err := tx.AddressAt(n.Name, to)
			if err != nil {
				return err
			}
			ours = ours || deposit
		}
		return nil
	}); err != nil {
		return "", err
	}
	if ours {
		return "", pay.Errorf(pay.CodeRefundAddress, "refundDestinationWalletAddressBsc must be an address of the customer's; this one is a contract or a wallet of ours")
	}
	return to, nil
}

// Refunds returns the refunds of all merchants that are not paid, oldest first.
func (c *Commerce) Refunds(ctx context.Context) (fs []pay.Repayment, err error) {
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		fs, err = tx.Refunds(maxRefunds)
		return err
	})
	return fs, err
}

const maxRefunds = 1000

var transaction = regexp.MustCompile(`^0x[0-9a-f]{64}$`)

// PaidByHand records that somebody has paid an order's refund. What the wallet is about to
// pay cannot have been: the error has CodeTransition.
func (c *Commerce) PaidByHand(ctx context.Context, order, txHash string) error {
	if !transaction.MatchString(txHash) {
		return pay.Errorf(pay.CodeValidation, "The transaction must be its hash: 0x and 64 hexadecimal digits in small letters")
	}
	return c.Store.Write(ctx, func(tx *store.Tx) error {
		if err := c.RefundIn(tx, order, pay.Fact{Kind: pay.FactRefunded, TxHash: txHash}); err != nil {
			return err
		}
		f, some, err := tx.Refund(order)
		if err != nil || !some {
			return err
		}
		if f.State == pay.RelaySent && f.DoubtAt.IsZero() {
			return pay.Errorf(pay.CodeTransition, "The refund is under way already, in transaction %s", f.Sends[len(f.Sends)-1].TxHash)
		}
		f.State, f.Reason = pay.RelayDone, "paid by hand"
		return tx.SaveRefund(f)
	})
}

// synthetic is the name of a transaction that there is not: always the same for an order
// and what is done to it.
func synthetic(order, what string) string {
	h := sha256.Sum256([]byte("pepay simulated " + what + " " + order))
	return "0x" + hex.EncodeToString(h[:])
}
