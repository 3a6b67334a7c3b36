package pay

// Customer is who a cart, an estimate, a shipping address or an order is for: a name
// of the merchant's own, or a wallet. The merchant uses the same one throughout.
type Customer struct {
	ID      string // the merchant's name for it; when given, it alone identifies
	Wallet  string // an address in its network's canonical form
	Network NetworkName
}

// Key is what identifies the customer among those of a merchant in an environment.
// Customers with the same key are the same, whatever else is said of them.
func (c Customer) Key() string {
	if c.ID != "" {
		return "id:" + c.ID
	}
	return "wallet:" + string(c.Network) + ":" + WalletKey(c.Wallet)
}
