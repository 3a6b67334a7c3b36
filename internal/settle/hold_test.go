package settle_test

import (
	"crypto/ecdsa"
	"log/slog"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// What is settled by one machine is not given up by others that have no key; and what was,
// when there was no such machine, is taken up by the first that has one.
func TestSettlingApart(t *testing.T) {
	t.Parallel()
	var o app.Options
	var relayer *ecdsa.PrivateKey
	a, _ := start(t, testkit.Postgres(t), func(mine *app.Options, _ *types.Header) {
		relayer, mine.Networks[0].Relayer = mine.Networks[0].Relayer, nil
		o = *mine
	})
	early := paid(t, a)
	testkit.Eventually(t, "nobody settles it", func() bool { return settlement(a, early) == "manual" })

	settling := o
	settling.Log, settling.Networks = slog.New(slog.DiscardHandler), slices.Clone(o.Networks)
	settling.Networks[0].Relayer = relayer
	testkit.Run(t, settling)
	a.MineSlowly("what was given up is settled", func() bool { return settlement(a, early) == "settled" })
	for range 4 { // each step of which either may take up
		invoice := paid(t, a)
		a.MineSlowly("it is settled", func() bool {
			if settlement(a, invoice) == "manual" {
				t.Fatal("a machine without a key gave up what another settles")
			}
			return settlement(a, invoice) == "settled"
		})
	}
}
