package store

import (
	"encoding/json"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const cartColumns = `merchant_id, environment, customer_id, wallet, wallet_network, items, created_at, updated_at`

func scanCart(r scanner) (c pay.Cart, err error) {
	var items string
	err = r.Scan(&c.MerchantID, &c.Environment, &c.Customer.ID, &c.Customer.Wallet, &c.Customer.Network, &items, instant{&c.CreatedAt}, instant{&c.UpdatedAt})
	if err == nil {
		err = json.Unmarshal([]byte(items), &c.Items)
	}
	return c, err
}

// Cart returns a customer's cart, an empty one without times when none is stored.
func (tx *Tx) Cart(merchant int64, e pay.Environment, who pay.Customer) (pay.Cart, error) {
	c, ok, err := maybe(tx, scanCart, `SELECT `+cartColumns+` FROM carts WHERE merchant_id = $1 AND environment = $2 AND customer = $3`,
		merchant, string(e), who.Key())
	if err == nil && !ok {
		c = pay.Cart{MerchantID: merchant, Environment: e, Customer: who}
	}
	return c, err
}

// CartForUpdate is Cart for a unit that will change it: others that want to change it
// wait, even while it is the first. Such a unit belongs in WriteAlone: two groups that
// hold carts could each wait for one of the other's.
func (tx *Tx) CartForUpdate(merchant int64, e pay.Environment, who pay.Customer) (pay.Cart, error) {
	return one(tx, scanCart, `INSERT INTO carts (`+cartColumns+`, customer) VALUES ($1,$2,$3,$4,$5,'[]',$6,$6,$7)
		ON CONFLICT (merchant_id, environment, customer) DO UPDATE SET updated_at = carts.updated_at RETURNING `+cartColumns,
		merchant, string(e), who.ID, who.Wallet, string(who.Network), millis(tx.now), who.Key())
}

// SaveCart stores what has changed of a cart that CartForUpdate returned.
func (tx *Tx) SaveCart(c pay.Cart) error {
	if c.Items == nil {
		c.Items = []pay.CartItem{}
	}
	items, err := json.Marshal(c.Items)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE carts SET wallet = $4, wallet_network = $5, items = $6, updated_at = $7 WHERE merchant_id = $1 AND environment = $2 AND customer = $3`,
		c.MerchantID, string(c.Environment), c.Customer.Key(), c.Customer.Wallet, string(c.Customer.Network), string(items), millis(c.UpdatedAt))
	return err
}

// ForgetCarts drops at most n of the carts that nobody has changed since a time, and
// returns how many.
func (tx *Tx) ForgetCarts(before time.Time, n int) (int64, error) {
	return tx.forget("carts", "merchant_id, environment, customer", "updated_at", before, n)
}
