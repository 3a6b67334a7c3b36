package store

import (
	"cmp"

	"github.com/pepay/pepay/internal/pay"
)

const merchantColumns = `id, name, email, environment, return_url, created_at, mainnet, settlement, settlement_token, settlement_at`

func scanMerchant(r scanner) (m pay.Merchant, err error) {
	return m, r.Scan(merchantInto(&m)...)
}

func merchantInto(m *pay.Merchant) []any {
	return []any{
		&m.ID, &m.Name, &m.Email, &m.Environment, &m.ReturnURL,
		instant{&m.CreatedAt},
		&m.Mainnet,
		&m.Settlement, &m.SettlementToken,
		instant{&m.SettlementAt},
	}
}

// Merchant returns the merchant with that id as it is now, and false when there is
// none.
func (tx *Tx) Merchant(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`, id)
}

// MerchantForUpdate is Merchant, held until the unit ends.
func (tx *Tx) MerchantForUpdate(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// SaveMerchant stores m, new or changed.
func (tx *Tx) SaveMerchant(m pay.Merchant) error {
	_, err := tx.exec(`INSERT INTO merchants (`+merchantColumns+`) VALUES `+placeholders(1, 10)+`
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, environment = excluded.environment,
			return_url = excluded.return_url, mainnet = excluded.mainnet,
			settlement = excluded.settlement, settlement_token = excluded.settlement_token, settlement_at = excluded.settlement_at`,
		m.ID, m.Name, m.Email, string(m.Environment), m.ReturnURL, millis(m.CreatedAt), m.Mainnet,
		string(cmp.Or(m.Settlement, pay.AnyToken)), m.SettlementToken, millis(m.SettlementAt))
	return err
}
