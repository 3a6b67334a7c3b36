package store

import "github.com/pepay/pepay/internal/pay"

const merchantColumns = `id, name, email, environment, payout, return_url, created_at`

func scanMerchant(r scanner) (m pay.Merchant, err error) { return m, r.Scan(merchantInto(&m)...) }

func merchantInto(m *pay.Merchant) []any {
	return []any{&m.ID, &m.Name, &m.Email, &m.Environment, &m.Payout, &m.ReturnURL, instant{&m.CreatedAt}}
}

// Merchant returns the merchant with that id, and false when there is none.
func (tx *Tx) Merchant(id int64) (pay.Merchant, bool, error) {
	return maybe(tx, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1`, id)
}

// SaveMerchant stores m, new or changed.
func (tx *Tx) SaveMerchant(m pay.Merchant) error {
	_, err := tx.exec(`INSERT INTO merchants (`+merchantColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, environment = excluded.environment,
			payout = excluded.payout, return_url = excluded.return_url`,
		m.ID, m.Name, m.Email, string(m.Environment), m.Payout, m.ReturnURL, millis(m.CreatedAt))
	return err
}

const keyColumns = `id, merchant_id, name, scope, environment, hash, created_at, expires_at, revoked_at`

func scanKey(r scanner) (k pay.Key, err error) {
	return k, r.Scan(&k.ID, &k.MerchantID, &k.Name, &k.Scope, &k.Environment, &k.Hash,
		instant{&k.CreatedAt}, instant{&k.ExpiresAt}, instant{&k.RevokedAt})
}

// AddKey stores a new key.
func (tx *Tx) AddKey(k pay.Key) error {
	_, err := tx.exec(`INSERT INTO api_keys (`+keyColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		k.ID, k.MerchantID, k.Name, string(k.Scope), string(k.Environment), k.Hash, millis(k.CreatedAt), millis(k.ExpiresAt), millis(k.RevokedAt))
	return err
}

// KeyByHash returns the key whose secret has that hash, and its merchant, in one
// question, because every request asks it; false when there is none.
func (tx *Tx) KeyByHash(hash string) (k pay.Key, m pay.Merchant, ok bool, err error) {
	k, ok, err = maybe(tx, func(r scanner) (k pay.Key, err error) {
		k, err = scanKey(and{r, merchantInto(&m)})
		return k, err
	}, `SELECT `+of("k", keyColumns)+`, `+of("m", merchantColumns)+` FROM api_keys k JOIN merchants m ON m.id = k.merchant_id WHERE k.hash = $1`, hash)
	return k, m, ok, err
}

// Keys returns a merchant's keys, newest first.
func (tx *Tx) Keys(merchant int64) ([]pay.Key, error) {
	return many(tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC`, merchant)
}

// RevokeKey revokes a key for ever; false means there is no such key in use.
func (tx *Tx) RevokeKey(id string) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0`, id, millis(tx.now))
	return n == 1, err
}
