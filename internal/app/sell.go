package app

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/retail/zinc"
)

// sell decides who sells in each environment, now that our address is known: the catalog
// shows pictures there, and Zinc tells its news there.
func (a *App) sell() (err error) {
	providers := maps.Clone(a.Providers)
	if providers == nil {
		providers = map[pay.Environment]retail.Provider{}
	}
	if c, ok := providers[pay.Devnet].(*catalog.Catalog); ok {
		providers[pay.Devnet] = c.In(a.URL, a.Now)
	}
	if o := a.Zinc; o.Token != "" {
		if o.Log, o.Now = a.Log, a.Now; strings.HasPrefix(a.URL, "https://") {
			o.Webhook = a.URL + "/hooks/retail/" + a.Billing.Auth.RetailHook()
		}
		if providers[pay.Mainnet], err = zinc.New(o); err != nil {
			return fmt.Errorf("commerce.zinc: %w", err)
		}
		a.Commerce.Hint = zinc.Hint
	}
	a.Commerce.Providers = providers
	return nil
}
