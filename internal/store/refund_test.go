package store_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

func TestRefunds(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write := func(fs ...pay.Repayment) {
			t.Helper()
			if err := s.Write(t.Context(), func(tx *store.Tx) error {
				for _, f := range fs {
					if err := tx.SaveRefund(f); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		due := func(id string, amount money.USD, after time.Duration) pay.Repayment {
			return pay.Repayment{OrderID: id, MerchantID: 7, Environment: pay.Devnet, Amount: amount, Destination: "0xA", State: pay.RelayDue, DueAt: c.Now().Add(after)}
		}
		nowhere, other := due("nowhere", 1, 0), due("other", 1, 0)
		nowhere.Destination, other.Environment = "", pay.Mainnet
		sent := due("sent", 3, 0)
		sent.State, sent.Network, sent.Wallet, sent.Token, sent.Units, sent.Nonce, sent.Head = pay.RelaySent, "bsc", "0xW", "0xT", pay.Token{Decimals: 18}.Worth(3), 4, 9
		sent.Sends = []pay.RelaySend{{TxHash: "0x1", Raw: "00", At: c.Now()}}
		sent.TakenAt, sent.DoubtAt = c.Now(), c.Now().Add(time.Minute)
		done := due("done", 5, 0)
		done.State, done.Network, done.Wallet, done.Nonce, done.TakenAt = pay.RelayDone, "bsc", "0xW", 3, c.Now().Add(-time.Hour)
		write(due("late", 2, 2*time.Second), due("first", 9, time.Second), nowhere, other, sent, done)
		first := func(tx *store.Tx, by time.Duration, most money.USD) string {
			f, _, err := tx.RefundDue(pay.Devnet, c.Now().Add(by), most)
			if err != nil {
				t.Error(err)
			}
			return f.OrderID
		}
		if err := s.Read(t.Context(), func(tx *store.Tx) error {
			is, some, err := tx.Refund("sent")
			if err != nil || !some || !reflect.DeepEqual(is, sent) {
				t.Errorf("%+v\nwant %+v (%v)", is, sent, err)
			}
			if _, some, err := tx.Refund("none"); some || err != nil {
				t.Error(some, err)
			}
			if under, some, err := tx.RefundUnderWay("bsc"); under.OrderID != "sent" || !some || err != nil {
				t.Error(under, err)
			}
			if _, some, err := tx.RefundUnderWay("ethereum"); some || err != nil {
				t.Error(some, err)
			}
			got := fmt.Sprintf("%q", []string{first(tx, 0, math.MaxInt64), first(tx, time.Second, math.MaxInt64), first(tx, 3*time.Second, math.MaxInt64), first(tx, 3*time.Second, 8)})
			if want := `["" "first" "first" "late"]`; got != want {
				t.Errorf("due %s, want %s", got, want)
			}
			var sums []money.USD
			for _, since := range []time.Duration{-time.Hour - time.Second, -time.Hour, 0} {
				u, err := tx.Refunded("bsc", c.Now().Add(since), "first")
				if sums = append(sums, u); err != nil {
					t.Error(err)
				}
			}
			less, err := tx.Refunded("bsc", c.Now().Add(-24*time.Hour), "sent")
			if fmt.Sprint(sums, less) != "[0.008 0.003 0.000] 0.005" || err != nil {
				t.Errorf("refunded %v, %v (%v)", sums, less, err)
			}
			next, err := tx.RefundNonce("bsc", "0xW")
			none, e := tx.RefundNonce("bsc", "0xV")
			if next != 5 || none != 0 || err != nil || e != nil {
				t.Error(next, none, err, e)
			}
			all, err := tx.Refunds(3)
			if len(all) != 3 || all[0].OrderID != "nowhere" || err != nil {
				t.Errorf("%+v (%v)", all, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		sent.State, sent.Reason = pay.RelayFailed, "reverted"
		write(sent)
		if err := s.Read(t.Context(), func(tx *store.Tx) error {
			is, _, err := tx.Refund("sent")
			if !reflect.DeepEqual(is, sent) {
				t.Errorf("changed to %+v", is)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
