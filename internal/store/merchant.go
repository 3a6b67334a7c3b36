package store

import (
	"cmp"

	"github.com/pepay/pepay/internal/pay"
)

const merchantColumns = `id, name, email, environment, payout, return_url, created_at, mainnet, next_payout, next_payout_at, settlement, settlement_token, settlement_at`

func (tx *Tx) scanMerchant(r scanner) (m pay.Merchant, err error) {
	err = r.Scan(merchantInto(&m)...)
	return m.At(tx.now), err
}

func merchantInto(m *pay.Merchant) []any {
	return []any{
		&m.ID, &m.Name, &m.Email, &m.Environment, &m.Payout, &m.ReturnURL,
		instant{&m.CreatedAt},
		&m.Mainnet,
		&m.NextPayout,
		instant{&m.NextPayoutAt},
		&m.Settlement, &m.SettlementToken,
		instant{&m.SettlementAt},
	}
}

// Merchant returns the merchant with that id as it is now, and false when there is
// none.
func (tx *Tx) Merchant(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, tx.scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`, id)
}

// MerchantForUpdate is Merchant, held until the unit ends.
func (tx *Tx) MerchantForUpdate(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, tx.scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// SaveMerchant stores m, new or changed.
func (tx *Tx) SaveMerchant(m pay.Merchant) error {
	_, err := tx.exec(`INSERT INTO merchants (`+merchantColumns+`) VALUES `+placeholders(1, 13)+`
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, environment = excluded.environment,
			payout = excluded.payout, return_url = excluded.return_url, mainnet = excluded.mainnet,
			next_payout = excluded.next_payout, next_payout_at = excluded.next_payout_at, settlement = excluded.settlement,
			settlement_token = excluded.settlement_token, settlement_at = excluded.settlement_at`,
		m.ID, m.Name, m.Email, string(m.Environment), m.Payout, m.ReturnURL, millis(m.CreatedAt), m.Mainnet,
		m.NextPayout, millis(m.NextPayoutAt), string(cmp.Or(m.Settlement, pay.AnyToken)), m.SettlementToken, millis(m.SettlementAt))
	return err
}
