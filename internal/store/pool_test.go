package store_test

import (
	"testing"

	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Places that may have been given out are left out, and none of the pool's is given out any more.
func TestSkip(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			same(t, "of a counter that is new", must(tx.Skip("a", 10)), 10)
			same(t, "goes on", must(tx.Next("a")), 11)
			same(t, "again", must(tx.Skip("a", 5)), 16)
			for i := range uint32(3) {
				same(t, "added", must(tx.AddPooled("sui", store.Pooled{Index: i, Address: string(rune('a' + i))})), true)
			}
			same(t, "of another network", must(tx.EmptyPool("solana")), 0)
			same(t, "emptied", must(tx.EmptyPool("sui")), 3)
			same(t, "left", must(tx.PoolSize("sui", 9)), 0)
			return nil
		})
	})
}
