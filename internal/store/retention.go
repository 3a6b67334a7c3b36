package store

import (
	"fmt"
	"time"
)

// AgedStreams returns up to n merchants, in order and after one, whose oldest event
// is from before a time and is not their last.
func (tx *Tx) AgedStreams(before time.Time, after int64, n int) ([]int64, error) {
	return many(tx, number, `SELECT s.merchant_id FROM streams s
		JOIN events e ON e.merchant_id = s.merchant_id AND e.seq = (SELECT MIN(f.seq) FROM events f WHERE f.merchant_id = s.merchant_id)
		WHERE s.merchant_id > $1 AND e.at < $2 AND e.seq < s.seq ORDER BY s.merchant_id LIMIT $3`, after, millis(before), n)
}

// ForgetEvents drops the oldest of a merchant's events, those from before a time and
// at most n, and what is known of their deliveries. What is kept of a stream has no
// gaps: its last event stays, and so does everything from the first event on that is
// still owed to an endpoint, unless that was disabled before the time. It returns how many
// events were dropped.
func (tx *Tx) ForgetEvents(merchant int64, before time.Time, n int) (int64, error) {
	first, ok, err := maybe(tx, number, `SELECT seq FROM events WHERE merchant_id = $1 ORDER BY seq LIMIT 1`, merchant)
	if err != nil || !ok {
		return 0, err
	}
	end, ok, err := maybe(tx, number, `SELECT e.seq FROM events e JOIN streams s ON s.merchant_id = e.merchant_id AND e.seq < s.seq
		WHERE e.merchant_id = $1 AND e.seq < $2 AND e.at < $3 ORDER BY e.seq DESC LIMIT 1`, merchant, first+int64(n), millis(before))
	if err != nil || !ok {
		return 0, err
	}
	owed, ok, err := maybe(tx, number, `SELECT d.seq FROM endpoints p JOIN deliveries d ON d.endpoint_id = p.id AND d.state = 'due'
		WHERE p.merchant_id = $1 AND (p.disabled_at = 0 OR p.disabled_at >= $2) ORDER BY d.seq LIMIT 1`, merchant, millis(before))
	if err != nil {
		return 0, err
	}
	if ok {
		end = min(end, owed-1)
	}
	dropped, err := tx.exec(`DELETE FROM events WHERE merchant_id = $1 AND seq <= $2`, merchant, end)
	if err != nil {
		return 0, fmt.Errorf("drop events: %w", err)
	}
	return dropped, nil
}

// NextDelivered returns the endpoint after another, in the order of ids, that has
// deliveries, though it may itself be deleted; "" when there is none.
func (tx *Tx) NextDelivered(after string) (string, error) {
	id, _, err := maybe(tx, text, `SELECT endpoint_id FROM deliveries WHERE endpoint_id > $1 ORDER BY endpoint_id LIMIT 1`, after)
	return id, err
}

// ForgetDeliveries drops the oldest of an endpoint's deliveries, at most n, whose
// events are no more, with their attempts. It returns how many were dropped.
func (tx *Tx) ForgetDeliveries(endpoint string, n int) (int64, error) {
	end, ok, err := maybe(tx, number, `SELECT MAX(o.seq) FROM (SELECT d.seq FROM deliveries d
		WHERE d.endpoint_id = $1 AND d.seq < (SELECT MIN(e.seq) FROM events e WHERE e.merchant_id = d.merchant_id)
		ORDER BY d.seq LIMIT $2) o HAVING COUNT(*) > 0`, endpoint, n)
	if err != nil || !ok {
		return 0, err
	}
	if _, err := tx.exec(`DELETE FROM attempts WHERE endpoint_id = $1 AND seq <= $2`, endpoint, end); err != nil {
		return 0, fmt.Errorf("drop attempts: %w", err)
	}
	dropped, err := tx.exec(`DELETE FROM deliveries WHERE endpoint_id = $1 AND seq <= $2`, endpoint, end)
	if err != nil {
		return 0, fmt.Errorf("drop deliveries: %w", err)
	}
	return dropped, nil
}
