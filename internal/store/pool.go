package store

import (
	"github.com/pepay/pepay/internal/pay"
)

// Pooled is a deposit address that has not been given out.
type Pooled struct {
	Index   uint32 // its key's place among those of the seed
	Address string
}

func scanPooled(r scanner) (p Pooled, err error) { return p, r.Scan(&p.Index, &p.Address) }

// AddPooled adds an address to the pool of a network; one that is there or was given out
// before is left as it is. It returns whether it was new.
func (tx *Tx) AddPooled(n pay.NetworkName, p Pooled) (added bool, err error) {
	if _, taken, err := tx.AddressAt(n, p.Address); err != nil || taken {
		return false, err
	}
	_, added, err = maybe(tx, scanPooled, `INSERT INTO pool (network, idx, address) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING RETURNING idx, address`,
		string(n), int64(p.Index), p.Address)
	return added, err
}

// TakePooled takes the next address out of the pool of a network, and returns false when
// there is none.
func (tx *Tx) TakePooled(n pay.NetworkName) (Pooled, bool, error) {
	return maybe(tx, scanPooled, `DELETE FROM pool WHERE network = $1 AND idx = (SELECT idx FROM pool WHERE network = $1 ORDER BY idx LIMIT 1`+
		tx.s.dialect.skipLocked+`) RETURNING idx, address`, string(n))
}

// NextPooled returns the address that TakePooled would take, and leaves it there.
func (tx *Tx) NextPooled(n pay.NetworkName) (Pooled, bool, error) {
	return maybe(tx, scanPooled, `SELECT idx, address FROM pool WHERE network = $1 ORDER BY idx LIMIT 1`, string(n))
}

// PoolSize returns how many addresses the pool of a network has left, counted up to most.
func (tx *Tx) PoolSize(n pay.NetworkName, most int) (size int, err error) {
	return size, tx.conn.QueryRowContext(tx.ctx, `SELECT count(*) FROM (SELECT 1 FROM pool WHERE network = $1 LIMIT $2) AS p`, string(n), most).Scan(&size)
}

// EmptyPool takes every address out of the pool of a network, and returns how many there were.
func (tx *Tx) EmptyPool(n pay.NetworkName) (int64, error) {
	return tx.exec(`DELETE FROM pool WHERE network = $1`, string(n))
}

// AddAccount stores where the ledger keeps a token of an address.
func (tx *Tx) AddAccount(n pay.NetworkName, account, address string) error {
	_, err := tx.exec(`INSERT INTO accounts (network, account, address) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`, string(n), account, address)
	return err
}
