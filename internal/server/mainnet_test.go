package server_test

import (
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A key of mainnet opens nothing while mainnet is not enabled for its merchant.
func TestMainnetKeyWithoutMainnet(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		_, secret, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeMerchant, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		set := func(enabled bool) {
			t.Helper()
			if err := d.Store.Write(t.Context(), func(tx *store.Tx) error {
				m, _, err := tx.MerchantForUpdate(d.Merchant.ID)
				if m.Mainnet = enabled; err != nil {
					return err
				}
				return tx.SaveMerchant(m)
			}); err != nil {
				t.Fatal(err)
			}
		}
		live := testkit.Headers{"x-api-key", secret}
		set(false)
		refused(t, d.ask("GET /api/v1/invoices", "", live), 403, "B", "FORBIDDEN")
		if a := d.ask("GET /api/v1/invoices", "", d.key); a.status != 200 {
			t.Errorf("the key of devnet: %d", a.status)
		}
		set(true)
		if a := d.ask("GET /api/v1/invoices", "", live); a.status != 200 {
			t.Errorf("with mainnet: %d %s", a.status, a.body)
		}
	})
}
