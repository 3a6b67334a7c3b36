package store

import (
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const sweepColumns = `network, tx_hash, idx, height, block_hash, block_time, address, token, units, receiver`

func scanSweep(r scanner) (s pay.Sweep, err error) {
	return s, r.Scan(&s.Network, &s.TxHash, &s.Index, &s.Block.Height, &s.Block.Hash, instant{&s.Block.Time}, &s.Address, &s.Token, units{&s.Units}, &s.To)
}

// AddSweep records a sweep that the chain shows; seeing it again, perhaps in
// another block, changes nothing else.
func (tx *Tx) AddSweep(s pay.Sweep) error {
	_, err := tx.exec(`INSERT INTO sweeps (`+sweepColumns+`, final) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,false)
		ON CONFLICT (network, tx_hash, idx) DO UPDATE SET height = excluded.height, block_hash = excluded.block_hash, block_time = excluded.block_time`,
		string(s.Network), s.TxHash, s.Index, int64(s.Block.Height), s.Block.Hash, millis(s.Block.Time), s.Address, s.Token, s.Units.String(), s.To)
	return err
}

// notFinal is the condition that sweeps of a network may still vanish. Spelled NOT final,
// SQLite would look at all that there ever were.
const notFinal = `network = $1 AND final = false`

// ForgetSweeps drops the sweeps above a height, which are to be read again.
func (tx *Tx) ForgetSweeps(n pay.NetworkName, above uint64) error {
	_, err := tx.exec(`DELETE FROM sweeps WHERE `+notFinal+` AND height > $2`, string(n), int64(above))
	return err
}

const finalizeSweeps = `UPDATE sweeps SET final = true WHERE ` + notFinal + ` AND height <= $2 RETURNING ` + sweepColumns

// FinalizeSweeps makes the sweeps up to a height final and returns those that
// became so.
func (tx *Tx) FinalizeSweeps(n pay.NetworkName, height uint64) ([]pay.Sweep, error) {
	return many(tx, scanSweep, finalizeSweeps, string(n), int64(height))
}

// SweepsAt returns the sweeps of an address in one token, in the chain's order;
// finalOnly leaves out those that may still vanish.
func (tx *Tx) SweepsAt(n pay.NetworkName, address, token string, finalOnly bool) ([]pay.Sweep, error) {
	return many(tx, scanSweep, `SELECT `+sweepColumns+` FROM sweeps WHERE network = $1 AND address = $2 AND token = $3 AND (final OR NOT $4)
		ORDER BY height, tx_hash, idx`, string(n), address, token, finalOnly)
}

// Position returns how far a network has been scanned and how far it is final,
// and false when it was never watched.
func (tx *Tx) Position(n pay.NetworkName) (scanned, final pay.Block, known bool, err error) {
	return tx.position(n, "")
}

// HoldPosition is Position, which nobody else moves until the unit ends.
func (tx *Tx) HoldPosition(n pay.NetworkName) (scanned, final pay.Block, err error) {
	scanned, final, _, err = tx.position(n, tx.s.dialect.forShare)
	return scanned, final, err
}

func (tx *Tx) position(n pay.NetworkName, hold string) (scanned, final pay.Block, known bool, err error) {
	type both struct{ scanned, final pay.Block }
	b, known, err := maybe(tx, func(r scanner) (b both, err error) {
		return b, r.Scan(&b.scanned.Height, &b.scanned.Hash, instant{&b.scanned.Time}, &b.final.Height, &b.final.Hash, instant{&b.final.Time})
	}, `SELECT scanned_height, scanned_hash, scanned_time, final_height, final_hash, final_time FROM chains WHERE network = $1`+hold, string(n))
	return b.scanned, b.final, known, err
}

// Above returns the hashes of the blocks above a height that a payment was seen in, or a
// sweep that is not final, each once.
func (tx *Tx) Above(n pay.NetworkName, height uint64) ([]string, error) {
	return many(tx, text, `SELECT block_hash FROM payments WHERE network = $1 AND sight = 'seen' AND height > $2
		UNION SELECT block_hash FROM sweeps WHERE network = $1 AND final = false AND height > $2`, string(n), int64(height))
}

// SavePosition stores both positions of a network.
func (tx *Tx) SavePosition(n pay.NetworkName, scanned, final pay.Block) error {
	_, err := tx.exec(`INSERT INTO chains (network, scanned_height, scanned_hash, scanned_time, final_height, final_hash, final_time, since_height)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$5) ON CONFLICT (network) DO UPDATE SET scanned_height = excluded.scanned_height,
			scanned_hash = excluded.scanned_hash, scanned_time = excluded.scanned_time, final_height = excluded.final_height,
			final_hash = excluded.final_hash, final_time = excluded.final_time`,
		string(n), int64(scanned.Height), scanned.Hash, millis(scanned.Time), int64(final.Height), final.Hash, millis(final.Time))
	return err
}

// Proof returns from where on, and up to where, a network is proven to have missed
// nothing; its zero value when it was never watched.
func (tx *Tx) Proof(n pay.NetworkName) (p pay.Proof, err error) {
	if p.Seen, p.Final, _, err = tx.Position(n); err != nil {
		return p, err
	}
	p.Since, _, err = maybe(tx, func(r scanner) (h uint64, err error) { return h, r.Scan(&h) }, `SELECT since_height FROM chains WHERE network = $1`, string(n))
	return p, err
}

// Lease gives the name to the holder until the time, if nobody else has it: one
// process at a time does a duty. It renews a lease the holder has.
func (tx *Tx) Lease(name, holder string, until time.Time) (bool, error) {
	n, err := tx.exec(`INSERT INTO leases (name, holder, until) VALUES ($1,$2,$3) ON CONFLICT (name) DO UPDATE
		SET holder = excluded.holder, until = excluded.until WHERE leases.holder = excluded.holder OR leases.until < $4`,
		name, holder, millis(until), millis(tx.now))
	return n == 1, err
}

// Leased reports whether anybody has the lease.
func (tx *Tx) Leased(name string) (bool, error) {
	_, ok, err := maybe(tx, func(r scanner) (one int, err error) { return one, r.Scan(&one) }, `SELECT 1 FROM leases WHERE name = $1 AND until >= $2`, name, millis(tx.now))
	return ok, err
}

// EndLeases ends every lease, of names and of jobs: for a process that knows there
// is no other.
func (tx *Tx) EndLeases() error {
	if _, err := tx.exec(`DELETE FROM leases`); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE jobs SET due = $1, leased_until = 0 WHERE leased_until > 0`, millis(tx.now))
	return err
}

// Unlease gives a lease back.
func (tx *Tx) Unlease(name, holder string) error {
	_, err := tx.exec(`DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder)
	return err
}
