package testkit

import (
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
)

// StartPair starts a deployment on two development chains: Ethereum, and one that is
// called BSC, which other pays and mines on. change may alter the options; it may be nil.
func StartPair(t testing.TB, database string, change func(*app.Options)) (a, other *App) {
	t.Helper()
	c := StartChain(t)
	other = &App{Chain: c, Wallet: &devchain.Wallet{Client: c.Client(), Key: c.Payer()}, t: t}
	a = StartApp(t, database, func(o *app.Options) {
		second := BSC(c.URL(), nil, 0)
		second.Relayer = devchain.Relayer()
		if o.Networks = append(o.Networks, second); change != nil {
			change(o)
		}
	})
	return a, other
}

// Payments asks for all payments of an invoice as its merchant sees them.
func (a *App) Payments(invoice string) []api.Payment {
	a.t.Helper()
	v := Ask[api.Invoice](a.t, "GET", a.URL+"/api/v1/invoices/"+invoice+"?expand=payments", "", Headers{"x-api-key", a.Key})
	return v.Payments.Data
}
