package store

import (
	"fmt"
	"time"
)

const answerColumns = `merchant_id, operation, key, hash, answer, created_at`

// Answer stores what a request with an idempotency key was answered, for those who
// repeat it, with a hash of the request. The unit fails with ErrAnswered when the key
// has an answer already; while another unit is about to give one, it waits for that.
func (tx *Tx) Answer(merchant int64, operation, key, hash string, answer []byte) {
	tx.rows = append(tx.rows, row{
		table: "answers", columns: answerColumns, key: fmt.Sprintf("%d %s %s", merchant, operation, key), once: ErrAnswered,
		args: []any{merchant, operation, key, hash, answer, millis(tx.now)},
	})
}

// Answered returns the answer of a request and the hash of the request that got it,
// and false when there is none.
func (tx *Tx) Answered(merchant int64, operation, key string) (answer []byte, hash string, ok bool, err error) {
	answer, ok, err = maybe(tx, func(r scanner) (b []byte, err error) { return b, r.Scan(&b, &hash) },
		`SELECT answer, hash FROM answers WHERE merchant_id = $1 AND operation = $2 AND key = $3`, merchant, operation, key)
	return answer, hash, ok, err
}

// ForgetAnswers drops at most n of the answers given before a time, and returns how many.
func (tx *Tx) ForgetAnswers(before time.Time, n int) (int64, error) {
	return tx.forget("answers", "merchant_id, operation, key", "created_at", before, n)
}
