package store

import (
	"math"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const paymentColumns = `id, invoice_id, merchant_id, environment, network, tx_hash, idx, height, block_hash, block_time, address, token, units, sender,
	token_id, asked_id, expected_network, accepted, receiver, sight, quote_id, quote_due, quote_units, amount, status, reason, seen_at, confirmed_at,
	settlement_id, settlement_status, settlement_tx, settlement_reason, settlement_at, settlement_since`

func scanPayment(r scanner) (p pay.Payment, err error) {
	s := &p.Settlement
	return p, r.Scan(&p.ID, &p.InvoiceID, &p.MerchantID, &p.Environment, &p.Network, &p.TxHash, &p.Index, &p.Block.Height, &p.Block.Hash,
		instant{&p.Block.Time}, &p.Address, &p.Token, units{&p.Units}, &p.From, &p.TokenID, &p.AskedID, &p.Expected, &p.Accepted, &p.Receiver, &p.Sight, &p.QuoteID, &p.QuoteDue,
		units{&p.QuoteUnits}, &p.Amount, &p.Status, &p.Reason, instant{&p.SeenAt}, instant{&p.ConfirmedAt},
		&s.ID, &s.Status, &s.TxHash, &s.Reason, instant{&s.At}, instant{&s.Since})
}

// SavePayment stores a payment, new or changed.
func (tx *Tx) SavePayment(p pay.Payment) error {
	s := p.Settlement
	_, err := tx.exec(`INSERT INTO payments (`+paymentColumns+`) VALUES `+placeholders(1, 34)+`
		ON CONFLICT (id) DO UPDATE SET height = excluded.height, block_hash = excluded.block_hash, block_time = excluded.block_time,
			units = excluded.units, sender = excluded.sender, accepted = excluded.accepted, sight = excluded.sight, quote_id = excluded.quote_id, quote_due = excluded.quote_due,
			quote_units = excluded.quote_units, amount = excluded.amount, status = excluded.status, reason = excluded.reason,
			confirmed_at = excluded.confirmed_at, settlement_id = excluded.settlement_id, settlement_status = excluded.settlement_status,
			settlement_tx = excluded.settlement_tx, settlement_reason = excluded.settlement_reason, settlement_at = excluded.settlement_at,
			settlement_since = excluded.settlement_since`,
		p.ID, p.InvoiceID, p.MerchantID, string(p.Environment), string(p.Network), p.TxHash, p.Index, int64(p.Block.Height), p.Block.Hash,
		millis(p.Block.Time), p.Address, p.Token, p.Units.String(), p.From, p.TokenID, p.AskedID, string(p.Expected), p.Accepted, p.Receiver, string(p.Sight), p.QuoteID, int64(p.QuoteDue),
		p.QuoteUnits.String(), int64(p.Amount), string(p.Status), p.Reason, millis(p.SeenAt), millis(p.ConfirmedAt),
		s.ID, string(s.Status), s.TxHash, s.Reason, millis(s.At), millis(s.Since))
	return err
}

// Payment returns a payment by its id, and false when there is none.
func (tx *Tx) Payment(id string) (pay.Payment, bool, error) {
	return maybe(tx, scanPayment, `SELECT `+paymentColumns+` FROM payments WHERE id = $1`, id)
}

// PaymentsOf returns an invoice's payments in the chain's order.
func (tx *Tx) PaymentsOf(invoice string) ([]pay.Payment, error) {
	return many(tx, scanPayment, `SELECT `+paymentColumns+` FROM payments WHERE invoice_id = $1 ORDER BY height, tx_hash, idx`, invoice)
}

// UncountedPayments returns up to n final payments of a merchant that do not count, those
// whose proceeds have not reached it before the others, newest first. It reads all of the
// merchant's payments.
func (tx *Tx) UncountedPayments(merchant int64, limit int) ([]pay.Payment, error) {
	return many(tx, scanPayment, `SELECT `+paymentColumns+` FROM payments WHERE merchant_id = $1 AND status = 'manual_retry' AND sight = 'final'
		ORDER BY CASE WHEN settlement_status = 'settled' THEN 1 ELSE 0 END, confirmed_at DESC, id LIMIT $2`, merchant, limit)
}

// PaymentsAt returns the payments to an address in one token, in the chain's order.
func (tx *Tx) PaymentsAt(n pay.NetworkName, address, token string) ([]pay.Payment, error) {
	return many(tx, scanPayment, `SELECT `+paymentColumns+` FROM payments WHERE network = $1 AND address = $2 AND token = $3
		ORDER BY height, tx_hash, idx`, string(n), address, token)
}

// PaymentFor returns the payment made by a deposit, and false when it is new.
func (tx *Tx) PaymentFor(d pay.Deposit) (pay.Payment, bool, error) {
	return maybe(tx, scanPayment, `SELECT `+paymentColumns+` FROM payments WHERE network = $1 AND tx_hash = $2 AND idx = $3`,
		string(d.Network), d.TxHash, d.Index)
}

// InvoicesInSight returns the ids of the invoices that have payments of a sight at
// or below a height, in order.
func (tx *Tx) InvoicesInSight(n pay.NetworkName, s pay.Sight, height uint64) ([]string, error) {
	return many(tx, text, `SELECT DISTINCT invoice_id FROM payments WHERE network = $1 AND sight = $2 AND height <= $3 ORDER BY invoice_id`,
		string(n), string(s), int64(height))
}

// Doubt puts every seen payment above a height in doubt. Their invoices are held first:
// whoever credits one of them would write back what he read of its payments.
func (tx *Tx) Doubt(n pay.NetworkName, above uint64) error {
	if _, err := many(tx, text, `SELECT id FROM invoices WHERE id IN (SELECT invoice_id FROM payments WHERE network = $1 AND sight = 'seen' AND height > $2)
		ORDER BY id`+tx.s.dialect.forUpdate, string(n), int64(above)); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE payments SET sight = 'doubtful' WHERE network = $1 AND sight = 'seen' AND height > $2`, string(n), int64(above))
	return err
}

// unsettled is what is to be settled. Payments of an invoice that still wants money are left
// out: emptying the address under a payor who pays in parts would cost gas twice, and could
// make the next part fail for want of gas. A payment on a network that the address was not
// given out on is no such part.
const unsettled = ` FROM payments WHERE network = $1 AND settlement_status = $2 AND sight = 'final'
	AND (expected_network <> '' OR EXISTS (SELECT 1 FROM invoices i WHERE i.id = payments.invoice_id AND i.status NOT IN ('unpaid', 'underpaid')))`

// Rest is how long a settlement is left alone after its last change: as long as it has been
// failing for by then, so that each rest is twice the one before, within these bounds.
type Rest struct{ Least, Most time.Duration }

// UnsettledPayments returns up to limit final payments of a network whose settlement is in a
// state and has rested, those that were left alone longest first: none keeps another waiting.
func (tx *Tx) UnsettledPayments(n pay.NetworkName, s pay.SettlementStatus, r Rest, limit int) ([]pay.Payment, error) {
	least, most := millis(tx.now.Add(-r.Least)), millis(tx.now.Add(-r.Most))
	if r == (Rest{}) { // not even for a clock that was ahead
		least, most = math.MaxInt64, math.MaxInt64
	}
	return many(tx, scanPayment, `SELECT `+paymentColumns+unsettled+` AND settlement_at <= $3 AND (settlement_at <= $4 OR 2 * settlement_at - settlement_since <= $5)
		ORDER BY settlement_at, id LIMIT $6`, string(n), string(s), least, most, millis(tx.now), limit)
}

// PostponeSettlement lets a settlement rest as if it had got into its state just now, and no
// longer than that.
func (tx *Tx) PostponeSettlement(payment string) error {
	_, err := tx.exec(`UPDATE payments SET settlement_at = $2, settlement_since = CASE WHEN settlement_since = 0 THEN 0 ELSE settlement_since + $2 - settlement_at END
		WHERE id = $1`, payment, millis(tx.now))
	return err
}

// Unsettled reports whether a network has any payment whose settlement is in a state.
func (tx *Tx) Unsettled(n pay.NetworkName, s pay.SettlementStatus) (bool, error) {
	_, ok, err := maybe(tx, func(r scanner) (one int, err error) { return one, r.Scan(&one) }, `SELECT 1`+unsettled+` LIMIT 1`, string(n), string(s))
	return ok, err
}

// PaymentsLeft returns up to limit final payments of a network that are left to people for a reason.
func (tx *Tx) PaymentsLeft(n pay.NetworkName, reason string, limit int) ([]pay.Payment, error) {
	return many(tx, scanPayment, `SELECT `+paymentColumns+unsettled+` AND settlement_reason = $3 ORDER BY id LIMIT $4`,
		string(n), string(pay.SettlementManual), reason, limit)
}
