package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// An estimate comes back as it was, is used once with what its request was answered, and
// is forgotten in time.
func TestEstimates(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		e := fill[pay.Estimate](1)
		e.OrderID, e.AddressID = "", ""
		write(t, s, func(tx *store.Tx) error { return tx.AddEstimate(e) })
		write(t, s, func(tx *store.Tx) error {
			same(t, "kept", must(tx.Estimate(e.ID)), e)
			same(t, "held", must(tx.EstimateForUpdate(e.ID)), e)
			_, err := tx.Estimate("other")
			same(t, "none", pay.CodeOf(err), pay.CodeEstimateNotFound)
			e.OrderID, e.AddressID = "order", "address"
			return tx.UseEstimate(e, []byte("sealed"))
		})
		write(t, s, func(tx *store.Tx) error {
			same(t, "used", must(tx.Estimate(e.ID)), e)
			same(t, "its answer", string(must(tx.EstimateAnswer(e.ID))), "sealed")
			same(t, "dropped too early", must(tx.ForgetEstimates(e.ExpiresAt, 9)), int64(0))
			same(t, "not yet forgotten", must(tx.Estimate(e.ID)), e)
			same(t, "dropped", must(tx.ForgetEstimates(e.ExpiresAt.Add(time.Millisecond), 9)), int64(1))
			_, err := tx.Estimate(e.ID)
			same(t, "forgotten", pay.CodeOf(err), pay.CodeEstimateNotFound)
			return nil
		})
	})
}

// An order comes back as it was and as it became, by each of its names.
func TestOrders(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		first, second := fill[pay.Order](1), fill[pay.Order](2)
		second.MerchantID, second.Environment, second.Request, second.Customer.Wallet = first.MerchantID, first.Environment, "", ""
		write(t, s, func(tx *store.Tx) error {
			if err := tx.AddOrder(first); err != nil {
				return err
			}
			return tx.AddOrder(second)
		})
		became := fill[pay.Order](3) // all that can change
		became.ID, became.InvoiceID, became.EstimateID, became.MerchantID, became.Environment = first.ID, first.InvoiceID, first.EstimateID, first.MerchantID, first.Environment
		became.Customer, became.Retailer, became.CreatedAt = first.Customer, first.Retailer, first.CreatedAt
		write(t, s, func(tx *store.Tx) error {
			same(t, "kept", must(tx.Order(first.ID)), first)
			same(t, "held", must(tx.OrderForUpdate(second.ID)), second)
			same(t, "by its invoice", must(tx.OrderByInvoice(first.InvoiceID)), first)
			same(t, "by its request", must(tx.OrderByRequest(first.Request)), first)
			for what, err := range map[string]error{
				"id": nothing(tx.Order("x")), "invoice": nothing(tx.OrderByInvoice("x")), "request": nothing(tx.OrderByRequest("x")), "no request": nothing(tx.OrderByRequest("")),
			} {
				same(t, "none by "+what, pay.CodeOf(err), pay.CodeOrderNotFound)
			}
			return tx.SaveOrder(became)
		})
		write(t, s, func(tx *store.Tx) error {
			same(t, "changed", must(tx.Order(first.ID)), became)
			all := func(f store.OrderFilter) (ids []string) {
				f.MerchantID, f.Environment = first.MerchantID, first.Environment
				if f.Limit == 0 {
					f.Limit = 10
				}
				for _, o := range must(tx.Orders(f)) {
					ids = append(ids, o.ID)
				}
				return ids
			}
			both := []string{second.ID, first.ID} // the newest first
			for _, c := range []struct {
				what string
				f    store.OrderFilter
				want []string
			}{
				{"all", store.OrderFilter{}, both},
				{"a page", store.OrderFilter{Limit: 1}, both[:1]},
				{"the next", store.OrderFilter{Limit: 1, Offset: 1}, both[1:]},
				{"customer", store.OrderFilter{CustomerID: first.Customer.ID}, both[1:]},
				{"the customer's wallet", store.OrderFilter{Wallet: first.Customer.Wallet, WalletNet: first.Customer.Network}, both[1:]},
				{"the payor's wallet", store.OrderFilter{Wallet: second.Payment.Payer, WalletNet: second.Payment.PayerNetwork}, both[:1]},
				{"a wallet on another network", store.OrderFilter{Wallet: second.Payment.Payer, WalletNet: "x"}, nil},
				{"status", store.OrderFilter{Status: became.Status}, both[1:]},
				{"the old status", store.OrderFilter{Status: first.Status}, nil},
				{"retailer", store.OrderFilter{Retailer: second.Retailer}, both[:1]},
				{"from", store.OrderFilter{From: second.CreatedAt}, both[:1]},
				{"to", store.OrderFilter{To: first.CreatedAt}, both[1:]},
			} {
				same(t, c.what, all(c.f), c.want)
			}
			same(t, "another merchant's", len(must(tx.Orders(store.OrderFilter{MerchantID: first.MerchantID + 1, Environment: first.Environment, Limit: 10}))), 0)
			same(t, "another environment's", len(must(tx.Orders(store.OrderFilter{MerchantID: first.MerchantID, Environment: "x", Limit: 10}))), 0)
			return nil
		})
	})
}

func nothing[T any](_ T, err error) error { return err }

// Of many who use an estimate at once, each sees what those before have made of it.
func TestEstimateIsHeld(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		e := fill[pay.Estimate](1)
		e.OrderID = ""
		write(t, s, func(tx *store.Tx) error { return tx.AddEstimate(e) })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				write(t, s, func(tx *store.Tx) error {
					held := must(tx.EstimateForUpdate(e.ID))
					held.OrderID += "x"
					return tx.UseEstimate(held, []byte("sealed"))
				})
			})
		}
		wg.Wait()
		write(t, s, func(tx *store.Tx) error {
			same(t, "used", must(tx.Estimate(e.ID)).OrderID, "xxxxxxxxxxxxxxxxxxxx")
			return nil
		})
	})
}
