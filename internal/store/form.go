package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// SaveResponses stores what the payor of an invoice answered, in the place of what
// was answered before.
func (tx *Tx) SaveResponses(invoice string, rs []pay.Response) error {
	b, err := json.Marshal(rs)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO responses (invoice_id, responses, at) VALUES ($1,$2,$3)
		ON CONFLICT (invoice_id) DO UPDATE SET responses = excluded.responses, at = excluded.at`, invoice, string(b), millis(tx.now))
	return err
}

// Responses returns what the payor of an invoice answered last and when; nothing and
// the zero time when nobody answered.
func (tx *Tx) Responses(invoice string) (rs []pay.Response, at time.Time, err error) {
	var b string
	err = tx.conn.QueryRowContext(tx.ctx, `SELECT responses, at FROM responses WHERE invoice_id = $1`, invoice).Scan(&b, instant{&at})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, at, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(b), &rs)
	}
	return rs, at, err
}
