package store

import (
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// JobDeliver is the kind of the job that delivers what is due for one endpoint.
// There is one job for each endpoint: a dead one can hold up nobody else.
const JobDeliver = "webhook.deliver"

const endpointColumns = `id, merchant_id, url, types, environment, secret, created_at`

func scanEndpoint(r scanner) (e pay.Endpoint, err error) {
	var types string
	err = r.Scan(&e.ID, &e.MerchantID, &e.URL, &types, &e.Environment, &e.Secret, instant{&e.CreatedAt})
	if types = strings.Trim(types, ","); types != "" {
		e.Types = strings.Split(types, ",")
	}
	return e, err
}

// AddEndpoint stores a new endpoint.
func (tx *Tx) AddEndpoint(e pay.Endpoint) error {
	_, err := tx.exec(`INSERT INTO endpoints (`+endpointColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		e.ID, e.MerchantID, e.URL, commas(e.Types), string(e.Environment), e.Secret, millis(e.CreatedAt))
	return err
}

// Endpoint returns an endpoint, and false when there is none.
func (tx *Tx) Endpoint(id string) (pay.Endpoint, bool, error) {
	return maybe(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id)
}

// Endpoints returns a merchant's endpoints, newest first.
func (tx *Tx) Endpoints(merchant int64) ([]pay.Endpoint, error) {
	return many(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC`, merchant)
}

// DeleteEndpoint forgets an endpoint of a merchant and what was still to be
// delivered to it; false means the merchant has no such endpoint.
func (tx *Tx) DeleteEndpoint(merchant int64, id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM endpoints WHERE id = $1 AND merchant_id = $2`, id, merchant)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec(`DELETE FROM deliveries WHERE endpoint_id = $1 AND state = 'due'`, id)
	return true, err
}

// addDeliveries promises the events first..last to the endpoints that want them.
func (tx *Tx) addDeliveries(merchant, first, last int64) error {
	_, err := tx.exec(`INSERT INTO deliveries (endpoint_id, merchant_id, seq, state, attempts, due, created_at)
		SELECT p.id, e.merchant_id, e.seq, 'due', 0, e.at, e.at FROM events e JOIN endpoints p ON p.merchant_id = e.merchant_id
		WHERE e.merchant_id = $1 AND e.seq BETWEEN $2 AND $3 AND e.type <> '`+string(pay.QuoteUpdated)+`'
			AND p.environment IN ('', e.environment) AND (p.types = '' OR `+typeIn("p.types", "e.type")+`)`, merchant, first, last)
	return err
}

// listening returns the ids of a merchant's endpoints.
func (tx *Tx) listening(merchant int64) ([]string, error) {
	return many(tx, text, `SELECT id FROM endpoints WHERE merchant_id = $1`, merchant)
}

const deliveryColumns = `d.endpoint_id, d.state, d.attempts, d.due, d.created_at, `

func scanDelivery(r scanner) (d pay.Delivery, err error) {
	e := &d.Event
	err = r.Scan(&d.EndpointID, &d.State, &d.Attempts, instant{&d.Due}, instant{&d.CreatedAt},
		&e.MerchantID, &e.Seq, instant{&e.CreatedAt}, &e.Type, &e.Environment, &e.InvoiceID, &e.CustomerID,
		&e.Object, &e.Previous, &e.RequestID, &e.RequestKey, &e.InvoiceType, &e.OrderID, &e.WalletAddress, &e.WalletNetwork)
	e.ID = EventID(e.Seq, e.CreatedAt)
	return d, err
}

// DueDeliveries returns up to n deliveries of an endpoint that are due, in order.
func (tx *Tx) DueDeliveries(endpoint string, n int) ([]pay.Delivery, error) {
	return many(tx, scanDelivery, `SELECT `+deliveryColumns+`e.`+strings.ReplaceAll(eventColumns, ", ", ", e.")+`
		FROM deliveries d JOIN events e ON e.merchant_id = d.merchant_id AND e.seq = d.seq
		WHERE d.endpoint_id = $1 AND d.state = 'due' AND d.due <= $2 ORDER BY d.due, d.seq LIMIT $3`, endpoint, millis(tx.now), n)
}

// NextDelivery returns when the endpoint's next delivery is due, and false when
// none is to come.
func (tx *Tx) NextDelivery(endpoint string) (time.Time, bool, error) {
	return maybe(tx, func(r scanner) (t time.Time, err error) { return t, r.Scan(instant{&t}) },
		`SELECT due FROM deliveries WHERE endpoint_id = $1 AND state = 'due' ORDER BY due LIMIT 1`, endpoint)
}

// SaveDelivery records an attempt and what became of the delivery, unless another
// attempt has ended it meanwhile.
func (tx *Tx) SaveDelivery(d pay.Delivery, a pay.Attempt) error {
	if _, err := tx.exec(`UPDATE deliveries SET state = $3, attempts = $4, due = $5 WHERE endpoint_id = $1 AND seq = $2 AND state = 'due'`,
		d.EndpointID, d.Event.Seq, string(d.State), d.Attempts, millis(d.Due)); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO attempts (endpoint_id, seq, number, status, error, took, at) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT DO NOTHING`, d.EndpointID, d.Event.Seq, a.Number, a.Status, a.Error, a.Took.Milliseconds(), millis(a.At))
	return err
}
