package store

import (
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const keyColumns = `id, merchant_id, name, scope, environment, hash, created_by, created_at, expires_at, suspended_at, revoked_at, ` +
	`revoked_reason, last_used_at`

func scanKey(r scanner) (k pay.Key, err error) {
	var by string
	err = r.Scan(&k.ID, &k.MerchantID, &k.Name, &k.Scope, &k.Environment, &k.Hash, &by, instant{&k.CreatedAt}, instant{&k.ExpiresAt},
		instant{&k.SuspendedAt}, instant{&k.RevokedAt}, &k.RevokedReason, instant{&k.LastUsedAt})
	if kind, address, ok := strings.Cut(by, ":"); ok {
		k.CreatedBy = pay.Wallet{Type: pay.WalletType(kind), Address: address}
	}
	return k, err
}

// AddKey stores a new key.
func (tx *Tx) AddKey(k pay.Key) error {
	_, err := tx.exec(`INSERT INTO api_keys (`+keyColumns+`) VALUES `+placeholders(1, 13),
		k.ID, k.MerchantID, k.Name, string(k.Scope), string(k.Environment), k.Hash, k.CreatedBy.String(), millis(k.CreatedAt),
		millis(k.ExpiresAt), millis(k.SuspendedAt), millis(k.RevokedAt), k.RevokedReason, millis(k.LastUsedAt))
	return err
}

// KeyByHash returns the key whose secret has that hash, and its merchant, in one
// question, because every request asks it; false when there is none.
func (tx *Tx) KeyByHash(hash string) (k pay.Key, m pay.Merchant, ok bool, err error) {
	k, ok, err = maybe(tx, func(r scanner) (pay.Key, error) { return scanKey(and{r, merchantInto(&m)}) },
		`SELECT `+of("k", keyColumns)+`, `+of("m", merchantColumns)+` FROM api_keys k JOIN merchants m ON m.id = k.merchant_id WHERE k.hash = $1`, hash)
	return k, m, ok, err
}

// HeldKey is an API key and the merchant it is of.
type HeldKey struct {
	pay.Key
	Merchant pay.Merchant
}

// maxIDs is how many ids one question names: the engines bound its parameters.
const maxIDs = 1000

// KeysByID returns the keys with those ids that there are, in any order. It asks one
// question for each thousand.
func (tx *Tx) KeysByID(ids []string) (all []HeldKey, err error) {
	for some := range slices.Chunk(ids, maxIDs) {
		args := make([]any, len(some))
		for n, id := range some {
			args[n] = id
		}
		ks, err := many(tx, func(r scanner) (k HeldKey, err error) {
			k.Key, err = scanKey(and{r, merchantInto(&k.Merchant)})
			return k, err
		}, `SELECT `+of("k", keyColumns)+`, `+of("m", merchantColumns)+` FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
			WHERE k.id IN `+placeholders(1, len(some)), args...)
		if err != nil {
			return nil, err
		}
		all = append(all, ks...)
	}
	return all, nil
}

// KeyForUpdate returns the key with that id, held until the unit ends, and false
// when there is none.
func (tx *Tx) KeyForUpdate(id string) (pay.Key, bool, error) {
	return maybe(tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// Keys returns a merchant's keys, newest first.
func (tx *Tx) Keys(merchant int64) ([]pay.Key, error) {
	return many(tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC`, merchant)
}

// SuspendKey suspends a key at a time, or lets it work again with the zero time;
// false means there is no such key in use.
func (tx *Tx) SuspendKey(id string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET suspended_at = $2 WHERE id = $1 AND revoked_at = 0`, id, millis(at))
	return n == 1, err
}

// RevokeKey revokes a key for ever; false means there is no such key in use.
func (tx *Tx) RevokeKey(id, reason string) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET revoked_at = $2, revoked_reason = $3 WHERE id = $1 AND revoked_at = 0`, id, millis(tx.now), reason)
	return n == 1, err
}

// UsedKey remembers when a key was last used, unless that is known to the interval.
func (tx *Tx) UsedKey(id string, at time.Time, interval time.Duration) error {
	_, err := tx.exec(`UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at <= $3`, id, millis(at), millis(at.Add(-interval)))
	return err
}
