package store

import "github.com/pepay/pepay/internal/pay"

const replayColumns = `id, endpoint_id, first, last, position, total, done, created_at, finished_at`

func scanReplay(r scanner) (p pay.Replay, err error) {
	return p, r.Scan(&p.ID, &p.EndpointID, &p.First, &p.Last, &p.Position, &p.Total, &p.Done, instant{&p.CreatedAt}, instant{&p.FinishedAt})
}

// AddReplay stores a new replay.
func (tx *Tx) AddReplay(p pay.Replay) error {
	_, err := tx.exec(`INSERT INTO replays (`+replayColumns+`) VALUES `+placeholders(1, 9),
		p.ID, p.EndpointID, p.First, p.Last, p.Position, p.Total, p.Done, millis(p.CreatedAt), millis(p.FinishedAt))
	return err
}

// SaveReplay stores how far a replay has come.
func (tx *Tx) SaveReplay(p pay.Replay) error {
	_, err := tx.exec(`UPDATE replays SET position = $2, total = $3, done = $4, finished_at = $5 WHERE id = $1`,
		p.ID, p.Position, p.Total, p.Done, millis(p.FinishedAt))
	return err
}

// Replay returns an endpoint's newest replay, and false when it never had one.
func (tx *Tx) Replay(endpoint string) (pay.Replay, bool, error) {
	return maybe(tx, scanReplay, `SELECT `+replayColumns+` FROM replays WHERE endpoint_id = $1
		ORDER BY created_at DESC, CASE WHEN finished_at = 0 THEN 0 ELSE 1 END, id DESC LIMIT 1`, endpoint)
}

// CountAsked returns how many events of a merchant, first..last, an endpoint of his
// asks for.
func (tx *Tx) CountAsked(e pay.Endpoint, first, last int64) (int64, error) {
	return one(tx, func(r scanner) (n int64, err error) { return n, r.Scan(&n) },
		`SELECT count(*) FROM events e JOIN endpoints p ON p.id = $1 WHERE e.merchant_id = $2 AND e.seq BETWEEN $3 AND $4 AND `+asks,
		e.ID, e.MerchantID, first, last)
}

// DeliverAgain promises the events first..last that an endpoint asks for to it once
// more, whatever became of them, and returns how many those are.
func (tx *Tx) DeliverAgain(e pay.Endpoint, first, last int64) (int64, error) {
	return tx.exec(`INSERT INTO deliveries (endpoint_id, merchant_id, seq, state, attempts, due, created_at)
		SELECT p.id, e.merchant_id, e.seq, 'due', 0, CAST($2 AS bigint), CAST($2 AS bigint) FROM events e JOIN endpoints p ON p.id = $1
		WHERE e.merchant_id = $3 AND e.seq BETWEEN $4 AND $5 AND `+asks+`
		ON CONFLICT (endpoint_id, seq) DO UPDATE`+beginAnew, e.ID, millis(tx.now), e.MerchantID, first, last)
}
