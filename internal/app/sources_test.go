package app_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// knowing names the sources that know a symbol.
func knowing(sources []rates.Source, symbol string) (names []string) {
	for _, s := range sources {
		if s.Knows(symbol) {
			names = append(names, s.Name())
		}
	}
	return names
}

// Whatever is served has a price while any one source fails, without Ethereum and without
// a key.
func TestThreeSourcesForEachSymbol(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"base", "solana"} {
		c, err := app.ReadConfig("", []string{"PEPAY_NETWORKS_" + strings.ToUpper(network) + "_RPC=http://127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range pay.Listings {
			for _, token := range l.Tokens {
				if names := knowing(app.Sources(c), token.Price); len(names) < 3 || len(names) <= c.RatesQuorum {
					t.Errorf("%s is known to %v", token.Price, names)
				}
			}
		}
	}
	for _, symbol := range rates.Quotable() {
		if names := knowing(app.Sources(app.Config{}), symbol); len(names) < 3 {
			t.Errorf("%s is known to %v", symbol, names)
		}
	}
}

// A start tells which symbols can have no price, and readiness which have none.
func TestScarcePricesAreTold(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	a := testkit.StartApp(t, t.TempDir()+"/p.db", func(o *app.Options) {
		o.Quorum, o.Log = 2, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	if told := log.String(); !strings.Contains(told, `symbol=USDC sources=[static] quorum=2`) || !strings.Contains(told, "symbol=ETH ") {
		t.Errorf("told %q", told)
	}
	testkit.Eventually(t, "a warning of each, that makes nothing unready", func() bool {
		got, body := testkit.Do(t, http.MethodGet, a.URL+"/readyz", "", nil)
		return got == http.StatusOK && strings.Contains(string(body), `"price ETH":"only 1 of 1 fresh prices agree","price USDC":"only 1 of 1 fresh prices agree"`)
	})
}
