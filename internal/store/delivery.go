package store

import (
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// JobDeliver is the kind of the job that delivers what is due for one endpoint.
// There is one job for each endpoint: a dead one can hold up nobody else.
const JobDeliver = "webhook.deliver"

// asks is the condition that endpoint p asks for event e.
var asks = `(e.endpoint_id = '' AND e.type NOT IN ('` + string(pay.QuoteUpdated) + `', '` + string(pay.EndpointDisabled) + `')
	AND p.environment IN ('', e.environment) AND (p.types = '' OR ` + typeIn("p.types", "e.type") + `))`

// deliveriesOf promises the events first..last to the endpoints that want them, and
// those that are for one endpoint to that one. They are due now: the time of an event is
// never before that of the one before it, even if a clock was ahead then.
func deliveriesOf(merchant, first, last int64, now time.Time) statement {
	return statement{args: []any{merchant, first, last, millis(now)}, query: `INSERT INTO deliveries (endpoint_id, merchant_id, seq, state, attempts, due, created_at)
		SELECT p.id, e.merchant_id, e.seq, 'due', 0, CAST($4 AS bigint), e.at FROM events e JOIN endpoints p ON p.merchant_id = e.merchant_id
		WHERE e.merchant_id = $1 AND e.seq BETWEEN $2 AND $3 AND (e.endpoint_id = p.id OR ` + asks + `)`}
}

const deliveryColumns = `d.endpoint_id, d.state, d.attempts, d.earlier, d.due, d.created_at, `

func scanDelivery(r scanner) (d pay.Delivery, err error) {
	e := &d.Event
	err = r.Scan(append([]any{&d.EndpointID, &d.State, &d.Attempts, &d.Earlier, instant{&d.Due}, instant{&d.CreatedAt}}, eventInto(e)...)...)
	e.ID = EventID(e.Seq, e.CreatedAt)
	return d, err
}

func (tx *Tx) deliveries(where string, args ...any) ([]pay.Delivery, error) {
	return many(tx, scanDelivery, `SELECT `+deliveryColumns+`e.`+strings.ReplaceAll(eventColumns, ", ", ", e.")+`
		FROM deliveries d JOIN events e ON e.merchant_id = d.merchant_id AND e.seq = d.seq WHERE d.endpoint_id = $1 `+where, args...)
}

// DueDeliveries returns up to n deliveries of an endpoint that are due, in order.
func (tx *Tx) DueDeliveries(endpoint string, n int) ([]pay.Delivery, error) {
	return tx.deliveries(`AND d.state = 'due' AND d.due <= $2 ORDER BY d.due, d.seq LIMIT $3`, endpoint, millis(tx.now), n)
}

// NextDelivery returns when the endpoint's next delivery is due, and false when
// none is to come. One whose event was dropped, while the endpoint was disabled, is none.
func (tx *Tx) NextDelivery(endpoint string) (time.Time, bool, error) {
	return maybe(tx, func(r scanner) (t time.Time, err error) { return t, r.Scan(instant{&t}) },
		`SELECT d.due FROM deliveries d WHERE d.endpoint_id = $1 AND d.state = 'due'
			AND EXISTS (SELECT 1 FROM events e WHERE e.merchant_id = d.merchant_id AND e.seq = d.seq) ORDER BY d.due LIMIT 1`, endpoint)
}

// Delivery returns what became of an event, by its sequence number, at an endpoint,
// and false when it was never promised to it.
func (tx *Tx) Delivery(endpoint string, seq int64) (d pay.Delivery, ok bool, err error) {
	ds, err := tx.deliveries(`AND d.seq = $2`, endpoint, seq)
	if len(ds) == 1 {
		d, ok = ds[0], true
	}
	return d, ok, err
}

// Deliveries returns up to n deliveries of an endpoint, of the newest events first:
// those before a sequence number, or the nearest after one; 0 is no bound.
func (tx *Tx) Deliveries(endpoint string, before, after int64, n int) ([]pay.Delivery, error) {
	order := "DESC"
	if after > 0 {
		order = "ASC"
	}
	return tx.deliveries(`AND d.seq > $2 AND (CAST($3 AS bigint) = 0 OR d.seq < $3) ORDER BY d.seq `+order+` LIMIT $4`, endpoint, after, before, n)
}

// SaveDelivery records an attempt and what became of the delivery, unless another
// attempt has ended it meanwhile, or it was made due anew: was is when it was due as
// the attempt began.
func (tx *Tx) SaveDelivery(d pay.Delivery, was time.Time, a pay.Attempt) error {
	if _, err := tx.exec(`UPDATE deliveries SET attempts = $4, state = CASE WHEN due = $6 THEN $3 ELSE state END,
		due = CASE WHEN due = $6 THEN CAST($5 AS bigint) ELSE due END WHERE endpoint_id = $1 AND seq = $2 AND state = 'due'`,
		d.EndpointID, d.Event.Seq, string(d.State), d.Attempts, millis(d.Due), millis(was)); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO attempts (endpoint_id, seq, number, status, error, took, at, body) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT DO NOTHING`, d.EndpointID, d.Event.Seq, a.Number, a.Status, a.Error, a.Latency.Milliseconds(), millis(a.At), a.Body)
	return err
}

// Attempts returns the attempts at an endpoint to deliver the events first..last, by
// sequence number, each event's in order.
func (tx *Tx) Attempts(endpoint string, first, last int64) (map[int64][]pay.Attempt, error) {
	all := map[int64][]pay.Attempt{}
	_, err := many(tx, func(r scanner) (seq int64, err error) {
		var ms int64
		a := pay.Attempt{EndpointID: endpoint}
		err = r.Scan(&seq, &a.Number, &a.Status, &a.Error, &ms, instant{&a.At}, &a.Body)
		a.Latency = time.Duration(ms) * time.Millisecond
		all[seq] = append(all[seq], a)
		return seq, err
	}, `SELECT seq, number, status, error, took, at, body FROM attempts WHERE endpoint_id = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq, number`, endpoint, first, last)
	return all, err
}

// beginAnew is the part of an UPDATE that makes deliveries due at $2 with a whole
// schedule before them.
const beginAnew = ` SET state = 'due', due = $2, earlier = deliveries.attempts `

// RetryDelivery makes a delivery due now, whatever became of it.
func (tx *Tx) RetryDelivery(endpoint string, seq int64) error {
	_, err := tx.exec(`UPDATE deliveries`+beginAnew+`WHERE endpoint_id = $1 AND seq = $3`, endpoint, millis(tx.now), seq)
	return err
}

// ReviveDeliveries makes due now what was tried at an endpoint in vain and not given
// up before a time.
func (tx *Tx) ReviveDeliveries(endpoint string, since time.Time) error {
	_, err := tx.exec(`UPDATE deliveries`+beginAnew+`WHERE endpoint_id = $1 AND attempts > 0 AND (state = 'due' OR state = 'dead' AND due >= $3)`,
		endpoint, millis(tx.now), millis(since))
	return err
}

// Backlog is how many deliveries of an endpoint are due, n for that many and more.
func (tx *Tx) Backlog(endpoint string, n int) (int, error) {
	return one(tx, func(r scanner) (n int, err error) { return n, r.Scan(&n) },
		`SELECT count(*) FROM (SELECT seq FROM deliveries WHERE endpoint_id = $1 AND state = 'due' AND due <= $2 LIMIT $3) d`, endpoint, millis(tx.now), n)
}
