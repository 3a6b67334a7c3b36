package store

import "time"

// Once claims an idempotency key for an operation of a merchant. The first to
// come gets seen == false and must call Answer in the same unit; who comes after
// it gets the answer and the hash of the request that was answered. Who comes
// while the first is still at work waits for it.
func (tx *Tx) Once(merchant int64, operation, key, hash string) (answer []byte, was string, seen bool, err error) {
	n, err := tx.exec(`INSERT INTO answers (merchant_id, operation, key, hash, answer, created_at) VALUES ($1,$2,$3,$4,$5,$6)
		ON CONFLICT DO NOTHING`, merchant, operation, key, hash, []byte{}, millis(tx.now))
	if err != nil || n == 1 {
		return nil, "", false, err
	}
	err = tx.conn.QueryRowContext(tx.ctx, `SELECT answer, hash FROM answers WHERE merchant_id = $1 AND operation = $2 AND key = $3`,
		merchant, operation, key).Scan(&answer, &was)
	return answer, was, err == nil, err
}

// Answer stores what the request with a key was answered, for those who repeat it.
func (tx *Tx) Answer(merchant int64, operation, key string, answer []byte) error {
	_, err := tx.exec(`UPDATE answers SET answer = $4 WHERE merchant_id = $1 AND operation = $2 AND key = $3`, merchant, operation, key, answer)
	return err
}

// ForgetAnswers drops the answers given before a time.
func (tx *Tx) ForgetAnswers(before time.Time) error {
	_, err := tx.exec(`DELETE FROM answers WHERE created_at < $1`, millis(before))
	return err
}
