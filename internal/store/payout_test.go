package store_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

func TestPayouts(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		at := func(f pay.Family) (p pay.Payout) {
			read(t, s, func(tx *store.Tx) (err error) { p, err = tx.Payout(1, f); return err })
			return p
		}
		same(t, "before it is said", at(pay.Solana), pay.Payout{MerchantID: 1, Family: pay.Solana})
		evm := pay.Payout{MerchantID: 1, Family: pay.EVM, Address: "0xa", Next: "0xb", NextAt: c.Now().Add(time.Hour)}
		write(t, s, func(tx *store.Tx) error {
			for _, p := range []pay.Payout{{MerchantID: 2, Family: pay.EVM, Address: "0xz"}, {MerchantID: 1, Family: pay.TON, Address: "t"}, {MerchantID: 1, Family: pay.EVM, Address: "old"}, evm} {
				if err := tx.SavePayout(p); err != nil {
					return err
				}
			}
			return nil
		})
		same(t, "as it is", at(pay.EVM), evm)
		c.Add(time.Hour)
		same(t, "when its time has come", at(pay.EVM), pay.Payout{MerchantID: 1, Family: pay.EVM, Address: "0xb"})
		same(t, "of another family", at(pay.TON).Address, "t")
	})
}

func TestPool(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		add := func(n pay.NetworkName, index uint32, address string) (added bool) {
			write(t, s, func(tx *store.Tx) (err error) {
				added, err = tx.AddPooled(n, store.Pooled{Index: index, Address: address})
				return err
			})
			return added
		}
		take := func(n pay.NetworkName) (p store.Pooled, ok bool) {
			write(t, s, func(tx *store.Tx) (err error) { p, ok, err = tx.TakePooled(n); return err })
			return p, ok
		}
		for n, a := range []string{"a", "b", "c"} {
			same(t, "new "+a, add("solana", uint32(n), a), true)
		}
		same(t, "the same index", add("solana", 1, "x"), false)
		same(t, "the same address", add("solana", 9, "b"), false)
		same(t, "of another network", add("sui", 1, "b"), true)
		size := func(most int) (n int) {
			read(t, s, func(tx *store.Tx) (err error) { n, err = tx.PoolSize("solana", most); return err })
			return n
		}
		same(t, "size", []int{size(10), size(2)}, []int{3, 2})
		next := func(n pay.NetworkName) (p store.Pooled, ok bool) {
			read(t, s, func(tx *store.Tx) (err error) { p, ok, err = tx.NextPooled(n); return err })
			return p, ok
		}
		for n, a := range []string{"a", "b", "c"} {
			look, _ := next("solana")
			same(t, "the next", look, store.Pooled{Index: uint32(n), Address: a})
			p, ok := take("solana")
			same(t, "taken", p, store.Pooled{Index: uint32(n), Address: a})
			same(t, "there was one", ok, true)
		}
		_, ok := take("solana")
		same(t, "empty", ok, false)
		_, ok = next("solana")
		same(t, "none is next", ok, false)
		write(t, s, func(tx *store.Tx) error {
			i := fill[pay.Invoice](1)
			tx.AddInvoice(i)
			if err := tx.AddAccount("ton", "wallet of a", "a"); err != nil {
				return err
			}
			if err := tx.AddAccount("ton", "wallet of a", "a"); err != nil {
				return err
			}
			return tx.AddAddress(pay.Address{Network: "solana", Address: "a", InvoiceID: i.ID, CreatedAt: tx.Now()}, false)
		})
		same(t, "given out before", add("solana", 0, "a"), false)
		read(t, s, func(tx *store.Tx) error {
			ours := map[string]string{"z": "z"}
			if err := tx.OurAccounts("ton", []string{"wallet of a", "wallet of b"}, ours); err != nil {
				return err
			}
			same(t, "accounts", ours, map[string]string{"z": "z", "wallet of a": "a"})
			return nil
		})
	})
}
