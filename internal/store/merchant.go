package store

import "github.com/pepay/pepay/internal/pay"

const merchantColumns = `id, name, email, environment, payout, return_url, created_at, mainnet`

func scanMerchant(r scanner) (m pay.Merchant, err error) { return m, r.Scan(merchantInto(&m)...) }

func merchantInto(m *pay.Merchant) []any {
	return []any{&m.ID, &m.Name, &m.Email, &m.Environment, &m.Payout, &m.ReturnURL, instant{&m.CreatedAt}, &m.Mainnet}
}

// Merchant returns the merchant with that id, and false when there is none.
func (tx *Tx) Merchant(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`, id)
}

// MerchantForUpdate is Merchant, held until the unit ends.
func (tx *Tx) MerchantForUpdate(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// SaveMerchant stores m, new or changed.
func (tx *Tx) SaveMerchant(m pay.Merchant) error {
	_, err := tx.exec(`INSERT INTO merchants (`+merchantColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, environment = excluded.environment,
			payout = excluded.payout, return_url = excluded.return_url, mainnet = excluded.mainnet`,
		m.ID, m.Name, m.Email, string(m.Environment), m.Payout, m.ReturnURL, millis(m.CreatedAt), m.Mainnet)
	return err
}
