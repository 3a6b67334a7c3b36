package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const estimateColumns = `id, merchant_id, environment, customer_id, wallet_address, wallet_network, lines, invalid, pricing, refund_fee,
	order_id, address_id, created_at, expires_at`

func scanEstimate(r scanner) (e pay.Estimate, err error) {
	var lines, invalid, pricing string
	err = r.Scan(&e.ID, &e.MerchantID, &e.Environment, &e.Customer.ID, &e.Customer.Wallet, &e.Customer.Network, &lines, &invalid, &pricing,
		&e.RefundFee, &e.OrderID, &e.AddressID, instant{&e.CreatedAt}, instant{&e.ExpiresAt})
	if errors.Is(err, sql.ErrNoRows) {
		return e, pay.Errorf(pay.CodeEstimateNotFound, "Estimate not found")
	}
	for text, to := range map[*string]any{&lines: &e.Lines, &invalid: &e.Invalid, &pricing: &e.Pricing} {
		if err == nil {
			err = json.Unmarshal([]byte(*text), to)
		}
	}
	return e, err
}

// AddEstimate stores a new estimate.
func (tx *Tx) AddEstimate(e pay.Estimate) error {
	args := []any{e.ID, e.MerchantID, string(e.Environment), e.Customer.ID, e.Customer.Wallet, string(e.Customer.Network)}
	for _, v := range []any{e.Lines, e.Invalid, e.Pricing} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		args = append(args, string(b))
	}
	tx.rows = append(tx.rows, row{
		table: "estimates", columns: estimateColumns + ", answer", key: e.ID,
		args: append(args, int64(e.RefundFee), e.OrderID, e.AddressID, millis(e.CreatedAt), millis(e.ExpiresAt), []byte{}),
	})
	return nil
}

// Estimate returns the estimate with that id, or an error with CodeEstimateNotFound.
func (tx *Tx) Estimate(id string) (pay.Estimate, error) {
	return one(tx, scanEstimate, `SELECT `+estimateColumns+` FROM estimates WHERE id = $1`, id)
}

// EstimateForUpdate is Estimate, held until the unit ends: one order comes of it.
func (tx *Tx) EstimateForUpdate(id string) (pay.Estimate, error) {
	return one(tx, scanEstimate, `SELECT `+estimateColumns+` FROM estimates WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// UseEstimate records the order that came of an estimate, and the sealed answer to the
// request for it.
func (tx *Tx) UseEstimate(e pay.Estimate, answer []byte) error {
	_, err := tx.exec(`UPDATE estimates SET order_id = $2, address_id = $3, answer = $4 WHERE id = $1`, e.ID, e.OrderID, e.AddressID, answer)
	return err
}

// EstimateAnswer returns the sealed answer of UseEstimate.
func (tx *Tx) EstimateAnswer(id string) ([]byte, error) {
	return one(tx, func(r scanner) (b []byte, err error) { return b, r.Scan(&b) }, `SELECT answer FROM estimates WHERE id = $1`, id)
}

// ForgetEstimates drops at most n of the estimates that ended before a time, and returns
// how many. Orders keep what they took over from theirs.
func (tx *Tx) ForgetEstimates(before time.Time, n int) (int64, error) {
	return tx.forget("estimates", "id", "expires_at", before, n)
}
