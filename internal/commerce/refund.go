package commerce

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// oweIn does what is to be done about a refund that has come due: on devnet, where there
// is no money, it is paid at once in name only.
func (c *Commerce) oweIn(tx *store.Tx, o *pay.Order) (err error) {
	if o.Environment == pay.Devnet && o.Refund.Status == pay.RefundPending && o.Refund.Destination != "" {
		*o, err = o.Next(pay.Fact{Kind: pay.FactRefunded, TxHash: synthetic(o.ID, "refund")}, tx.Now())
	}
	return err
}

// synthetic is the name of a transaction that there is not: always the same for an order
// and what is done to it.
func synthetic(order, what string) string {
	h := sha256.Sum256([]byte("pepay simulated " + what + " " + order))
	return "0x" + hex.EncodeToString(h[:])
}
