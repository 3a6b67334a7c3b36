package store

import (
	"encoding/json"

	"github.com/pepay/pepay/internal/pay"
)

const relayColumns = `id, network, nonce, items, sends, state, reason, at`

func scanRelay(r scanner) (l pay.Relay, err error) {
	var items, sends string
	if err = r.Scan(&l.ID, &l.Network, &l.Nonce, &items, &sends, &l.State, &l.Reason, instant{&l.At}); err != nil {
		return l, err
	}
	if err = json.Unmarshal([]byte(items), &l.Sweeps); err == nil {
		err = json.Unmarshal([]byte(sends), &l.Sends)
	}
	return l, err
}

// SaveRelay stores a relay, new or changed.
func (tx *Tx) SaveRelay(l pay.Relay) error {
	items, err := json.Marshal(l.Sweeps)
	if err != nil {
		return err
	}
	sends, err := json.Marshal(l.Sends)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO relays (`+relayColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (id) DO UPDATE SET sends = excluded.sends, state = excluded.state, reason = excluded.reason`,
		l.ID, string(l.Network), int64(l.Nonce), string(items), string(sends), string(l.State), l.Reason, millis(l.At))
	return err
}

// RelayUnderWay returns the relay of a network that is sent and not final, and
// false when there is none. There is at most one.
func (tx *Tx) RelayUnderWay(n pay.NetworkName) (pay.Relay, bool, error) {
	return maybe(tx, scanRelay, `SELECT `+relayColumns+` FROM relays WHERE network = $1 AND state = 'sent' ORDER BY nonce LIMIT 1`, string(n))
}
