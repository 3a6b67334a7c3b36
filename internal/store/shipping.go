package store

import (
	"crypto/sha256"
	"fmt"

	"github.com/pepay/pepay/internal/pay"
)

const shippingColumns = `id, merchant_id, environment, customer_id, wallet, wallet_network, first_name, last_name, line1, line2, city, state, zip,
	country, phone, email, validated_at, created_at`

func scanShipping(r scanner) (a pay.ShippingAddress, err error) {
	err = r.Scan(&a.ID, &a.MerchantID, &a.Environment, &a.Customer.ID, &a.Customer.Wallet, &a.Customer.Network, &a.FirstName, &a.LastName, &a.Line1,
		&a.Line2, &a.City, &a.State, &a.Zip, &a.Country, &a.Phone, &a.Email, instant{&a.ValidatedAt}, instant{&a.CreatedAt})
	return a, err
}

// AddShipping stores an address and returns it; when the customer has the same one
// already it changes nothing and returns that.
func (tx *Tx) AddShipping(a pay.ShippingAddress) (pay.ShippingAddress, error) {
	place := []string{string(a.Environment), a.Customer.Key(), a.FirstName, a.LastName, a.Line1, a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone, a.Email}
	hash := sha256.Sum256(fmt.Appendf(nil, "%d %q", a.MerchantID, place))
	return one(tx, scanShipping, `INSERT INTO shipping_addresses (`+shippingColumns+`, customer, hash) VALUES `+placeholders(1, 20)+`
		ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING `+shippingColumns,
		a.ID, a.MerchantID, string(a.Environment), a.Customer.ID, a.Customer.Wallet, string(a.Customer.Network), a.FirstName, a.LastName, a.Line1,
		a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone, a.Email, millis(a.ValidatedAt), millis(a.CreatedAt), a.Customer.Key(), hash[:])
}

// Shipping returns an address, and false when there is none.
func (tx *Tx) Shipping(id string) (pay.ShippingAddress, bool, error) {
	return maybe(tx, scanShipping, `SELECT `+shippingColumns+` FROM shipping_addresses WHERE id = $1`, id)
}

// ShippingOf returns a page of the addresses of one customer of a merchant, newest
// first. customer is a Customer's Key.
func (tx *Tx) ShippingOf(merchant int64, e pay.Environment, customer string, limit, offset int) ([]pay.ShippingAddress, error) {
	return many(tx, scanShipping, `SELECT `+shippingColumns+` FROM shipping_addresses WHERE merchant_id = $1 AND environment = $2 AND customer = $3
		ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5`, merchant, string(e), customer, limit, offset)
}

// DeleteShipping forgets an address of a merchant in an environment; false means there
// is no such address.
func (tx *Tx) DeleteShipping(merchant int64, e pay.Environment, id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM shipping_addresses WHERE id = $1 AND merchant_id = $2 AND environment = $3`, id, merchant, string(e))
	return n > 0, err
}
