package store

import (
	"cmp"

	"github.com/pepay/pepay/internal/pay"
)

const payoutColumns = `merchant_id, family, address, next, next_at`

func (tx *Tx) scanPayout(r scanner) (p pay.Payout, err error) {
	err = r.Scan(&p.MerchantID, &p.Family, &p.Address, &p.Next, instant{&p.NextAt})
	return p.At(tx.now), err
}

// Payout returns where a merchant's proceeds go on a family as it is now; without an
// address when the merchant has not said.
func (tx *Tx) Payout(merchant int64, f pay.Family) (pay.Payout, error) {
	p, _, err := maybe(tx, tx.scanPayout, `SELECT `+payoutColumns+` FROM payouts WHERE merchant_id = $1 AND family = $2`, merchant, string(f))
	p.MerchantID, p.Family = merchant, cmp.Or(p.Family, f)
	return p, err
}

// SavePayout stores p, new or changed.
func (tx *Tx) SavePayout(p pay.Payout) error {
	_, err := tx.exec(`INSERT INTO payouts (`+payoutColumns+`) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (merchant_id, family) DO UPDATE SET address = excluded.address, next = excluded.next, next_at = excluded.next_at`,
		p.MerchantID, string(p.Family), p.Address, p.Next, millis(p.NextAt))
	return err
}
