package store

import (
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

const endpointColumns = `id, merchant_id, url, types, environment, secret, previous_secret, previous_until, disabled_at, disabled_reason,
	failing_since, paused_until, created_at`

func scanEndpoint(r scanner) (e pay.Endpoint, err error) {
	var types string
	err = r.Scan(&e.ID, &e.MerchantID, &e.URL, &types, &e.Environment, &e.Secret, &e.Previous, instant{&e.PreviousUntil},
		instant{&e.DisabledAt}, &e.DisabledReason, instant{&e.FailingSince}, instant{&e.PausedUntil}, instant{&e.CreatedAt})
	if types = strings.Trim(types, ","); types != "" {
		e.Types = strings.Split(types, ",")
	}
	if len(e.Previous) == 0 {
		e.Previous = nil
	}
	return e, err
}

func endpointValues(e pay.Endpoint) []any {
	if e.Previous == nil {
		e.Previous = []byte{} // not NULL
	}
	return []any{
		e.ID, e.MerchantID, e.URL, commas(e.Types), string(e.Environment), e.Secret, e.Previous, millis(e.PreviousUntil), millis(e.DisabledAt),
		string(e.DisabledReason), millis(e.FailingSince), millis(e.PausedUntil), millis(e.CreatedAt),
	}
}

// AddEndpoint stores a new endpoint.
func (tx *Tx) AddEndpoint(e pay.Endpoint) error {
	_, err := tx.exec(`INSERT INTO endpoints (`+endpointColumns+`) VALUES `+placeholders(1, 13), endpointValues(e)...)
	return err
}

// SaveEndpoint stores what has changed of an endpoint. If it was deleted meanwhile it
// stays so.
func (tx *Tx) SaveEndpoint(e pay.Endpoint) error {
	_, err := tx.exec(`UPDATE endpoints SET url = $3, types = $4, environment = $5, secret = $6, previous_secret = $7, previous_until = $8,
		disabled_at = $9, disabled_reason = $10, failing_since = $11, paused_until = $12, created_at = $13 WHERE id = $1 AND merchant_id = $2`,
		endpointValues(e)...)
	return err
}

// Endpoint returns an endpoint, and false when there is none.
func (tx *Tx) Endpoint(id string) (pay.Endpoint, bool, error) {
	return maybe(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id)
}

// EndpointForUpdate is Endpoint for a unit that will change it: others that want to
// change it wait.
func (tx *Tx) EndpointForUpdate(id string) (pay.Endpoint, bool, error) {
	return maybe(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// Endpoints returns a merchant's endpoints, newest first.
func (tx *Tx) Endpoints(merchant int64) ([]pay.Endpoint, error) {
	return many(tx, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC`, merchant)
}

// DeleteEndpoint forgets an endpoint of a merchant; false means the merchant has no such
// endpoint. What was still to be delivered to it never is, and goes with its events.
func (tx *Tx) DeleteEndpoint(merchant int64, id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM endpoints WHERE id = $1 AND merchant_id = $2`, id, merchant)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec(`DELETE FROM replays WHERE endpoint_id = $1`, id)
	return true, err
}

// listening returns the ids of a merchant's endpoints, those that are disabled, too:
// one that is enabled while an event is on its way must not miss it.
func (tx *Tx) listening(merchant int64) ([]string, error) {
	return many(tx, text, `SELECT id FROM endpoints WHERE merchant_id = $1`, merchant)
}
