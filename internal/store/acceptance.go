package store

import "github.com/pepay/pepay/internal/pay"

// Acceptance returns which tokens a merchant takes: all, if it never said.
func (tx *Tx) Acceptance(merchant int64) (a pay.Acceptance, err error) {
	policy, ok, err := maybe(tx, text, `SELECT policy FROM acceptance WHERE merchant_id = $1`, merchant)
	if a.Policy = pay.AcceptancePolicy(policy); !ok {
		a.Policy = pay.AcceptAll
	}
	if err != nil {
		return a, err
	}
	a.Blocked, err = many(tx, func(r scanner) (id int64, err error) { return id, r.Scan(&id) },
		`SELECT token_id FROM blocked_tokens WHERE merchant_id = $1 ORDER BY token_id`, merchant)
	return a, err
}

// AcceptanceForUpdate is Acceptance, held until the unit ends: nobody else can change
// it meanwhile.
func (tx *Tx) AcceptanceForUpdate(merchant int64) (pay.Acceptance, error) {
	if _, err := tx.exec(`INSERT INTO acceptance (merchant_id, policy) VALUES ($1,$2)
		ON CONFLICT (merchant_id) DO UPDATE SET policy = acceptance.policy`, merchant, string(pay.AcceptAll)); err != nil {
		return pay.Acceptance{}, err
	}
	return tx.Acceptance(merchant)
}

// SaveAcceptance stores which tokens a merchant takes.
func (tx *Tx) SaveAcceptance(merchant int64, a pay.Acceptance) error {
	if _, err := tx.exec(`INSERT INTO acceptance (merchant_id, policy) VALUES ($1,$2)
		ON CONFLICT (merchant_id) DO UPDATE SET policy = excluded.policy`, merchant, string(a.Policy)); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM blocked_tokens WHERE merchant_id = $1`, merchant); err != nil {
		return err
	}
	for _, id := range a.Blocked {
		if _, err := tx.exec(`INSERT INTO blocked_tokens (merchant_id, token_id) VALUES ($1,$2)`, merchant, id); err != nil {
			return err
		}
	}
	return nil
}
