package store

import "github.com/pepay/pepay/internal/pay"

const memberColumns = `merchant_id, wallet_type, wallet, role, created_at`

func scanMember(r scanner) (m pay.Member, err error) {
	return m, r.Scan(&m.MerchantID, &m.Wallet.Type, &m.Wallet.Address, &m.Role, instant{&m.CreatedAt})
}

// SaveMember stores a member, new or with another role.
func (tx *Tx) SaveMember(m pay.Member) error {
	_, err := tx.exec(`INSERT INTO members (`+memberColumns+`) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (wallet_type, wallet, merchant_id) DO UPDATE SET role = excluded.role`,
		m.MerchantID, string(m.Wallet.Type), m.Wallet.Address, string(m.Role), millis(m.CreatedAt))
	return err
}

// MembersOf returns a merchant's members, the first first.
func (tx *Tx) MembersOf(merchant int64) ([]pay.Member, error) {
	return many(tx, scanMember, `SELECT `+memberColumns+` FROM members WHERE merchant_id = $1 ORDER BY created_at, wallet_type, wallet`, merchant)
}

// Memberships returns what a wallet is a member of, the first merchant first.
func (tx *Tx) Memberships(w pay.Wallet) ([]pay.Member, error) {
	return many(tx, scanMember, `SELECT `+memberColumns+` FROM members WHERE wallet_type = $1 AND wallet = $2 ORDER BY created_at, merchant_id`,
		string(w.Type), w.Address)
}

// RemoveMember ends a membership; false means there was none.
func (tx *Tx) RemoveMember(merchant int64, w pay.Wallet) (bool, error) {
	n, err := tx.exec(`DELETE FROM members WHERE merchant_id = $1 AND wallet_type = $2 AND wallet = $3`, merchant, string(w.Type), w.Address)
	return n == 1, err
}
