package store

import (
	"encoding/json"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

const refundColumns = `order_id, merchant_id, environment, amount, destination, state, reason, due_at, network, wallet, token, units, nonce, head, sends, taken_at, doubt_at`

func scanRefund(r scanner) (f pay.Repayment, err error) {
	var sends string
	if err = r.Scan(&f.OrderID, &f.MerchantID, &f.Environment, &f.Amount, &f.Destination, &f.State, &f.Reason, instant{&f.DueAt}, &f.Network, &f.Wallet,
		&f.Token, units{&f.Units}, &f.Nonce, &f.Head, &sends, instant{&f.TakenAt}, instant{&f.DoubtAt}); err != nil {
		return f, err
	}
	return f, json.Unmarshal([]byte(sends), &f.Sends)
}

// SaveRefund stores what is to be paid back of an order, new or changed. Who calls it holds
// the order.
func (tx *Tx) SaveRefund(f pay.Repayment) error {
	sends, err := json.Marshal(f.Sends)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO refunds (`+refundColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)
		ON CONFLICT (order_id) DO UPDATE SET destination = excluded.destination, state = excluded.state, reason = excluded.reason, due_at = excluded.due_at,
			network = excluded.network, wallet = excluded.wallet, token = excluded.token, units = excluded.units, nonce = excluded.nonce,
			head = excluded.head, sends = excluded.sends, taken_at = excluded.taken_at, doubt_at = excluded.doubt_at`,
		f.OrderID, f.MerchantID, string(f.Environment), int64(f.Amount), f.Destination, string(f.State), f.Reason, millis(f.DueAt), string(f.Network), f.Wallet,
		f.Token, f.Units.String(), int64(f.Nonce), int64(f.Head), string(sends), millis(f.TakenAt), millis(f.DoubtAt))
	return err
}

// Refund returns what is to be paid back of an order, and false when nothing is or was.
func (tx *Tx) Refund(order string) (pay.Repayment, bool, error) {
	return maybe(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds WHERE order_id = $1`, order)
}

// Refunds returns the refunds that are not paid, oldest first, at most n.
func (tx *Tx) Refunds(n int) ([]pay.Repayment, error) {
	return many(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds WHERE state <> 'done' ORDER BY due_at, order_id LIMIT $1`, n)
}

// RefundUnderWay returns the refund on a network that is sent and not final, and false
// when there is none. There is at most one.
func (tx *Tx) RefundUnderWay(n pay.NetworkName) (pay.Repayment, bool, error) {
	return maybe(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds WHERE network = $1 AND state = 'sent' ORDER BY nonce LIMIT 1`, string(n))
}

// RefundDue returns the refund of an environment that has been due for longest by a time,
// among those that have a destination and are of at most an amount, and false when there
// is none.
func (tx *Tx) RefundDue(e pay.Environment, by time.Time, most money.USD) (pay.Repayment, bool, error) {
	return maybe(tx, scanRefund, `SELECT `+refundColumns+` FROM refunds WHERE environment = $1 AND state = 'due' AND destination <> '' AND due_at <= $2 AND amount <= $3
		ORDER BY due_at, order_id LIMIT 1`, string(e), millis(by), int64(most))
}

// Refunded returns how many dollars of refunds other than an order's were taken on on a
// network after a time, whatever became of them.
func (tx *Tx) Refunded(n pay.NetworkName, since time.Time, except string) (money.USD, error) {
	u, err := one(tx, number, `SELECT CAST(COALESCE(SUM(amount), 0) AS bigint) FROM refunds WHERE network = $1 AND taken_at > $2 AND order_id <> $3`,
		string(n), millis(since), except)
	return money.USD(u), err
}

// RefundNonce returns the first nonce that no refund of a wallet on a network has used.
func (tx *Tx) RefundNonce(n pay.NetworkName, wallet string) (uint64, error) {
	next, err := one(tx, number, `SELECT COALESCE(MAX(nonce), -1) + 1 FROM refunds WHERE network = $1 AND wallet = $2`, string(n), wallet)
	return uint64(next), err
}
