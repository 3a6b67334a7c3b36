package billing

import (
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// JobOrder takes an order further. It is promised whenever the money of its invoice
// moves: what becomes of the order can never undo a payment.
const JobOrder = "order.advance"

// JobRefund takes the refunds on a network further. It is promised whenever one becomes
// due that somebody has named a destination for.
const JobRefund = "order.refund"

// promiseOrder promises to look at the order that an invoice is for, if it is for one.
func promiseOrder(tx *store.Tx, i pay.Invoice) {
	if i.OrderID != "" {
		tx.AddJob(JobOrder, i.OrderID, tx.Now())
	}
}

// Simulated is what is said of a payment that no chain has seen.
type Simulated struct {
	TxHash string
	From   string
	On     pay.NetworkName
}

// SimulatePaymentIn pays what is due on a devnet invoice that the unit holds, with money
// that there is not. The error has CodeInvoiceState when nothing is due.
func (b *Billing) SimulatePaymentIn(tx *store.Tx, i pay.Invoice, s Simulated) (pay.Invoice, error) {
	if i.Environment != pay.Devnet || !i.Status.Open() {
		return i, pay.Errorf(pay.CodeInvoiceState, "The order's invoice is %s: it cannot be paid", i.Status)
	}
	t := pay.SimulatedToken
	dollar, err := money.ParseRate("1")
	if err != nil {
		return i, err
	}
	units := dollar.UnitsRoundUp(i.Remaining(), t.Decimals, 0)
	p := pay.Payment{
		Deposit: pay.Deposit{Network: s.On, TxHash: s.TxHash, Index: pay.IndexSimulated, From: s.From, Units: units, Block: pay.Block{Time: tx.Now()}},
		ID:      tx.NewID(), InvoiceID: i.ID, MerchantID: i.MerchantID, Environment: i.Environment, TokenID: t.ID, AskedID: t.ID, Sight: pay.Final, SeenAt: tx.Now(),
	}
	p.QuoteID, p.QuoteDue, p.QuoteUnits = "simulated:"+p.ID, i.Remaining(), units
	return b.reckonIn(tx, i, func(ps []pay.Payment) ([]pay.Payment, error) { return append(ps, p), nil })
}

// SimulateSettlementIn settles the simulated payments of an invoice that the unit holds.
func (b *Billing) SimulateSettlementIn(tx *store.Tx, i pay.Invoice, txHash string) error {
	ps, err := tx.PaymentsOf(i.ID)
	if err != nil {
		return err
	}
	var mine []pay.Payment
	for _, p := range ps {
		if p.Simulated() {
			mine = append(mine, p)
		}
	}
	return b.Restate(tx, mine, func(v pay.Settlement) pay.Settlement {
		return pay.Settlement{ID: v.ID, Status: pay.SettlementSettled, TxHash: txHash, At: tx.Now()}
	})
}
