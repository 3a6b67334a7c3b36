package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A pool that was filled from another seed is not given out: nobody at hand could move what
// is sent to its addresses. The start is refused and says what to do, and nothing was added.
// A process without a seed has nothing to compare with.
func TestPoolOfAnotherSeed(t *testing.T) {
	t.Parallel()
	other, err := seed.Generate([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []pay.NetworkName{"solana", "sui"} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				n := testkit.StartNetwork(t, name, simnet.Options{})
				o := testkit.SimulatedOptions(t, url, n)
				first, err := app.Addresses(name, o.Seed)
				if err != nil {
					t.Fatal(err)
				}
				second, err := app.Addresses(name, other)
				if err != nil {
					t.Fatal(err)
				}
				// begin starts with a seed, and takes addresses before it stops.
				begin := func(s seed.Seed, take int) (taken []store.Pooled, err error) {
					o.Seed = s
					a, err := app.Start(t.Context(), o)
					if err != nil {
						return nil, err
					}
					for len(taken) < take {
						if err := a.Store.Write(t.Context(), func(tx *store.Tx) error {
							p, ok, err := tx.TakePooled(name)
							if !ok {
								take = 0
								return err
							}
							taken = append(taken, p)
							return err
						}); err != nil {
							t.Fatal(err)
						}
					}
					return taken, a.Stop(context.WithoutCancel(t.Context()))
				}
				ours := o.Seed
				if taken, err := begin(ours, 3); err != nil || len(taken) != 3 || taken[2] != (store.Pooled{Index: 3, Address: first(3)}) {
					t.Fatalf("took %+v, %v", taken, err)
				}
				for range 2 { // it stays refused
					_, err = begin(other, 0)
					for _, want := range []string{
						"network " + string(name) + ": the pool of addresses is of another seed", "place 4, is " + first(4), "this seed's is " + second(4),
						fmt.Sprintf("DELETE FROM pool WHERE network = '%s'", name),
					} {
						if err == nil || !strings.Contains(err.Error(), want) {
							t.Fatalf("got %v\nwant %s", err, want)
						}
					}
				}
				if taken, err := begin(seed.Seed{}, 1); err != nil || taken[0].Address != first(4) {
					t.Errorf("without a seed: %+v, %v", taken, err)
				}
				if taken, err := begin(ours, 1); err != nil || len(taken) != 1 || taken[0].Address != first(5) {
					t.Errorf("of the first seed %+v, %v", taken, err)
				}
				if taken, err := begin(seed.Seed{}, 10_000); err != nil || len(taken) < 507 { // all: nobody fills the pool meanwhile
					t.Errorf("of the first seed %d, %v", len(taken), err)
				}
				taken, err := begin(other, 1)
				if err != nil || len(taken) != 1 || taken[0].Address != second(taken[0].Index) || taken[0].Index <= 512 {
					t.Errorf("after the pool was emptied: %+v, %v", taken, err)
				}
			})
		})
	}
}

// Where many addresses were given out at once, more are made soon: a sale does not wait for
// the next look each time.
func TestPoolKeepsUp(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		size := 0
		for _, test := range []struct {
			take int
			many bool
		}{{0, true}, {0, false}, {255, false}, {256, false}, {320, true}, {512, true}, {1, false}} {
			if err := s.Write(t.Context(), func(tx *store.Tx) error {
				for range test.take {
					if _, some, err := tx.TakePooled("solana"); err != nil || !some {
						return fmt.Errorf("nothing to take: %w", err)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			many, err := app.FillOnce(t.Context(), s, "solana", func(index uint32) string { return fmt.Sprint(index) })
			if err != nil || many != test.many {
				t.Errorf("%d taken: many is %v, %v", test.take, many, err)
			}
			if err := s.Read(t.Context(), func(tx *store.Tx) (err error) { size, err = tx.PoolSize("solana", 1<<20); return err }); err != nil || size < 512 || size >= 512+64 {
				t.Errorf("%d taken: %d are there, %v", test.take, size, err)
			}
		}
	})
}

// A payor who comes when no address is left is told to ask again, and then gets one.
func TestEmptyPool(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		n := testkit.StartNetwork(t, "solana", simnet.Options{})
		o := testkit.SimulatedOptions(t, url, n)
		made, err := app.Addresses(n.Name, o.Seed)
		if err != nil {
			t.Fatal(err)
		}
		o.Seed = seed.Seed{} // nobody fills the pool
		a := new(testkit.App)
		a.Bind(t)
		a.App = testkit.Run(t, o)
		if a.Merchant, err = a.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "Corner Coffee", Environment: pay.Devnet}, map[pay.Family]string{pay.Solana: n.Payout}); err != nil {
			t.Fatal(err)
		}
		if _, a.Key, err = a.Billing.AddKey(t.Context(), a.Merchant.ID, "test", pay.ScopeMerchant, pay.Devnet, 0); err != nil {
			t.Fatal(err)
		}
		_, payor := a.Open(`{"amount_usd":10}`)
		want := fmt.Sprintf(`{"network":"solana","tokenId":%d}`, n.Tokens[0].ID)
		v := testkit.Ask[api.PaymentAddress](t, "POST", a.URL+"/api/v1/payments/payment-addresses", want, payor)
		if v.StatusCode != "quote_unavailable" || v.TempAddress != "" || !*v.Retryable || *v.RetryAfterSeconds != 5 ||
			*v.Message != "No address on Solana is free right now. Try again in a moment, or choose another token." {
			t.Errorf("without an address: %+v", v)
		}
		if _, err := a.Billing.AddPooled(t.Context(), n.Name, []store.Pooled{{Index: 1, Address: made(1)}}); err != nil {
			t.Fatal(err)
		}
		if at, _ := a.AllocateOn(payor, n.Tokens[0]); at.TempAddress != made(1) || at.StatusCode != "ok" {
			t.Errorf("with one: %+v", at)
		}
	})
}
