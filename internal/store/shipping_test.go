package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// An address comes back as it was, the same one of the same customer is kept once, and
// nobody but its merchant, in its environment, can delete it.
func TestShipping(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		a := fill[pay.ShippingAddress](1)
		ids := func(tx *store.Tx, a pay.ShippingAddress, limit, offset int) (all []string) {
			for _, one := range must(tx.ShippingOf(a.MerchantID, a.Environment, a.Customer.Key(), limit, offset)) {
				all = append(all, one.ID)
			}
			return all
		}
		write(t, s, func(tx *store.Tx) error {
			same(t, "kept", must(tx.AddShipping(a)), a)
			again := a
			again.ID, again.Customer.Wallet, again.ValidatedAt, again.CreatedAt = "again", "", tx.Now(), tx.Now()
			same(t, "kept once", must(tx.AddShipping(again)), a)
			got, ok, err := tx.Shipping(a.ID)
			same(t, "found", []any{got, ok, err}, []any{a, true, nil})
			_, ok, err = tx.Shipping("again")
			same(t, "not found", []any{ok, err}, []any{false, nil})
			return nil
		})
		others := map[string]func(*pay.ShippingAddress){
			"merchant": func(a *pay.ShippingAddress) { a.MerchantID++ }, "environment": func(a *pay.ShippingAddress) { a.Environment = "other" },
			"customer": func(a *pay.ShippingAddress) { a.Customer.ID = "other" }, "wallet": func(a *pay.ShippingAddress) { a.Customer.ID = "" },
			"first": func(a *pay.ShippingAddress) { a.FirstName = "x" }, "last": func(a *pay.ShippingAddress) { a.LastName = "x" },
			"line1": func(a *pay.ShippingAddress) { a.Line1 = "x" }, "line2": func(a *pay.ShippingAddress) { a.Line2 = "x" }, "city": func(a *pay.ShippingAddress) { a.City = "x" },
			"state": func(a *pay.ShippingAddress) { a.State = "x" }, "zip": func(a *pay.ShippingAddress) { a.Zip = "x" }, "country": func(a *pay.ShippingAddress) { a.Country = "x" },
			"phone": func(a *pay.ShippingAddress) { a.Phone = "x" }, "email": func(a *pay.ShippingAddress) { a.Email = "x" },
			"moved": func(a *pay.ShippingAddress) { a.Line1, a.Line2 = a.Line1+" "+a.Line2, "" },
		}
		for id, change := range others {
			write(t, s, func(tx *store.Tx) error {
				b := a
				change(&b)
				b.ID = id
				same(t, id+" is another", must(tx.AddShipping(b)).ID, id)
				return nil
			})
		}
		b := a
		b.Customer, b.MerchantID = pay.Customer{ID: "pages"}, 77
		for n, id := range []string{"1", "2", "3"} {
			c.Add(time.Duration(n/2) * time.Second) // the first two are of one moment
			write(t, s, func(tx *store.Tx) error {
				b.ID, b.Line1 = id, id
				b.CreatedAt = tx.Now()
				_, err := tx.AddShipping(b)
				return err
			})
		}
		read(t, s, func(tx *store.Tx) error {
			same(t, "newest first", ids(tx, b, 9, 0), []string{"3", "2", "1"})
			same(t, "a page", ids(tx, b, 1, 1), []string{"2"})
			same(t, "beyond", len(ids(tx, b, 9, 3)), 0)
			same(t, "the one customer's", len(ids(tx, a, 99, 0)), 12)
			return nil
		})
		write(t, s, func(tx *store.Tx) error {
			for _, d := range []struct {
				merchant int64
				e        pay.Environment
				id       string
				want     bool
			}{{78, b.Environment, "2", false}, {77, "other", "2", false}, {77, b.Environment, "none", false}, {77, b.Environment, "2", true}, {77, b.Environment, "2", false}} {
				same(t, "deleted", must(tx.DeleteShipping(d.merchant, d.e, d.id)), d.want)
			}
			same(t, "the rest", ids(tx, b, 9, 0), []string{"3", "1"})
			b.ID, b.Line1 = "new", "2"
			same(t, "it can come back", must(tx.AddShipping(b)).ID, "new")
			return nil
		})
	})
}

// Twenty who save one address at once get one.
func TestShippingUnderRaces(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		a, got, wait := fill[pay.ShippingAddress](1), make([]string, 20), sync.WaitGroup{}
		for n := range got {
			wait.Go(func() {
				if err := s.Write(ctx, func(tx *store.Tx) error {
					one := a
					one.ID = tx.NewID()
					one, err := tx.AddShipping(one)
					got[n] = one.ID
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for _, id := range got {
			if id != got[0] || id == "" {
				t.Errorf("%q and %q", id, got[0])
			}
		}
	})
}
