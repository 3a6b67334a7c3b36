package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const addressBook, olderBook = "/api/v1/commerce/merchant/addresses", "/api/commerce/merchant/addresses"

// ship saves an address as a checkout would.
func (d *desk) ship(merchant int64, e pay.Environment, who pay.Customer, line1 string) (id string) {
	d.t.Helper()
	if err := d.Store.Write(d.t.Context(), func(tx *store.Tx) error {
		a, err := tx.AddShipping(pay.ShippingAddress{
			ID: tx.NewID(), MerchantID: merchant, Environment: e, Customer: who, FirstName: "Ada", LastName: "Lovelace", Line1: line1, City: "Miami", State: "FL",
			Zip: "33101", Country: "US", Phone: "+13055550123", ValidatedAt: tx.Now(), CreatedAt: tx.Now(),
		})
		id = a.ID
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return id
}

// A customer's addresses are listed, newest first and by pages, to its merchant only,
// and can be deleted there once.
func TestSavedAddresses(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(testkit.Clock)
		d := newDesk(t, url, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		shop, m := testkit.Headers{"x-commerce-api-key", d.Commerce}, d.Merchant.ID
		other, _, theirs := testkit.AddMerchant(t, d.App.App)
		_, live, err := d.Billing.AddKey(t.Context(), m, "live", pay.ScopeCommerce, pay.Mainnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		const wallet = "0x00000000000000000000000000000000000000Ab"
		ann, holder := pay.Customer{ID: "ann"}, pay.Customer{Wallet: wallet, Network: "bsc"}
		ids := map[string]string{}
		for _, line := range []string{"1 Main St", "2 Main St", "3 Main St"} {
			ids[line] = d.ship(m, pay.Devnet, ann, line)
			clock.Add(time.Second)
		}
		both := d.ship(m, pay.Devnet, pay.Customer{ID: "both", Wallet: wallet, Network: "bsc"}, "4 Main St")
		byWallet := d.ship(m, pay.Devnet, holder, "5 Main St")
		foreign, mainnet := d.ship(other.ID, pay.Devnet, ann, "6 Main St"), d.ship(m, pay.Mainnet, ann, "7 Main St")
		row := func(id, who, line string, at int64) string {
			at += testkit.Epoch.Unix()
			return fmt.Sprintf(`{"addressId":%q,%s,"firstName":"Ada","lastName":"Lovelace","addressLine1":%q,"addressLine2":"","city":"Miami","state":"FL","zipCode":"33101",`+
				`"country":"US","phoneNumber":"+13055550123","email":"","isValidated":true,"validatedAt":%d,"createdAt":%d}`, id, who, line, at, at)
		}
		const annIs = `"customerId":"ann","walletAddress":null,"walletNetwork":null`
		const walletIs = `"walletAddress":"` + wallet + `","walletNetwork":"bsc"`
		first, second, third := row(ids["1 Main St"], annIs, "1 Main St", 0), row(ids["2 Main St"], annIs, "2 Main St", 1), row(ids["3 Main St"], annIs, "3 Main St", 2)
		list := func(query string, h testkit.Headers, want ...string) {
			t.Helper()
			for _, path := range []string{addressBook, olderBook} {
				says(t, d.ask("GET "+path+query, "", h), `{"success":true,"data":{"addresses":[`+strings.Join(want, ",")+`]}}`)
			}
		}
		list("?customer_id=ann", shop, third, second, first)
		list("?customer_id=ann", testkit.Headers{"x-api-key", d.Commerce}, third, second, first)
		list("?customer_id=ann&limit=1", shop, third)
		list("?customer_id=ann&limit=2&offset=1", shop, second, first)
		list("?customer_id=ann&offset=3", shop)
		list("?customer_id=ann&offset=2147483647", shop)
		list("?customer_id=nobody", shop)
		list("?customer_id=both", shop, row(both, `"customerId":"both",`+walletIs, "4 Main St", 3))
		list("?wallet_network=bsc&wallet_address="+strings.ToLower(wallet), shop, row(byWallet, `"customerId":null,`+walletIs, "5 Main St", 3))
		list("?wallet_network=base&wallet_address="+strings.ToLower(wallet), shop)
		list("?customer_id=ann", testkit.Headers{"x-api-key", theirs}, row(foreign, annIs, "6 Main St", 3))
		list("?customer_id=ann", testkit.Headers{"x-api-key", live}, row(mainnet, annIs, "7 Main St", 3))

		// Neither another merchant's nor another environment's can be deleted.
		for _, path := range []string{addressBook, olderBook} {
			for _, id := range []string{foreign, mainnet, testkit.UUID()} {
				refused(t, d.ask("DELETE "+path+"/"+id, "", shop), 404, "B", "ADDRESS_NOT_FOUND")
			}
		}
		gone := `{"success":true,"message":"Address deleted"}`
		says(t, d.ask("DELETE "+addressBook+"/"+ids["2 Main St"], "", shop), gone)
		refused(t, d.ask("DELETE "+addressBook+"/"+ids["2 Main St"], "", shop), 404, "B", "ADDRESS_NOT_FOUND")
		list("?customer_id=ann", shop, third, first)
		says(t, d.ask("DELETE "+olderBook+"/"+ids["1 Main St"], "", shop), gone)
		list("?customer_id=ann", shop, third)
		list("?customer_id=ann", testkit.Headers{"x-api-key", theirs}, row(foreign, annIs, "6 Main St", 3))
		list("?customer_id=ann", testkit.Headers{"x-api-key", live}, row(mainnet, annIs, "7 Main St", 3))

		// A key makes it safe to repeat.
		keyed := append(append(testkit.Headers{}, shop...), "Idempotency-Key", "key-1")
		for range 2 {
			says(t, d.ask("DELETE "+addressBook+"/"+ids["3 Main St"], "", keyed), gone)
		}
		refused(t, d.ask("DELETE "+addressBook+"/"+both, "", keyed), 409, "B", "IDEMPOTENCY_CONFLICT")
		list("?customer_id=both", shop, row(both, `"customerId":"both",`+walletIs, "4 Main St", 3))
		d.holds(0, 0) // what belongs to a customer is in no event
	})
}

func TestBadAddressRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, func(o *app.Options) { o.Networks = nil })
		shop := testkit.Headers{"x-commerce-api-key", d.Commerce}
		id := d.ship(d.Merchant.ID, pay.Devnet, pay.Customer{ID: "ann"}, "1 Main St")
		for _, path := range []string{addressBook, olderBook} {
			for query, code := range map[string]string{
				"": "CUSTOMER_IDENTIFICATION_REQUIRED", "?customer_id=": "CUSTOMER_IDENTIFICATION_REQUIRED", "?wallet_network=bsc": "CUSTOMER_IDENTIFICATION_REQUIRED",
				"?wallet_address=0x0000000000000000000000000000000000000001":                     "CUSTOMER_IDENTIFICATION_REQUIRED",
				"?wallet_address=0x0000000000000000000000000000000000000001&wallet_network=moon": "INVALID_WALLET_NETWORK",
				"?wallet_address=0x01&wallet_network=bsc":                                        "INVALID_WALLET_ADDRESS",
				"?wallet_address=%20&wallet_network=solana":                                      "INVALID_WALLET_ADDRESS",
				"?customer_id=ann&wallet_address=0x01&wallet_network=bsc":                        "INVALID_WALLET_ADDRESS",
				"?customer_id=" + strings.Repeat("x", 256):                                       "VALIDATION_ERROR",
				"?customer_id=a%00b": "VALIDATION_ERROR", "?customer_id=%ff": "VALIDATION_ERROR", "?customer_id=a&customer_id=b": "VALIDATION_ERROR", "?customer_id=%zz": "VALIDATION_ERROR",
				"?customer_id=ann&limit=0": "VALIDATION_ERROR", "?customer_id=ann&limit=101": "VALIDATION_ERROR", "?customer_id=ann&limit=": "VALIDATION_ERROR", "?customer_id=ann&limit=1.5": "VALIDATION_ERROR",
				"?customer_id=ann&limit=1&limit=2": "VALIDATION_ERROR", "?customer_id=ann&offset=-1": "VALIDATION_ERROR", "?customer_id=ann&offset=x": "VALIDATION_ERROR",
				"?customer_id=ann&offset=2147483648": "VALIDATION_ERROR", "?customer_id=ann&offset=99999999999999999999": "VALIDATION_ERROR",
			} {
				t.Run(query, func(t *testing.T) { refused(t, d.stray("GET "+path+query, "", shop), 400, "B", code) })
			}
			for _, bad := range []string{"x", "%00", "%ff", id + "0", strings.Repeat("0", 5000), "..%2f" + id, "%20" + id} {
				refused(t, d.stray("DELETE "+path+"/"+bad, "", shop), 404, "B", "ADDRESS_NOT_FOUND")
			}
			refused(t, d.stray("DELETE "+path+"/"+id, "", append(append(testkit.Headers{}, shop...), "Idempotency-Key", strings.Repeat("x", 129))), 400, "B", "VALIDATION_ERROR")
			for _, target := range []string{"GET " + path + "?customer_id=ann", "DELETE " + path + "/" + id} {
				refused(t, d.ask(target, "", nil), 401, "B", "API_KEY_MISSING")
				refused(t, d.ask(target, "", testkit.Headers{"x-commerce-api-key", "ck_unknown"}), 401, "B", "API_KEY_INVALID")
				refused(t, d.ask(target, "", d.key), 403, "B", "INSUFFICIENT_SCOPE")
			}
		}
		if v := decode[api.Wrapped[api.AddressList]](t, d.ask("GET "+addressBook+"?customer_id=ann", "", shop)); len(v.Data.Addresses) != 1 {
			t.Errorf("%+v", v)
		}
	})
}
