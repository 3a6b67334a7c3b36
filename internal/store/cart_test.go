package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A cart comes back as it was saved, to its merchant, environment and customer alone.
func TestCarts(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		for id := range int64(2) {
			write(t, s, func(tx *store.Tx) error { return tx.SaveMerchant(pay.Merchant{ID: 1 + id, Name: "m"}) })
		}
		ann := pay.Customer{ID: "ann"}
		want := pay.Cart{MerchantID: 1, Environment: pay.Devnet, Customer: ann, CreatedAt: c.Now(), UpdatedAt: c.Now()}
		write(t, s, func(tx *store.Tx) error {
			same(t, "none", must(tx.Cart(1, pay.Devnet, ann)), pay.Cart{MerchantID: 1, Environment: pay.Devnet, Customer: ann})
			same(t, "a new one", must(tx.CartForUpdate(1, pay.Devnet, ann)), want)
			return nil
		})
		read(t, s, func(tx *store.Tx) error { same(t, "begun", must(tx.Cart(1, pay.Devnet, ann)), want); return nil })
		c.Add(time.Hour)
		want.Items, want.UpdatedAt = []pay.CartItem{fill[pay.CartItem](1), fill[pay.CartItem](2)}, c.Now()
		want.Customer.Wallet, want.Customer.Network = "0xA", "bsc"
		write(t, s, func(tx *store.Tx) error {
			held := must(tx.CartForUpdate(1, pay.Devnet, ann))
			same(t, "when it was begun", held.CreatedAt, want.CreatedAt)
			return tx.SaveCart(want)
		})
		others := []pay.Cart{
			{MerchantID: 2, Environment: pay.Devnet, Customer: ann},
			{MerchantID: 1, Environment: pay.Mainnet, Customer: ann},
			{MerchantID: 1, Environment: pay.Devnet, Customer: pay.Customer{ID: "Ann"}},
			{MerchantID: 1, Environment: pay.Devnet, Customer: pay.Customer{ID: "wallet:bsc:0xa"}},
			{MerchantID: 1, Environment: pay.Devnet, Customer: pay.Customer{Wallet: "0xA", Network: "bsc"}},
			{MerchantID: 1, Environment: pay.Devnet, Customer: pay.Customer{Wallet: "0xA", Network: "base"}},
		}
		for n := range others {
			o := &others[n]
			read(t, s, func(tx *store.Tx) error {
				same(t, "another", must(tx.Cart(o.MerchantID, o.Environment, o.Customer)), *o)
				return nil
			})
			o.CreatedAt, o.UpdatedAt, o.Items = c.Now(), c.Now(), []pay.CartItem{{ID: fmt.Sprint(n)}}
			write(t, s, func(tx *store.Tx) error {
				must(tx.CartForUpdate(o.MerchantID, o.Environment, o.Customer))
				return tx.SaveCart(*o)
			})
		}
		for _, o := range append(others, want) {
			read(t, s, func(tx *store.Tx) error {
				same(t, "its own", must(tx.Cart(o.MerchantID, o.Environment, o.Customer)), o)
				return nil
			})
		}
		read(t, s, func(tx *store.Tx) error { // the letters of a wallet are a checksum
			same(t, "by wallet", must(tx.Cart(1, pay.Devnet, pay.Customer{Wallet: "0xa", Network: "bsc"})), others[4])
			return nil
		})

		// Only carts that were left alone are forgotten.
		c.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error {
			want.UpdatedAt, want.Items = tx.Now(), nil
			must(tx.CartForUpdate(1, pay.Devnet, ann))
			check(tx.SaveCart(want))
			same(t, "dropped", []int64{must(tx.ForgetCarts(tx.Now(), 2)), must(tx.ForgetCarts(tx.Now(), 99))}, []int64{2, int64(len(others) - 2)})
			return nil
		})
		read(t, s, func(tx *store.Tx) error {
			same(t, "touched", must(tx.Cart(1, pay.Devnet, ann)), want)
			for _, o := range others {
				same(t, "forgotten", must(tx.Cart(o.MerchantID, o.Environment, o.Customer)).CreatedAt, time.Time{})
			}
			return nil
		})
	})
}

// Whoever changes a cart holds it, from before there is one: of a hundred changes at
// the same time none is lost, and there is one cart.
func TestCartConcurrency(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error { return tx.SaveMerchant(pay.Merchant{ID: 1, Name: "m"}) })
		who := pay.Customer{ID: "ann"}
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				if err := s.Write(ctx, func(tx *store.Tx) error {
					c, err := tx.CartForUpdate(1, pay.Devnet, who)
					if err != nil {
						return err
					}
					if len(c.Items) == 0 {
						c.Items = []pay.CartItem{{ID: "sum"}}
					}
					c.Items[0].Quantity++
					if n%2 == 0 {
						c.Items = append(c.Items, pay.CartItem{ID: fmt.Sprint(n)})
					}
					return tx.SaveCart(c)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		read(t, s, func(tx *store.Tx) error {
			c := must(tx.Cart(1, pay.Devnet, who))
			var carts int64
			check(store.Row(tx, &carts, `SELECT count(*) FROM carts`))
			same(t, "items, sum, carts", []any{len(c.Items), c.Items[0].Quantity, carts}, []any{51, 100, 1})
			return nil
		})
	})
}

// A cart that a customer changes while old ones are dropped is not old any more.
func TestCartIsSavedFromForgetting(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error { return tx.SaveMerchant(pay.Merchant{ID: 1, Name: "m"}) })
		who := pay.Customer{ID: "ann"}
		write(t, s, func(tx *store.Tx) error { return tx.SaveCart(must(tx.CartForUpdate(1, pay.Devnet, who))) })
		c.Add(time.Hour)
		held, dropped := make(chan struct{}), make(chan error, 1)
		once := sync.OnceFunc(func() { close(held) })
		go func() {
			<-held
			dropped <- s.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.ForgetCarts(tx.Now(), 9)
				return err
			})
		}()
		write(t, s, func(tx *store.Tx) error {
			cart := must(tx.CartForUpdate(1, pay.Devnet, who))
			once()
			select { // it has to wait; if it does not, this is long enough
			case err := <-dropped:
				dropped <- err
			case <-time.After(300 * time.Millisecond):
			}
			cart.Items, cart.UpdatedAt = []pay.CartItem{{ID: "tea"}}, tx.Now()
			return tx.SaveCart(cart)
		})
		if err := <-dropped; err != nil {
			t.Fatal(err)
		}
		read(t, s, func(tx *store.Tx) error {
			same(t, "items", len(must(tx.Cart(1, pay.Devnet, who)).Items), 1)
			return nil
		})
	})
}
