package app_test

import (
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// Where all that is seen is final, a network that takes a block back all the same stops its
// watcher: readiness says so, what was credited stays as it was, and nothing is credited any
// more, whatever is paid.
func TestFinalBlockTakenBack(t *testing.T) {
	t.Parallel()
	for _, name := range []pay.NetworkName{"solana", "ton", "sui"} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				n := testkit.StartNetwork(t, name, simnet.Options{Seed: 1})
				s := &networkStory{T: t, n: n, a: testkit.StartOn(t, url, n), sent: map[int64]*big.Int{}}
				for _, token := range n.Tokens {
					s.sent[token.ID] = new(big.Int)
				}
				before, after := s.open(n.Tokens[0], `{"amount_usd":10}`), s.open(n.Tokens[1], `{"amount_usd":10}`)
				tx := s.pay(before, before.units)
				s.exact(before)
				was := s.a.Status(before.id)
				testkit.Eventually(t, "it is told", func() bool {
					if err := n.Drop(t.Context(), tx); err != nil {
						t.Fatal(err)
					}
					got, body := testkit.Do(t, http.MethodGet, s.a.URL+"/readyz", "", nil)
					return got == http.StatusServiceUnavailable && strings.Contains(string(body), "the network replaced a final block")
				})
				proven := s.proven()
				s.pay(after, after.units)
				for range 5 {
					n.Mine()
				}
				if is := s.a.Status(before.id); is.Invoice.Status != was.Invoice.Status || is.Invoice.AmountPaid != was.Invoice.AmountPaid {
					t.Errorf("it was %+v, and is %+v", was.Invoice, is.Invoice)
				}
				if is := s.a.Status(after.id); is.Invoice.Status != "unpaid" || is.LatestPayment != nil {
					t.Errorf("credited on a branch: %+v", is)
				}
				if now := s.proven(); now != proven {
					t.Errorf("proven up to %s, then to %s", proven, now)
				}
			})
		})
	}
}

// proven is what readiness says of heights.
func (s *networkStory) proven() string {
	s.Helper()
	_, body := testkit.Do(s, http.MethodGet, s.a.URL+"/readyz", "", nil)
	_, heights, _ := strings.Cut(string(body), "proven_height")
	return heights
}
