package store

import (
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const challengeColumns = `id, wallet_type, wallet, tries, created_at, expires_at`

func scanChallenge(r scanner) (c pay.Challenge, err error) {
	return c, r.Scan(&c.ID, &c.Wallet.Type, &c.Wallet.Address, &c.Tries, instant{&c.CreatedAt}, instant{&c.ExpiresAt})
}

// AddChallenge stores a new challenge.
func (tx *Tx) AddChallenge(c pay.Challenge) error {
	_, err := tx.exec(`INSERT INTO challenges (`+challengeColumns+`) VALUES ($1,$2,$3,$4,$5,$6)`,
		c.ID, string(c.Wallet.Type), c.Wallet.Address, c.Tries, millis(c.CreatedAt), millis(c.ExpiresAt))
	return err
}

// TryChallenge counts one more try of a challenge and returns it as it was before,
// and false when there is none of that id.
func (tx *Tx) TryChallenge(id string) (pay.Challenge, bool, error) {
	c, ok, err := maybe(tx, scanChallenge, `UPDATE challenges SET tries = tries + 1 WHERE id = $1 RETURNING `+challengeColumns, id)
	c.Tries--
	return c, ok, err
}

// UseUpChallenge ends a challenge; false means that somebody else has.
func (tx *Tx) UseUpChallenge(id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM challenges WHERE id = $1`, id)
	return n == 1, err
}

// SeeUser notes that a wallet signed in, and holds its row until the unit ends.
func (tx *Tx) SeeUser(w pay.Wallet) error {
	_, err := tx.exec(`INSERT INTO users (wallet_type, wallet, seen_at) VALUES ($1,$2,$3)
		ON CONFLICT (wallet_type, wallet) DO UPDATE SET seen_at = excluded.seen_at`, string(w.Type), w.Address, millis(tx.now))
	return err
}

const loginColumns = `id, wallet_type, wallet, created_at, expires_at`

func scanLogin(r scanner) (l pay.Login, err error) {
	return l, r.Scan(&l.ID, &l.Wallet.Type, &l.Wallet.Address, instant{&l.CreatedAt}, instant{&l.ExpiresAt})
}

// AddLogin stores that somebody has signed in.
func (tx *Tx) AddLogin(l pay.Login) error {
	_, err := tx.exec(`INSERT INTO logins (`+loginColumns+`) VALUES ($1,$2,$3,$4,$5)`,
		l.ID, string(l.Wallet.Type), l.Wallet.Address, millis(l.CreatedAt), millis(l.ExpiresAt))
	return err
}

// Login returns the login with that id, and false when there is none, or no longer.
func (tx *Tx) Login(id string) (pay.Login, bool, error) {
	return maybe(tx, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE id = $1 AND expires_at > $2`, id, millis(tx.now))
}

// EndLogin ends a login.
func (tx *Tx) EndLogin(id string) error {
	_, err := tx.exec(`DELETE FROM logins WHERE id = $1`, id)
	return err
}

// EndLogins ends every login of a wallet.
func (tx *Tx) EndLogins(w pay.Wallet) error {
	_, err := tx.exec(`DELETE FROM logins WHERE wallet_type = $1 AND wallet = $2`, string(w.Type), w.Address)
	return err
}

// ForgetChallenges drops at most n of the challenges that ended before a time, and returns
// how many.
func (tx *Tx) ForgetChallenges(before time.Time, n int) (int64, error) {
	return tx.forget("challenges", "id", "expires_at", before, n)
}

// ForgetLogins drops at most n of the logins that ended before a time, and returns how many.
func (tx *Tx) ForgetLogins(before time.Time, n int) (int64, error) {
	return tx.forget("logins", "id", "expires_at", before, n)
}

// AddMainnetCode stores the hash of a code that enables mainnet for a merchant.
func (tx *Tx) AddMainnetCode(merchant int64, hash string) error {
	_, err := tx.exec(`INSERT INTO mainnet_codes (hash, merchant_id, created_at, used_at) VALUES ($1,$2,$3,0)`, hash, merchant, millis(tx.now))
	return err
}

// UseMainnetCode uses up a merchant's code; false means it has no such code left.
func (tx *Tx) UseMainnetCode(merchant int64, hash string) (bool, error) {
	n, err := tx.exec(`UPDATE mainnet_codes SET used_at = $3 WHERE hash = $1 AND merchant_id = $2 AND used_at = 0`, hash, merchant, millis(tx.now))
	return n == 1, err
}
