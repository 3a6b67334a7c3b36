package commerce_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/commerce"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
	"github.com/pepay/pepay/internal/view"
)

const typed = `{"first_name":" Ada","last_name":"Lovelace ","street_address":"123  Main Street","address_line2":"Apt 4","city":"Miami","state":"florida",
	"zip_code":"331011234","country":"USA","phone":"(305) 555-0123","email":" Ada@Example.com "}`

func read(t *testing.T, body string) (pay.ShippingAddress, error) {
	t.Helper()
	var in api.ShippingAddressInput
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	return commerce.ShippingAddress(&commerce.Commerce{}, in)
}

// Each field of a request is read, standardised, and shown again under its own name.
func TestShippingAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{typed, `{"first_name":"Ada","last_name":"Lovelace","street_address":"123 Main St","address_line2":"Apt 4","city":"Miami","state":"FL",` +
			`"zip_code":"33101-1234","country":"US","phone":"+13055550123","email":"ada@example.com"}`},
		{
			strings.NewReplacer(`"Apt 4"`, `null`, `" Ada@Example.com "`, `" "`).Replace(typed),
			`{"first_name":"Ada","last_name":"Lovelace","street_address":"123 Main St","address_line2":"","city":"Miami","state":"FL",` +
				`"zip_code":"33101-1234","country":"US","phone":"+13055550123","email":""}`,
		},
	} {
		a, err := read(t, c.body)
		if got := string(view.JSON(view.StandardAddress(a))); err != nil || got != c.want {
			t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
		}
	}
	for _, email := range []string{"x", "a b@x.io", "Ada <a@x.io>", "a@x", strings.Repeat("a", 251) + "@x.io", "a@x.io,b@x.io"} {
		_, err := read(t, strings.Replace(typed, " Ada@Example.com ", email, 1))
		if pay.CodeOf(err) != pay.CodeShippingAddress || !strings.Contains(err.Error(), "address.email ") || strings.Contains(err.Error(), email+"@") {
			t.Errorf("%.40s: %v", email, err)
		}
	}
	if _, err := read(t, `{}`); pay.CodeOf(err) != pay.CodeShippingAddress || !strings.Contains(err.Error(), "address.first_name is required") {
		t.Errorf("nothing: %v", err)
	}
	if got := string(view.JSON(view.ShippingOptions())); got != `[{"id":"standard","name":"Standard Shipping","price":5.99,"estimatedDays":"5-7 business days"}]` {
		t.Error(got)
	}
}

// An address is saved once for a customer, however it was typed, and anew once it was
// deleted.
func TestSaveAddress(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, clock *testkit.Clock) {
		save := func(body string, who pay.Customer) (kept pay.ShippingAddress) {
			t.Helper()
			a, err := read(t, body)
			if err != nil {
				t.Fatal(err)
			}
			a.MerchantID, a.Environment, a.Customer = 1, pay.Devnet, who
			if err := s.Write(t.Context(), func(tx *store.Tx) error {
				kept, err = commerce.SaveAddressIn(&commerce.Commerce{Store: s}, tx, a)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			clock.Add(time.Second)
			return kept
		}
		ann, wallet := pay.Customer{ID: "ann"}, pay.Customer{Wallet: "0xAb", Network: "bsc"}
		first := save(typed, ann)
		if first.ID == "" || first.ValidatedAt != testkit.Epoch || first.CreatedAt != testkit.Epoch {
			t.Errorf("%+v", first)
		}
		if again := save(strings.NewReplacer("Main Street", "Main St.", "florida", "F.L.", "USA", "us").Replace(typed), ann); again != first {
			t.Errorf("%+v\nand then %+v", first, again)
		}
		for _, other := range []pay.ShippingAddress{save(strings.Replace(typed, "123", "124", 1), ann), save(typed, wallet), save(typed, pay.Customer{ID: "bob"})} {
			if other.ID == first.ID || other.CreatedAt == first.CreatedAt {
				t.Errorf("%+v", other)
			}
		}
		if same := save(typed, pay.Customer{Wallet: "0xaB", Network: "bsc"}); same.Customer != wallet {
			t.Errorf("another spelling of the wallet: %+v", same)
		}
		if err := s.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.DeleteShipping(1, pay.Devnet, first.ID); return err }); err != nil {
			t.Fatal(err)
		}
		if anew := save(typed, ann); anew.ID == first.ID || anew.CreatedAt == first.CreatedAt {
			t.Errorf("%+v", anew)
		}
	})
}
