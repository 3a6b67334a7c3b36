package billing_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// What somebody is just putting into a pool while places are left out is of the places
// before: it is not given out.
func TestSkipWhileThePoolIsFilled(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		b := &billing.Billing{Store: s}
		filling, skipped := make(chan struct{}), make(chan error, 1)
		once := sync.OnceFunc(func() { close(filling) })
		go func() {
			<-filling
			last, err := b.SkipAddresses(t.Context(), 1000)
			if last["solana"] != 1001 {
				t.Errorf("the last place is %d", last["solana"])
			}
			skipped <- err
		}()
		if err := s.Write(t.Context(), func(tx *store.Tx) error {
			index, err := tx.Next("pool solana")
			if err != nil {
				return err
			}
			once()
			select { // it has to wait; if it does not, this is long enough
			case err := <-skipped:
				skipped <- err
			case <-time.After(300 * time.Millisecond):
			}
			_, err = tx.AddPooled("solana", store.Pooled{Index: uint32(index), Address: "A"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := <-skipped; err != nil {
			t.Fatal(err)
		}
		if err := s.Read(t.Context(), func(tx *store.Tx) error {
			n, err := tx.PoolSize("solana", 9)
			if n != 0 {
				t.Errorf("%d addresses are left in the pool", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
